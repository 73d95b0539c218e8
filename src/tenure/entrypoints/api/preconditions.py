"""Writes of configuration name the state they were decided on (If-Match, RFC 9110 13.1.1), so that none is overwritten unseen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenure.kit.errors import Kind, TenureError

if TYPE_CHECKING:
    from collections.abc import Callable


class PreconditionRequired(TenureError):
    """The write does not say on what state it was decided."""

    code = "precondition-required"
    kind = Kind.CONFLICT
    message = "{what} exists already, and this write does not say which state of it it was decided on"
    next_step = "read it, and send the ETag of that answer as If-Match; it is {etag} now"


class PreconditionFailed(TenureError):
    """The state on which the write was decided is no longer the present one."""

    code = "precondition-failed"
    kind = Kind.CONFLICT
    message = "{what} has changed since: If-Match is {given}, and it is {etag} now"
    next_step = "read it again, see what changed, and repeat the write if it is still right"


def etag_of(tag: str) -> str:
    """Return the strong ETag of a state."""
    return f'"{tag}"'


def precondition(what: str, tag: str | None, given: str, *, needed: bool = True) -> Callable[[str | None], None]:
    """Return the check of an If-Match header (empty: none was sent), to be made again when nobody else can write.

    A thing that does not exist yet (`tag` None) needs none; `*` matches whatever there is. Where it is not `needed`, it is
    checked if it was sent.
    """
    if needed and tag is not None and not given:
        raise PreconditionRequired(what=what, etag=etag_of(tag))

    def check(now: str | None) -> None:
        if not given or (given.strip() == "*" and now is not None):
            return
        if now is None or etag_of(now) not in {each.strip() for each in given.split(",")}:
            raise PreconditionFailed(what=what, given=given, etag="none" if now is None else etag_of(now))

    check(tag)
    return check
