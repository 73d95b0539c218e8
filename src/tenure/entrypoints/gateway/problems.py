"""Errors as the bytes of RFC 9457 problems, by the same table as control's, and the errors that only a gateway has."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from tenure.entrypoints.api import errors
from tenure.kit.errors import Kind, TenureError

_ENCODE = msgspec.json.Encoder().encode


class Answer(NamedTuple):
    """What goes back."""

    status: int
    headers: list[tuple[bytes, bytes]]
    content: bytes


class BodyTooLarge(TenureError):
    """The body exceeds what one request may carry."""

    code = "body-too-large"
    kind = Kind.TOO_LARGE
    message = "the body of the request exceeds {limit} bytes"
    next_step = "send less at once, or use the batch"


class Overloaded(TenureError):
    """More requests are in flight than this gateway takes on."""

    code = "overloaded"
    kind = Kind.OVERLOADED
    message = "{in_flight} requests are being answered already"
    next_step = "try again in a second"


class ControlUnavailable(TenureError):
    """Control does not answer on its socket."""

    code = "control-unavailable"
    kind = Kind.UNAVAILABLE
    message = "the administration is not available just now; decisions go on"
    next_step = "try again in {retry_after} seconds"


class ControlBusy(TenureError):
    """More requests wait for control than one gateway hands on."""

    code = "control-busy"
    kind = Kind.OVERLOADED
    message = "{in_flight} requests wait for the administration already; decisions go on"
    next_step = "try again in a second"


class NotReady(TenureError):
    """The gateway takes no traffic now."""

    code = "not-ready"
    kind = Kind.UNAVAILABLE
    message = "{why}"
    next_step = "try again in a few seconds"


class SlowClient(TenureError):
    """The client keeps the connection waiting."""

    code = "slow-client"
    kind = Kind.BAD_INPUT
    message = "{why}"
    next_step = "send the request in one go"


class HeaderTooLarge(TenureError):
    """The header goes on and on."""

    code = "header-too-large"
    kind = Kind.TOO_LARGE
    message = "the header of the request exceeds {limit} bytes"
    next_step = "send less in the header"


class BadHttp(TenureError):
    """What the client sends is no HTTP."""

    code = "bad-http"
    kind = Kind.BAD_INPUT
    message = "{why}"
    next_step = "speak HTTP/1.1"


#: RFC 9110 and RFC 6585 have a status of their own for these
_STATUS = {SlowClient.code: 408, HeaderTooLarge.code: 431, BadHttp.code: 400}


def problem_of(error: TenureError) -> Answer:
    """Return the answer that tells of an error."""
    document = errors.problem(error)
    document["status"] = status = _STATUS.get(error.code, errors.status_of(error))
    content = _ENCODE(document)
    headers = [(b"content-type", errors.PROBLEM_JSON.encode()), (b"content-length", str(len(content)).encode())]
    headers += [(name.lower().encode(), value.encode()) for name, value in errors.headers_of(error).items()]
    return Answer(status, headers, content)
