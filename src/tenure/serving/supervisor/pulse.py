"""The pulse of a worker: a PING every few seconds on a connection of its own, and when it has stopped.

A worker has one thread, so while the model computes no PING is answered; one that computes for longer than any caller
may wait will not come back by itself.
"""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING

from tenure.serving import sockets
from tenure.worker import frames

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from tenure.serving.supervisor.process import Process

#: half a minute beyond the longest deadline that an application may have
SILENT_SECONDS = 90.0
_EVERY_SECONDS = 5.0


def stops(path: Path, silent_seconds: float) -> Callable[[Process], Awaitable[str]]:
    """Return a watch that ends, with the reason, when a PING stays unanswered for `silent_seconds`."""
    every = min(_EVERY_SECONDS, silent_seconds / 4)

    async def watch(_: Process) -> str:
        while not await _fell_silent(path, silent_seconds, every):  # noqa: ASYNC110 - nothing tells of a restart here
            await asyncio.sleep(every)
        return f"it answered no PING for {silent_seconds:g} s: the model does not come back from a call"

    return watch


async def _fell_silent(path: Path, silent_seconds: float, every: float) -> bool:
    """Ping until nothing is answered any more: True; False when the connection ended, as with every death."""
    try:
        connection = sockets.connect_unix(path, timeout=0.5)
        reader, writer = await asyncio.open_unix_connection(sock=connection)
    except OSError:
        return False
    try:
        while await _answers(reader, writer, silent_seconds, every):  # noqa: ASYNC110 - a pulse is felt at intervals
            await asyncio.sleep(every)
    except (OSError, EOFError):
        return False
    finally:
        writer.close()
    return True


async def _answers(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, silent_seconds: float, every: float
) -> bool:
    """Return whether a PING is answered in time."""
    writer.write(frames.encode(frames.PING))
    # Counted in short waits, so that time in which this process itself stood still is not held against the worker.
    for _ in range(math.ceil(silent_seconds / every)):
        try:
            async with asyncio.timeout(every):
                await reader.readexactly(frames.HEADER.size)
                return True
        except TimeoutError:
            continue
    return False
