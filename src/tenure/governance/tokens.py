"""Tokens: `tnr_<id>_<secret>` with 192 random bits, of which only the sha256 is ever stored."""

from __future__ import annotations

import base64
import hashlib
import os
import re
from dataclasses import dataclass

from tenure.governance.access import LOCAL, Actor, Role
from tenure.kit.clock import DAY, SECOND, parse_iso
from tenure.kit.errors import Kind, TenureError

#: what the token is called that `tenure up` makes for the owner of the home
OWNERS = "owner"
_SECRET_BYTES = 24
_AGE = re.compile(r"([1-9][0-9]{0,5})([smhd])")
_UNIT = {"s": SECOND, "m": 60 * SECOND, "h": 3600 * SECOND, "d": DAY}


class UnknownToken(TenureError):
    """No token has this id."""

    code = "unknown-token"
    kind = Kind.NOT_FOUND
    message = "there is no token {token}"
    next_step = "see `tenure token list`"


class BadExpiry(TenureError):
    """The text is neither a moment to come nor an age."""

    code = "bad-expiry"
    kind = Kind.BAD_INPUT
    message = "{text!r} is not a time to come"
    next_step = "write an age as 90d or 12h, or a date as 2027-01-31"


@dataclass(frozen=True, slots=True)
class Token:
    """A token as it is kept: `digest` is the sha256 (hex) of its text. Times are UTC microseconds.

    `rate` is how often it may ask, as people write it (`600/min`); empty: as often as it likes. `name` says what it is for.
    """

    id: str
    digest: str
    role: Role
    applications: frozenset[str]
    created_at: int
    created_by: str
    expires_at: int | None = None
    revoked_at: int | None = None
    rate: str = ""
    name: str = ""

    def is_valid(self, now: int) -> bool:
        """Return whether the token opens anything at the moment `now`."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)

    def actor(self, request: str = "") -> Actor:
        """Return who acts with this token."""
        return Actor(self.id, self.role, self.applications, request=request)


def behind(actor: str, token: Token | None) -> str:
    """Return who it is that acts: the owner of the home also with the token that `tenure up` made for them."""
    is_owners = token is not None and token.name == OWNERS and token.created_by.startswith(LOCAL)
    return token.created_by if token is not None and is_owners else actor


def mint(random: bytes | None = None) -> tuple[str, str]:
    """Return a new token's id and its text; `random` is 30 bytes, taken from the system when not given."""
    raw = random if random is not None else os.urandom(6 + _SECRET_BYTES)
    token_id = raw[:6].hex()
    secret = base64.urlsafe_b64encode(raw[6:]).decode().rstrip("=")
    return token_id, f"tnr_{token_id}_{secret}"


def token_digest(text: str) -> str:
    """Return the sha256 (hex) of a token's text, under which it is stored and looked up."""
    return hashlib.sha256(text.encode()).hexdigest()


def parse_expiry(text: str, now: int) -> int | None:
    """Return the moment that `text` means (`90d` from now, or a date), None for the empty text."""
    if not text:
        return None
    if age := _AGE.fullmatch(text):
        return now + int(age[1]) * _UNIT[age[2]]
    try:
        moment = parse_iso(text)
    except ValueError as error:
        raise BadExpiry(text=text) from error
    if moment <= now:
        raise BadExpiry(text=text)
    return moment
