"""What a request's headers tell a gateway. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tenure.kit.errors import Kind, TenureError

if TYPE_CHECKING:
    from collections.abc import Iterable

DEADLINE = b"x-request-deadline-ms"
_LONGEST_MS = 600_000


class BadDeadline(TenureError):
    """The caller's deadline is no number of milliseconds."""

    code = "bad-deadline"
    kind = Kind.BAD_INPUT
    message = "X-Request-Deadline-Ms is {value!r}"
    next_step = f"send the milliseconds that you wait, a whole number from 1 to {_LONGEST_MS}, or leave it out"


class Told(NamedTuple):
    """The headers that a decision depends on; None for those that were not sent."""

    authorization: str | None
    key: str | None
    deadline_us: int | None
    encoding: str = ""


def told(headers: Iterable[tuple[bytes, bytes]]) -> Told:
    """Return what the headers tell; raise `BadDeadline`."""
    authorization = key = deadline = None
    encoding = ""
    for name, value in headers:
        if name == b"authorization":
            authorization = value.decode("latin-1")
        elif name == b"idempotency-key":
            key = value.decode("latin-1")
        elif name == DEADLINE:
            deadline = deadline_of(value)
        elif name == b"content-encoding":
            encoding = value.decode("latin-1").lower()
    return Told(authorization, key, deadline, encoding)


def deadline_of(value: bytes) -> int:
    """Return how many microseconds the caller waits; raise `BadDeadline`."""
    if not (value.isdigit() and 0 < int(value[:9]) <= _LONGEST_MS and len(value) < 9):
        raise BadDeadline(value=value[:40].decode("latin-1"))
    return int(value) * 1000
