"""What is sent to us as JSON and is none."""

from __future__ import annotations

from tenure.kit.errors import Kind, TenureError


class MalformedJson(TenureError):
    """The body is not JSON at all; JSON that does not fit its schema is another matter."""

    code = "malformed-json"
    kind = Kind.BAD_INPUT
    message = "the body is not JSON: {why}"
    next_step = "send one JSON document with the header Content-Type: application/json"
