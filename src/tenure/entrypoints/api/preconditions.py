"""Writes of configuration name the state they were decided on (If-Match, RFC 9110 13.1.1), so that none is overwritten unseen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tenure.app.states import etag_of
from tenure.app.tags import TAGS
from tenure.kit.errors import Kind, TenureError

if TYPE_CHECKING:
    from collections.abc import Callable

    from litestar.connection import ASGIConnection
    from litestar.handlers import BaseRouteHandler

#: no condition: whatever there is will do
_ANY = "*"
_READS = frozenset({"GET", "HEAD"})


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


class NoSuchState(TenureError):
    """The operation is done to nothing whose state has an ETag, so that no ETag can be the present one."""

    code = "no-such-state"
    kind = Kind.CONFLICT
    message = "{operation} is done whatever the present state: there is none that If-Match {given} could name"
    next_step = "leave If-Match out; what takes one is marked in /api/v1/openapi.json"


async def no_idle_condition(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Raise `NoSuchState` for an If-Match that nothing would look at; a guard of every route.

    RFC 9110 forbids to perform a method whose condition is false, and who sends one counts on that.
    """
    operation = getattr(handler, "operation_id", None)
    given = connection.headers.get("if-match", "").strip()
    if given not in {"", _ANY} and connection.scope.get("method") not in _READS and operation not in TAGS:
        raise NoSuchState(operation=operation or connection.url.path, given=given)


def precondition(what: str, tag: str | None, given: str, *, needed: bool = True) -> Callable[[str | None], None]:
    """Return the check of an If-Match header (empty: none was sent), to be made again when nobody else can write.

    A thing that does not exist yet (`tag` None) needs none; `*` matches whatever there is. Where it is not `needed`, it is
    checked if it was sent.
    """
    if needed and tag is not None and not given:
        raise PreconditionRequired(what=what, etag=etag_of(tag))

    def check(now: str | None) -> None:
        if not given or (given.strip() == _ANY and now is not None):
            return
        if now is None or etag_of(now) not in {each.strip() for each in given.split(",")}:
            raise PreconditionFailed(what=what, given=given, etag="none" if now is None else etag_of(now))

    check(tag)
    return check
