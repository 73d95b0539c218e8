"""The pulse of a worker: a PING every few seconds on a connection of its own, and when it has stopped.

A worker has one thread, so while the model computes no PING is answered; one that computes for longer than any caller
may wait will not come back by itself.
"""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING

from tenure.serving import sockets
from tenure.serving.supervisor.precedence import stand_back
from tenure.worker import frames

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from tenure.serving.supervisor.process import Process

#: half a minute beyond the longest deadline that an application may have
SILENT_SECONDS = 90.0
_EVERY_SECONDS = 1.0
#: a worker that does not answer so soon is in a call that others need not wait behind
_SOON_SECONDS = 0.25


def stops(path: Path, silent_seconds: float) -> Callable[[Process], Awaitable[str]]:
    """Return a watch that ends, with the reason, when a PING stays unanswered for `silent_seconds`.

    A worker that does not answer within a quarter of a second stands back behind all others until it does.
    """
    every = min(_EVERY_SECONDS, silent_seconds / 4)

    async def watch(process: Process) -> str:
        while not await _Pulse(process, silent_seconds, every).fell_silent(path):  # noqa: ASYNC110 - nothing tells of a restart here
            await asyncio.sleep(every)
        return f"it answered no PING for {silent_seconds:g} s: the model does not come back from a call"

    return watch


class _Pulse:
    """One connection's PINGs."""

    def __init__(self, process: Process, silent_seconds: float, every: float) -> None:
        self._process = process
        self._silent_seconds = silent_seconds
        self._every = every
        #: None: a supervisor before this one may have set it back
        self._behind: bool | None = None

    async def fell_silent(self, path: Path) -> bool:
        """Ping until nothing is answered any more: True; False when the connection ended, as with every death."""
        try:
            connection = sockets.connect_unix(path, timeout=0.5)
            reader, writer = await asyncio.open_unix_connection(sock=connection)
        except OSError:
            return False
        try:
            while await self._answers(reader, writer):  # noqa: ASYNC110 - a pulse is felt at intervals
                await asyncio.sleep(self._every)
        except (OSError, EOFError):
            return False
        finally:
            writer.close()
        return True

    async def _answers(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Return whether a PING is answered in time."""
        writer.write(frames.encode(frames.PING))
        # Counted in short waits, so that time in which this process itself stood still is not held against the worker.
        waits = [min(_SOON_SECONDS, self._every), *[self._every] * math.ceil(self._silent_seconds / self._every)]
        for seconds in waits:
            try:
                async with asyncio.timeout(seconds):
                    await reader.readexactly(frames.HEADER.size)
            except TimeoutError:
                self._stand_back(behind=True)
                continue
            self._stand_back(behind=False)
            return True
        return False

    def _stand_back(self, *, behind: bool) -> None:
        if self._behind != behind and stand_back(self._process.pid, behind=behind):
            self._behind = behind
