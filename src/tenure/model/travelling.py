"""A version with its history as one file: what the file says of itself, checked before anything of it is believed.

Format: docs/formats/export.md. Pure: who writes tars and who keeps records is elsewhere.
"""

from __future__ import annotations

from typing import Any

import msgspec

from tenure.kit.digests import canonical
from tenure.kit.errors import Kind, TenureError
from tenure.model.package import File, Signature

FORMAT = 1
HISTORY = "history.json"
SIGNATURE = "history.signature.json"
PACKAGE = "package"
BLOBS = "blobs"
#: attestations that another home takes over as they are; all others are told as history
CARRIED = frozenset({"attachment"})


class Travelled(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The history of an exported version: canonical JSON, signed by the key of the home that it comes from.

    `files` are all other files of the export. Times are RFC 3339 text. `decisions` says how many decisions of which
    application the version made, or why that is not told; `checkpoint` is the signed checkpoint of the log they are in.
    """

    format: int = msgspec.field(name="tenure_export")
    ref: str
    digest: str
    stage: str
    registered_at: str
    registered_by: str
    exported_at: str
    exported_by: str
    attestations: tuple[dict[str, Any], ...] = ()
    served: tuple[dict[str, Any], ...] = ()
    events: tuple[dict[str, Any], ...] = ()
    decisions: dict[str, Any] = {}
    checkpoint: dict[str, Any] = {}
    files: dict[str, File] = {}


class DamagedExport(TenureError):
    """A file of an export is not what was exported."""

    code = "damaged-export"
    kind = Kind.CORRUPT
    message = "{file} of the export: {why}"
    next_step = "export the version again from where it came; nothing of this file was taken over"


class UnknownExport(TenureError):
    """The export is of a format this Tenure does not read."""

    code = "unknown-export-format"
    kind = Kind.REFUSED
    message = "the export has format {found}; this Tenure reads {reads}"
    next_step = "import it with the Tenure that made it, or a newer one"


def encode(history: Travelled) -> bytes:
    """Return the bytes of `history.json`, over which its signature is."""
    return canonical(msgspec.to_builtins(history))


def decode(content: bytes) -> Travelled:
    """Return the history that was stored; raise `DamagedExport` or `UnknownExport`."""
    try:
        found = msgspec.json.decode(content).get("tenure_export")
        if found != FORMAT:
            raise UnknownExport(found=found, reads=FORMAT)
        return msgspec.json.decode(content, type=Travelled)
    except (msgspec.DecodeError, AttributeError, UnicodeDecodeError) as error:
        raise DamagedExport(file=HISTORY, why=f"it cannot be read: {error}") from error


def decode_signature(content: bytes) -> Signature:
    """Return the signature that stands beside the history; raise `DamagedExport`."""
    try:
        return msgspec.json.decode(content, type=Signature)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DamagedExport(file=SIGNATURE, why=f"it cannot be read: {error}") from error
