"""HEAD wherever there is GET (RFC 9110 section 9.3.2): the same answer, of which the server sends no body."""

from __future__ import annotations

from typing import Any


class Heads:
    """Wraps an ASGI application that knows GET alone; uvicorn leaves the body of the answer away."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Hand a request on, HEAD as GET."""
        is_head = scope["type"] == "http" and scope["method"] == "HEAD"
        await self._inner(scope | {"method": "GET"} if is_head else scope, receive, send)
