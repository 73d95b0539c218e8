"""What a worker may take that its own limits do not bound: threads, and memory that RLIMIT_DATA does not count.

RLIMIT_NPROC would count every process of the user, and shared mappings are in no RLIMIT; so both are looked at.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tenure.serving import launch

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from tenure.serving.supervisor.process import Process

    Watch = Callable[[Process], Awaitable[str]]

_EVERY_SECONDS = 2.0
#: threads of a worker, beyond 16 for each BLAS thread that its card asks for
_THREADS = 64
#: resident memory holds the interpreter and mapped files too, which the limit of data does not count
_BESIDE_DATA = 512 << 20


class Taken(NamedTuple):
    """What a process has now."""

    threads: int
    resident: int


def too_much(taken: Taken, threads: int, memory: int) -> str:
    """Return why a process has more than it may, else nothing."""
    if taken.threads > threads:
        return f"it has {taken.threads} threads, at most {threads} are allowed"
    if taken.resident > memory:
        return f"it holds {taken.resident >> 20} MiB of memory, at most {memory >> 20} are allowed"
    return ""


def taken_by(pid: int) -> Taken | None:
    """Return what a process has, None when it is gone or this machine does not say."""
    try:
        text = Path(f"/proc/{pid}/status").read_text(errors="replace")
    except OSError:
        return None
    told = dict(line.partition(":")[::2] for line in text.splitlines())
    return Taken(int(told.get("Threads", "0")), int(told.get("VmRSS", "0 kB").split()[0]) << 10)


def exceeds(entry: Mapping[str, Any]) -> Watch:
    """Return a watch that ends, with the reason, when a worker has taken more than it may."""
    threads = _THREADS + 16 * entry.get("threads", 1)
    memory = entry.get("memory", launch.MEMORY) + _BESIDE_DATA

    async def watch(process: Process) -> str:
        while True:
            taken = taken_by(process.pid)
            if taken is not None and (why := too_much(taken, threads, memory)):
                return why
            await asyncio.sleep(_EVERY_SECONDS)

    return watch


def first(*watches: Watch) -> Watch:
    """Return a watch that ends with the first of several."""

    async def watch(process: Process) -> str:
        watching = {asyncio.ensure_future(one(process)) for one in watches}
        try:
            done, _ = await asyncio.wait(watching, return_when=asyncio.FIRST_COMPLETED)
            return done.pop().result()
        finally:
            for one in watching:
                one.cancel()

    return watch
