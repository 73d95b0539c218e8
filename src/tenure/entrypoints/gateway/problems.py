"""Errors as RFC 9457 problems: what went wrong, the facts, and the next step."""

from __future__ import annotations

import http
from typing import TYPE_CHECKING, Any

import msgspec

from tenure.kit.errors import Kind, TenureError

if TYPE_CHECKING:
    from collections.abc import Iterable

Header = tuple[bytes, bytes]

STATUS = {
    Kind.BAD_INPUT: 422,
    Kind.NOT_FOUND: 404,
    Kind.CONFLICT: 409,
    Kind.REFUSED: 409,
    Kind.UNAUTHENTICATED: 401,
    Kind.FORBIDDEN: 403,
    Kind.UNAVAILABLE: 503,
    Kind.OVERLOADED: 429,
    Kind.CORRUPT: 500,
    Kind.TOO_LARGE: 413,
}
_RETRY_SECONDS = {429: b"1", 503: b"5"}
_ENCODER = msgspec.json.Encoder(enc_hook=str)


def problem(status: int, code: str, detail: str, next_step: str = "", **facts: Any) -> tuple[int, list[Header], bytes]:
    """Return status, headers and body of one problem."""
    body: dict[str, Any] = {
        "type": f"urn:tenure:problem:{code}",
        "title": http.HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
    }
    if next_step:
        body["next_step"] = next_step
    content = _ENCODER.encode({**facts, **body})
    return status, [*_headers(status, len(content))], content


def problem_of(error: TenureError) -> tuple[int, list[Header], bytes]:
    """Return the problem that tells of an own error."""
    return problem(STATUS[error.kind], error.code, str(error), error.hint, **error.facts)


def _headers(status: int, length: int) -> Iterable[Header]:
    yield b"content-type", b"application/problem+json"
    yield b"content-length", str(length).encode()
    if status == 401:
        yield b"www-authenticate", b'Bearer realm="tenure", Basic realm="tenure"'
    if status in _RETRY_SECONDS:
        yield b"retry-after", _RETRY_SECONDS[status]
