"""Hears a request out before it is answered: an answer that comes before the body, on a connection that then closes, is lost.

The gateway is still writing what the client sends when control has closed its end, and with the failed write the answer that
was already there is gone. So the rest of a body is taken first, as far as it is short.
"""

from __future__ import annotations

import asyncio
from typing import Any

#: bytes and seconds that an answer waits for; a longer body's sender may see the connection end instead
_MOST = 1 << 20
_SECONDS = 2.0


class Hearing:
    """Wraps an ASGI application."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Hand a request on, and its answer back once the request has been heard."""
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        rest = _Rest(receive)

        async def after_the_rest(message: Any) -> None:
            if message["type"] == "http.response.start":
                await rest.heard()
            await send(message)

        await self._inner(scope, rest.receive, after_the_rest)


class _Rest:
    """What of a request's body nobody has asked for yet."""

    def __init__(self, receive: Any) -> None:
        self._receive = receive
        self._ended = False

    async def receive(self) -> Any:
        message = await self._receive()
        self._ended = self._ended or message["type"] != "http.request" or not message.get("more_body", False)
        return message

    async def heard(self) -> None:
        """Take the rest of the body, within bounds."""
        taken = 0
        try:
            async with asyncio.timeout(_SECONDS):
                while not self._ended and taken < _MOST:
                    taken += len((await self.receive()).get("body", b""))
        except TimeoutError:
            return
