"""Listening on a socket that others hold too, and leaving it so that no client notices.

The descriptor is shared by all gateways; whoever stops accepting leaves the queue to the others. On the way out each
answer says `connection: close`, and idle connections get time to speak once more (docs: research/spikes.md section 3).
"""

from __future__ import annotations

import asyncio
import time
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

from uvicorn.config import Config
from uvicorn.server import ServerState

from tenure.entrypoints.gateway.protocol import Connection

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterable

    from tenure.entrypoints.gateway.patience import Patience

#: longer than the keep-alive of common clients and proxies (60 s), so that they close first
KEEP_ALIVE_SECONDS = 75
_TICK_SECONDS = 1.0
_LOOK_SECONDS = 0.02


class Server:
    """Serves one ASGI application on one listening socket."""

    def __init__(self, app: Any, patience: Patience) -> None:
        self.patience = patience
        self._config = Config(
            app,
            http=Connection,
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
        )
        self._config.load()
        self._state = ServerState()
        self._server: asyncio.Server | None = None
        self._ticking: asyncio.Task[None] | None = None

    @property
    def connections(self) -> int:
        """Return how many clients are connected."""
        return len(self._state.connections)

    async def listen(self, listener: socket.socket) -> None:
        """Begin to accept."""
        loop = asyncio.get_running_loop()
        self._ticking = asyncio.create_task(self._tick())
        self._server = await loop.create_server(
            lambda: Connection(self._config, self._state, loop, self.patience), sock=listener, backlog=4096
        )

    async def leave(self, grace: float, deadline: float) -> None:
        """Accept no more, and return when all clients have gone.

        A connection without a request is closed after `grace` seconds, one with a request after `deadline`.
        """
        self.patience.leaving = True
        if self._server is not None:
            self._server.close()
        for connection in self._connections():
            connection.leave_after_this()
        await self._gone(self._connections, grace)
        for connection in self._connections():
            if not connection.busy:
                connection.shutdown()
        await self._gone(self._connections, deadline - grace)
        for connection in self._connections():
            connection.transport.abort()
        if self._ticking is not None:
            self._ticking.cancel()

    def _connections(self) -> list[Connection]:
        return [one for one in self._state.connections if isinstance(one, Connection)]

    async def _gone(self, remaining: Any, seconds: float) -> None:
        until = time.monotonic() + seconds
        while remaining() and time.monotonic() < until:  # noqa: ASYNC110 - uvicorn tells nobody of a connection's end
            await asyncio.sleep(_LOOK_SECONDS)

    async def _tick(self) -> None:
        """Once a second: the date header, and a look at every connection's clock."""
        loop = asyncio.get_running_loop()
        last = loop.time()
        while True:
            self._state.default_headers = [(b"date", formatdate(usegmt=True).encode())]
            now = loop.time()
            self._look(self._connections(), now, now - last)
            last = now
            await asyncio.sleep(_TICK_SECONDS)

    @staticmethod
    def _look(connections: Iterable[Connection], now: float, since_last: float) -> None:
        for connection in connections:
            connection.look_at_clock(now, since_last)
