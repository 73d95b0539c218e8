"""The pulse of a worker: a PING every second on a connection of its own, and when it has stopped.

A worker has one thread, so while the model computes no PING is answered; one that computes for longer than any caller
may wait will not come back by itself. A gateway that waits for a worker longer than its calls take has the pulse felt at
once, so that a call which does not end is behind the others soon.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from typing import TYPE_CHECKING

from tenure.serving import sockets
from tenure.serving.supervisor.precedence import Place, put
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
#: the same for one whose gateway has waited already
_DOUBTED_SECONDS = 0.02


def stops(path: Path, silent_seconds: float, doubt: asyncio.Event) -> Callable[[Process], Awaitable[str]]:
    """Return a watch that ends, with the reason, when a PING stays unanswered for `silent_seconds`.

    A worker that does not answer within a quarter of a second stands behind all others until it does. `doubt` is set when
    it should have answered somebody else by now: if it does not answer us at once it steps aside before that.
    """
    every = min(_EVERY_SECONDS, silent_seconds / 4)

    async def watch(process: Process) -> str:
        while not await _Pulse(process, silent_seconds, every, doubt).fell_silent(path):  # noqa: ASYNC110 - nothing tells of a restart here
            await asyncio.sleep(every)
        return f"it answered no PING for {silent_seconds:g} s: the model does not come back from a call"

    return watch


class _Pulse:
    """One connection's PINGs."""

    def __init__(self, process: Process, silent_seconds: float, every: float, doubt: asyncio.Event) -> None:
        self._process = process
        self._silent_seconds = silent_seconds
        self._every = every
        self._doubt = doubt
        #: None: it was aside while it loaded, and a supervisor before this one may have put it anywhere
        self._place: Place | None = None

    async def fell_silent(self, path: Path) -> bool:
        """Ping until nothing is answered any more: True; False when the connection ended, as with every death."""
        try:
            connection = sockets.connect_unix(path, timeout=0.5)
            reader, writer = await asyncio.open_unix_connection(sock=connection)
        except OSError:
            return False
        try:
            while await self._answers(reader, writer):
                await self._pause()
        except (OSError, EOFError):
            return False
        finally:
            writer.close()
        return True

    async def _pause(self) -> None:
        """Wait until the next PING is due, or until somebody doubts."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._every):
                await self._doubt.wait()

    async def _answers(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Return whether a PING is answered in time."""
        writer.write(frames.encode(frames.PING))
        # Counted in short waits, so that time in which this process itself stood still is not held against the worker.
        soon = (min(_SOON_SECONDS, self._every), Place.LAST)
        patient = [(self._every, Place.LAST)] * math.ceil(self._silent_seconds / self._every)
        at_once = [(_DOUBTED_SECONDS, Place.ASIDE)] if self._doubt.is_set() else []
        for seconds, place in (*at_once, soon, *patient):
            try:
                async with asyncio.timeout(seconds):
                    await reader.readexactly(frames.HEADER.size)
            except TimeoutError:
                self._put(place)
                continue
            self._put(Place.BESIDE)
            self._doubt.clear()
            return True
        return False

    def _put(self, place: Place) -> None:
        if self._place is not place and put(self._process.pid, place):
            self._place = place
