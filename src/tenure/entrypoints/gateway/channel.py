"""The gateway's line to the supervisor: it joins, takes the generations it is told, and says what it has left.

When the supervisor is gone the gateway goes on serving and joins again as soon as a successor listens.
Protocol: docs/formats/snapshot.md.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import socket
from typing import TYPE_CHECKING, Any, Protocol

from tenure.kit.errors import TenureError
from tenure.serving import sockets

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tenure.entrypoints.gateway.metrics import Samples

_LOG = logging.getLogger("tenure.gateway")
_AGAIN_SECONDS = 0.1
_COLLECT_SECONDS = 0.5
_LONGEST_LINE = 1 << 20


class Serving(Protocol):
    """What the supervisor's words act on."""

    @property
    def number(self) -> int:
        """Return the generation in service, 0 before the first."""

    @property
    def lowest(self) -> int:
        """Return the oldest generation that a request in flight has pinned, the one in service when there is none."""

    async def swap(self, generation: int) -> None:
        """Take a generation into service; raise a `TenureError` when that cannot be."""


class Channel:
    """Keeps the connection to the supervisor. `joined` is set with the first generation taken."""

    def __init__(
        self,
        supervisor: Path,
        name: str,
        serving: Serving,
        listener: int,
        samples: Callable[[], Samples],
        drain: Callable[[float], None],
    ) -> None:
        self.joined = asyncio.Event()
        self.accepting = False
        self._supervisor = supervisor
        self._name = name
        self._serving = serving
        self._listener = listener
        self._samples = samples
        self._drain = drain
        self._writer: asyncio.StreamWriter | None = None
        self._collections: dict[str, asyncio.Future[list[Samples]]] = {}
        self._tickets = 0

    async def run(self) -> None:
        """Join, listen, and join again whenever the supervisor has gone."""
        while True:
            with contextlib.suppress(OSError, ValueError):
                await self._converse()
            self._writer = None
            await asyncio.sleep(_AGAIN_SECONDS)

    def ready(self) -> None:
        """Say that clients are accepted."""
        self.accepting = True
        self._say({"op": "ready"})

    def say_lowest(self) -> None:
        """Say that the oldest pinned generation has changed."""
        self._say({"op": "lowest", "lowest": self._serving.lowest})

    def say_silent(self, worker: str) -> None:
        """Say that a worker owes an answer for longer than its calls take."""
        self._say({"op": "silent", "worker": worker})

    async def collect(self) -> list[Samples]:
        """Return the numbers of all other gateways and of the supervisor, as far as they answer in time."""
        if self._writer is None:
            return []
        self._tickets += 1
        ticket = f"{os.getpid()}-{self._tickets}"
        waiting = self._collections[ticket] = asyncio.get_running_loop().create_future()
        self._say({"op": "collect", "ticket": ticket})
        try:
            return await asyncio.wait_for(waiting, _COLLECT_SECONDS)
        except TimeoutError:
            return []
        finally:
            del self._collections[ticket]

    async def _converse(self) -> None:
        connection = sockets.connect_unix(self._supervisor, timeout=1.0)
        # The listening socket goes along: a supervisor that lost its own gets it back this way.
        socket.send_fds(connection, [sockets.line(self._greeting())], [self._listener])
        reader, self._writer = await asyncio.open_unix_connection(sock=connection, limit=_LONGEST_LINE)
        try:
            while text := await reader.readline():
                await self._heard(json.loads(text))
        finally:
            self._writer.close()

    def _greeting(self) -> dict[str, Any]:
        return {
            "op": "join",
            "pid": os.getpid(),
            "name": self._name,
            "generation": self._serving.number,
            "lowest": self._serving.lowest,
            "ready": self.accepting,
        }

    async def _heard(self, message: dict[str, Any]) -> None:
        match message["op"]:
            case "snapshot":
                await self._take(message["generation"])
            case "drain":
                self._drain(message["grace"])
            case "metrics":
                self._say({"op": "metrics", "ticket": message["ticket"], "samples": self._samples()})
            case "collected":
                waiting = self._collections.get(message["ticket"])
                if waiting is not None and not waiting.done():
                    waiting.set_result(message["samples"])

    async def _take(self, generation: int) -> None:
        try:
            if generation > self._serving.number:
                await self._serving.swap(generation)
        except TenureError as error:
            _LOG.error("generation %d refused: %s", generation, error)
            self._say({"op": "refused", "generation": generation, "why": str(error)})
            return
        self._say({"op": "ack", "generation": self._serving.number, "lowest": self._serving.lowest})
        self.joined.set()

    def _say(self, message: dict[str, Any]) -> None:
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(sockets.line(message))
