"""How each kind of process is started, and how it shows that it is ready."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tenure.serving import launch, sockets
from tenure.serving.places import worker_log
from tenure.serving.supervisor.precedence import Place, put
from tenure.serving.supervisor.process import Recipe
from tenure.worker import frames
from tenure.worker.columns import FrameError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from tenure.serving.supervisor.process import Process
    from tenure.settings import Home

#: gateways are started no later than this, whether control answers or not
CONTROL_SECONDS = 120.0
#: a home's control may migrate its database before it answers, and after a restore build every environment in service; what
#: took longer than this would be begun anew for ever
CONTROL_LOAD_SECONDS = 1800.0
GATEWAY_SECONDS = 60.0
_AGAIN_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Recipes:
    """The processes of one home."""

    home: Home

    def control(self) -> Recipe:
        """Return how control is started."""
        return self._own("control", ["tenure.entrypoints.api", "--home", str(self.home.root)])

    def gateway(self, name: str, listener: int) -> Recipe:
        """Return how a gateway on the listening socket is started."""
        arguments = ["--home", str(self.home.root), "--name", name, "--listen-fd", str(listener)]
        return self._own(name, ["tenure.entrypoints.gateway", *arguments], (listener,), prompt=True)

    def standby(self) -> Recipe:
        """Return how the process is started that waits to become the supervisor."""
        return self._own("supervisor", ["tenure.serving.supervisor", "--home", str(self.home.root), "--standby"])

    def worker(self, key: str, entry: dict[str, Any], listener: int) -> Recipe:
        """Return how a version's worker on its listening socket is started."""
        return Recipe(
            name=f"worker {key}",
            command=launch.command(entry, listener),
            environ=launch.environ(entry),
            log=worker_log(self.home, key),
            descriptors=(listener,),
            prompt=True,
        )

    def _own(
        self, name: str, arguments: list[str], descriptors: tuple[int, ...] = (), *, prompt: bool = False
    ) -> Recipe:
        command = [sys.executable, "-m", *arguments]
        environ = {**os.environ, "PYTHONUNBUFFERED": "1"}
        return Recipe(name, command, environ, self.home.logs / f"{name}.log", descriptors, prompt)


def says_hello(path: Path, heard: Callable[[dict[str, Any]], None]) -> Callable[[Process], Awaitable[None]]:
    """Return the proof that a worker has loaded its model: it answers HELLO; `heard` is given what it says of itself.

    Loading takes seconds of a processor that decisions need, so it steps aside meanwhile; its pulse takes that back.
    """

    async def proof(process: Process) -> None:
        put(process.pid, Place.ASIDE)
        await _until(lambda: _hello(path, heard))

    return proof


def answers_http(path: Path) -> Callable[[Process], Awaitable[None]]:
    """Return the proof that control is up: it answers a request on its socket."""

    async def proof(_: Process) -> None:
        await _until(lambda: _http(path))

    return proof


async def _until(attempt: Callable[[], Awaitable[bool]]) -> None:
    while True:
        try:
            if await attempt():
                return
        except (OSError, EOFError, FrameError):
            pass
        await asyncio.sleep(_AGAIN_SECONDS)


async def _connect(path: Path) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    # A Unix socket connects at once or not at all, so this never blocks the loop.
    connection = sockets.connect_unix(path, socket.SOCK_STREAM, timeout=0.5)
    return await asyncio.open_unix_connection(sock=connection)


async def _hello(path: Path, heard: Callable[[dict[str, Any]], None]) -> bool:
    reader, writer = await _connect(path)
    try:
        writer.write(frames.encode_json(frames.HELLO, 0, {"asks": "supervisor"}))
        head = frames.HEADER.unpack(await reader.readexactly(frames.HEADER.size))
        _magic, _version, kind, *_, meta, body = head
        if kind != frames.WELCOME:
            return False
        await reader.readexactly(meta)
        heard(frames.read_json(await reader.readexactly(body)))
        return True
    finally:
        writer.close()


async def _http(path: Path) -> bool:
    reader, writer = await _connect(path)
    try:
        writer.write(b"GET /health/live HTTP/1.1\r\nHost: control\r\nConnection: close\r\n\r\n")
        return (await reader.readline()).startswith(b"HTTP/1.1 ")
    finally:
        writer.close()
