"""Whose packages may run what their author wrote: keys that this home trusts, kept here and never in a package."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tenure.kit.errors import Kind, TenureError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_ID = re.compile(r"[0-9a-f]{16}")


class BadKey(TenureError):
    """The text is no public key."""

    code = "bad-key"
    kind = Kind.BAD_INPUT
    message = "{text!r} is neither a public key (Ed25519 in base64) nor the 16 digits that name one"
    next_step = "take it from the refusal, from signatures/ in the package, or give the package: tenure trust FOLDER"


class UnknownKey(TenureError):
    """Nobody trusts the key."""

    code = "unknown-key"
    kind = Kind.NOT_FOUND
    message = "{key} is not trusted here"
    next_step = "see `tenure trust list`"


class KeyInUse(TenureError):
    """Without the key something in service could not start again."""

    code = "key-in-use"
    kind = Kind.CONFLICT
    message = "{key} signed {versions}, which run because it is trusted"
    next_step = "decommission them first, or trust another key that signed them"


@dataclass(frozen=True, slots=True)
class TrustedKey:
    """A key and since when it is trusted; `public` is empty where only its name (`key`) was given."""

    key: str
    public: str
    name: str
    added_at: int
    added_by: str
    removed_at: int | None = None

    @property
    def is_trusted(self) -> bool:
        """Return whether it is trusted now."""
        return self.removed_at is None


def parse_key(text: str) -> tuple[str, str]:
    """Return (16 digits, public key in base64 or empty) of what a person gave; raise `BadKey`."""
    if _ID.fullmatch(text):
        return text, ""
    try:
        public = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadKey(text=text) from error
    if len(public) != 32:
        raise BadKey(text=text)
    return hashlib.sha256(public).hexdigest()[:16], text


def found(keys: Iterable[TrustedKey], text: str) -> TrustedKey:
    """Return the trusted key of this name or these digits; raise `UnknownKey`."""
    named = [one for one in keys if one.is_trusted and text in {one.key, one.name, one.public}]
    if not named:
        raise UnknownKey(key=text)
    return named[0]


def depending(key: str, trusted: Iterable[str], signers: Mapping[str, frozenset[str]]) -> list[str]:
    """Return what (by name, with the keys that signed it) is signed by `key` and by no other trusted one."""
    others = frozenset(trusted) - {key}
    return sorted(name for name, keys in signers.items() if key in keys and not keys & others)
