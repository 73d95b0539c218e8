"""Which request is which: the caller's request id and W3C trace context, made here where they are missing.

Source: W3C Trace Context, level 1 (traceparent). Both go back with the answer and stand on every line of the log about the
request; the trace id of a caller that sent one stands on the decision's record.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, NamedTuple

from tenure.kit.log_lines import CURRENT, Request

if TYPE_CHECKING:
    from collections.abc import Iterable

REQUEST_ID = b"x-request-id"
TRACEPARENT = b"traceparent"
_FORM = re.compile(rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_NO_TRACE, _NO_PARENT = b"0" * 32, b"0" * 16
#: the flags of a trace that begins here
_SAMPLED = "01"
_ID = re.compile(rb"[\x21-\x7e]{1,128}")


class Traced(NamedTuple):
    """One request's names. `trace` is the caller's own trace id, empty where it sent none."""

    request: Request
    trace: str

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """Return what the answer says of them."""
        return [(REQUEST_ID, self.request.id.encode()), (TRACEPARENT, self.request.traceparent.encode())]


def traced(headers: Iterable[tuple[bytes, bytes]]) -> Traced:
    """Return the request's names, and have this task's log lines carry them."""
    request_id = parent = b""
    for name, value in headers:
        if name == TRACEPARENT:
            parent = value
        elif name == REQUEST_ID:
            request_id = value
    fresh = os.urandom(24).hex()
    own, flags = _trace_and_flags(parent) if parent else ("", _SAMPLED)
    trace, span = own or fresh[16:], fresh[:16]
    known = request_id.decode() if request_id and _ID.fullmatch(request_id) else trace
    request = Request(known, f"00-{trace}-{span}-{flags}")
    CURRENT.set(request)
    return Traced(request, own)


def trace_of(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """Return the caller's own trace id, empty where it sent none."""
    return next((_trace_and_flags(value)[0] for name, value in headers if name == TRACEPARENT), "")


def _trace_and_flags(parent: bytes) -> tuple[str, str]:
    found = _FORM.fullmatch(parent)
    return (found[2].decode(), found[4].decode()) if found and _is_valid(found) else ("", _SAMPLED)


def _is_valid(found: re.Match[bytes]) -> bool:
    """Return whether it is a trace: version ff is none, version 00 has no more parts, zeros name nothing."""
    version, trace, parent, _, rest = found.groups()
    return version != b"ff" and trace != _NO_TRACE and parent != _NO_PARENT and not (version == b"00" and rest)
