"""Versions on their way from one home to another."""

from __future__ import annotations

from tenure.app.wire.shared import Input, Output


class ExportVersion(Input, frozen=True):
    """Sign the history of a version, to be put into one file with everything that it is made of."""

    model: str
    version: str


class ExportedAnswer(Output, frozen=True):
    """The signed history (`history.json`, `history.signature.json`), and the digest of every other file of the export."""

    ref: str
    history: bytes
    signature: bytes
    files: dict[str, str]
    url: str = ""


class Content(Input, frozen=True):
    """A portion, from byte `start` on, of a content that the version is made of or that its history names."""

    model: str
    version: str
    digest: str
    start: int = 0


class ContentAnswer(Output, frozen=True):
    """The bytes, and whether there are more behind them."""

    content: bytes
    more: bool


class ImportVersion(Input, frozen=True):
    """Take a version that was exported elsewhere; `package` is the unpacked export (`Action.upload`)."""

    package: str
    reason: str = ""


class ImportedAnswer(Output, frozen=True):
    """The version as it is called here, and as it was called where it came from; `trusted`: is that home's key?"""

    ref: str
    was: str
    stage: str
    again: bool
    trusted: bool
    signed_by: str
    url: str
