"""One place that must always be filled by a living process: started, proven ready, watched, started again."""

from __future__ import annotations

import asyncio
import contextlib
import enum
import logging
import signal
import time
from typing import TYPE_CHECKING

from tenure.serving.supervisor.process import Process, Recipe
from tenure.serving.supervisor.restarts import Restarts, after_death

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tenure.serving.supervisor.changes import Changes

_LOG = logging.getLogger("tenure.supervisor")


class State(enum.StrEnum):
    """Where the place stands. `failed` means: not ready now, `reason` says why, and it is tried again by and by."""

    STARTING = "starting"
    READY = "ready"
    FAILED = "failed"
    STOPPED = "stopped"


async def _never(_: Process) -> str:
    await asyncio.Event().wait()
    return ""


class Kept:
    """Keeps one process running until told to stop.

    `ready` returns when the process has proved that it is; from then on `must_end` watches it, and returns why it
    must be killed. `last_end` says how the last process of this place ended after it had been ready.
    """

    def __init__(
        self,
        recipe: Callable[[], Recipe],
        ready: Callable[[Process], Awaitable[None]],
        changes: Changes,
        started: Callable[[], None],
        *,
        load_seconds: float,
        must_end: Callable[[Process], Awaitable[str]] = _never,
        adopted: Process | None = None,
    ) -> None:
        self._state = State.STARTING
        self.reason = ""
        self.last_end = ""
        self.restarts = Restarts()
        self.process = adopted
        self._recipe = recipe
        self._ready = ready
        self._changes = changes
        self._started = started
        self._load_seconds = load_seconds
        self._must_end = must_end
        self._keeping = asyncio.create_task(self._keep())

    @property
    def state(self) -> State:
        """Return where the place stands; a process that is dead is not ready, though nobody has dealt with it yet."""
        return State.STARTING if self._state is State.READY and self.pid is None else self._state

    @property
    def settled(self) -> bool:
        """Return whether it is known that it is ready, or why it is not."""
        return self.state is not State.STARTING

    @property
    def verdict(self) -> str:
        """Return `ready`, or the state with its reason."""
        return f"{self.state}: {self.reason}" if self.reason else str(self.state)

    @property
    def pid(self) -> int | None:
        """Return the pid of its living process."""
        return self.process.pid if self.process and self.process.alive else None

    async def stop(self, grace: float) -> None:
        """End the process and do not start it again."""
        process = await self.release()
        if process is not None:
            await process.stop(grace)
        self._changes.happened()

    async def release(self) -> Process | None:
        """Watch it no longer; return its process, living or not."""
        self._keeping.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._keeping
        self._become(State.STOPPED, "")
        return self.process

    def try_now(self) -> None:
        """Forget that it failed, and try again at once."""
        if self.state is State.FAILED and self.pid is None:
            self._keeping.cancel()
            self.restarts = Restarts(total=self.restarts.total)
            self._become(State.STARTING, "")
            self._keeping = asyncio.create_task(self._keep())

    async def _keep(self) -> None:
        while True:
            try:
                lived = await self._live_once()
            except Exception as error:  # noqa: BLE001 - whatever it was, the place must be filled again
                _LOG.warning("%s: %r", self._recipe().name, error)
                self._become(State.FAILED, str(error))
                lived = 0.0
            self.restarts = after_death(self.restarts, lived)
            await asyncio.sleep(self.restarts.pause)

    async def _live_once(self) -> float:
        """Start the process, or take the adopted one; return how long it was ready once it is dead."""
        if self.process is None or not self.process.alive:
            self.process = Process.start(self._recipe())
            self._started()
            self._changes.happened()
        why = await self._load(self.process)
        began = time.monotonic()
        if why:
            self._become(State.FAILED, why)
            return 0.0
        self._become(State.READY, "")
        self.last_end = await self._end(self.process)
        _LOG.warning("%s (pid %d) died: %s", self._recipe().name, self.process.pid, self.last_end)
        self._become(State.STARTING, "")
        return time.monotonic() - began

    async def _load(self, process: Process) -> str:
        """Wait until the process is ready; return why it is not, with its last words, once it is dead."""
        proof = asyncio.ensure_future(self._ready(process))
        death = asyncio.ensure_future(process.gone.wait())
        try:
            await asyncio.wait({proof, death}, timeout=self._load_seconds, return_when=asyncio.FIRST_COMPLETED)
            if proof.done() and process.alive:
                proof.result()
                return ""
            if process.alive:
                await process.stop(1.0)
                return f"not ready within {self._load_seconds:g} s: {process.last_words()}"
            return process.last_words()
        finally:
            proof.cancel()
            death.cancel()

    async def _end(self, process: Process) -> str:
        """Wait until the process is dead, and kill it when it must end; return why it died."""
        verdict = asyncio.ensure_future(self._must_end(process))
        death = asyncio.ensure_future(process.gone.wait())
        try:
            await asyncio.wait({verdict, death}, return_when=asyncio.FIRST_COMPLETED)
            if not process.alive:
                return process.last_words()
            # Asked to end, it would first finish the call that does not end.
            process.signal(signal.SIGKILL)
            await death
            return f"killed, for {verdict.result()}"
        finally:
            verdict.cancel()
            death.cancel()

    def _become(self, state: State, reason: str) -> None:
        if (state, reason) != (self._state, self.reason):
            self._state, self.reason = state, reason
            self._changes.happened()
