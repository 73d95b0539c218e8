"""Listening on a socket that others hold too, and leaving it so that no client notices.

The descriptor is shared by all gateways; whoever stops accepting leaves the queue to the others. On the way out each
answer says `connection: close`, and idle connections get time to speak once more (docs: research/spikes.md section 3).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

from uvicorn.config import Config
from uvicorn.server import ServerState

from tenure.entrypoints.gateway.protocol import Connection
from tenure.serving.front import Front

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterable

    from tenure.entrypoints.gateway.asgi import Application
    from tenure.entrypoints.gateway.patience import Patience
    from tenure.serving.tls import Certificate

_TICK_SECONDS = 1.0
_LOOK_SECONDS = 0.02
_PAUSE_SECONDS = 0.5
_LOG = logging.getLogger("tenure.gateway")


class Server:
    """Serves one ASGI application on one listening socket, over TLS where there is a certificate."""

    def __init__(
        self,
        app: Application,
        patience: Patience,
        front: Front | None = None,
        certificate: Certificate | None = None,
    ) -> None:
        self.patience = patience
        self._front = front or Front()
        self._certificate = certificate
        self._app = app
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
        )
        self._config.load()
        self._state = ServerState()
        self._listener: socket.socket | None = None
        self._coming: set[asyncio.Task[None]] = set()
        self._ticking: asyncio.Task[None] | None = None

    @property
    def connections(self) -> int:
        """Return how many clients are connected."""
        return len(self._state.connections)

    def listen(self, listener: socket.socket) -> None:
        """Begin to accept; the socket is ours from here on."""
        listener.settimeout(0)
        self._listener = listener
        self._ticking = asyncio.create_task(self._tick())
        asyncio.get_running_loop().add_reader(listener, self._accept)

    def _accept(self) -> None:
        """Take one client. The loop's own servers take all that wait, and the other gateways would get none."""
        if self._listener is None:
            return
        try:
            client, _ = self._listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        except OSError as error:
            _LOG.error("no client can be accepted: %s", error)
            self._pause_accepting()
            return
        coming = asyncio.create_task(self._welcome(client))
        self._coming.add(coming)
        coming.add_done_callback(self._coming.discard)

    async def _welcome(self, client: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        tls = None if self._certificate is None else self._certificate.context
        # Who speaks no TLS, or breaks off, has told nothing that anybody could answer.
        with contextlib.suppress(OSError):
            await loop.connect_accepted_socket(
                lambda: Connection(self._config, self._state, loop, self.patience, self._app, self._front),
                client,
                ssl=tls,
                ssl_handshake_timeout=None if tls is None else self.patience.header_seconds,
            )

    def _pause_accepting(self) -> None:
        """Wait until descriptors or memory may be there again; the queue keeps who comes meanwhile."""
        loop = asyncio.get_running_loop()
        if self._listener is not None:
            loop.remove_reader(self._listener)
            loop.call_later(_PAUSE_SECONDS, self._resume_accepting)

    def _resume_accepting(self) -> None:
        if self._listener is not None:
            asyncio.get_running_loop().add_reader(self._listener, self._accept)

    async def leave(self, grace: float, deadline: float) -> None:
        """Accept no more, and return when all clients have gone.

        A connection without a request is closed after `grace` seconds, one with a request after `deadline`.
        """
        self.patience.leaving = True
        if self._listener is not None:
            asyncio.get_running_loop().remove_reader(self._listener)
            self._listener.close()
            self._listener = None
        if self._coming:
            # A handshake that its client draws out must not hold up those who leave.
            _, late = await asyncio.wait(self._coming, timeout=grace)
            for one in late:
                one.cancel()
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
            if self._certificate is not None:
                self._certificate.look()
            last = now
            await asyncio.sleep(_TICK_SECONDS)

    @staticmethod
    def _look(connections: Iterable[Connection], now: float, since_last: float) -> None:
        for connection in connections:
            connection.look_at_clock(now, since_last)
