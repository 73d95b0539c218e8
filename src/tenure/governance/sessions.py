"""Sessions of people: begun by a password, a token or a one-time link; a random secret of which only the sha256 is kept.

A browser carries the secret in a cookie, which other sites can make it send too. So a write that is known by its cookie
alone must also carry the session's CSRF token in a header, which other sites can neither read nor set.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from dataclasses import dataclass

from tenure.kit.clock import SECOND
from tenure.kit.errors import Kind, TenureError

SESSION_LIFE = 12 * 3600 * SECOND
#: a session of the command line, whose secret lies in a file that only its owner reads
BEARER_LIFE = 30 * 24 * 3600 * SECOND
LINK_LIFE = 15 * 60 * SECOND

_SECRET_BYTES = 24
_SESSION = "tns_"
_LINK = "tnl_"

#: Over TLS the name binds the cookie to this very host and forbids it in clear text (RFC 6265bis, section 4.1.3.2).
COOKIE = "tenure_session"
SECURE_COOKIE = f"__Host-{COOKIE}"
CSRF_HEADER = "x-csrf-token"
SAFE_VERBS = frozenset({"GET", "HEAD", "OPTIONS"})


class SignInRefused(TenureError):
    """Name and password, token or link do not open anything; which of them was wrong is not said."""

    code = "sign-in-refused"
    kind = Kind.UNAUTHENTICATED
    message = "that does not open anything: {what}"
    next_step = "try again, or ask an admin for a new link: tenure users link NAME"


class TooManyAttempts(TenureError):
    """So many attempts failed that the next one must wait."""

    code = "too-many-attempts"
    kind = Kind.OVERLOADED
    message = "too many attempts to sign in failed"
    next_step = "wait {retry_after} seconds"


class CsrfRefused(TenureError):
    """A write that came with the session's cookie does not prove that it was meant by the person."""

    code = "csrf-refused"
    kind = Kind.FORBIDDEN
    message = "{why}"
    next_step = "send the csrf_token of GET /api/v1/sessions/current in the header X-CSRF-Token, or use a token"


class UnknownSession(TenureError):
    """No session has this id."""

    code = "unknown-session"
    kind = Kind.NOT_FOUND
    message = "there is no session {session}"
    next_step = "see GET /api/v1/sessions"


@dataclass(frozen=True, slots=True)
class Session:
    """One session as it is kept. `subject` is the actor's id whose rights it has, looked up anew at every use."""

    id: str
    digest: str
    subject: str
    began_at: int
    expires_at: int
    ended_at: int | None = None

    def is_valid(self, now: int) -> bool:
        """Return whether the session opens anything at the moment `now`."""
        return self.ended_at is None and now < self.expires_at


@dataclass(frozen=True, slots=True)
class SignInLink:
    """A link that signs `subject` in, once."""

    digest: str
    subject: str
    made_at: int
    made_by: str
    expires_at: int
    used_at: int | None = None

    def is_valid(self, now: int) -> bool:
        """Return whether the link can still be used at the moment `now`."""
        return self.used_at is None and now < self.expires_at


def session_secret() -> tuple[str, str]:
    """Return a new session's id and secret."""
    return os.urandom(6).hex(), _SESSION + _random()


def link_code() -> str:
    """Return a new link's code."""
    return _LINK + _random()


def secret_digest(secret: str) -> str:
    """Return the sha256 (hex) under which a session or a link is stored and looked up."""
    return hashlib.sha256(secret.encode()).hexdigest()


def is_session_secret(text: str) -> bool:
    """Return whether a text looks like a session's secret, as no token's does."""
    return text.startswith(_SESSION)


def csrf_token(secret: str) -> str:
    """Return the CSRF token of a session; whoever knows it cannot tell the secret."""
    return hmac.new(secret.encode(), b"tenure csrf 1", hashlib.sha256).hexdigest()


def refuse_forged(secret: str, given: str) -> None:
    """Raise `CsrfRefused` unless `given` is the session's CSRF token."""
    if not given:
        raise CsrfRefused(why="a write with a session's cookie needs the header X-CSRF-Token")
    if not hmac.compare_digest(csrf_token(secret).encode(), given.encode()):
        raise CsrfRefused(why="the X-CSRF-Token is not this session's")


def cookie_in(header: str) -> str | None:
    """Return the session's secret in a Cookie header; the name that only TLS can set comes first."""
    found: dict[str, str] = {}
    for part in header.split(";"):
        name, _, value = part.strip().partition("=")
        found.setdefault(name, value)
    secret = found.get(SECURE_COOKIE) or found.get(COOKIE)
    return secret if secret and is_session_secret(secret) else None


def _random() -> str:
    return base64.urlsafe_b64encode(os.urandom(_SECRET_BYTES)).decode().rstrip("=")
