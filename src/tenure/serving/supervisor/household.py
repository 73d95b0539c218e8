"""What runs in one home: every place that must be filled by a process, the sockets they listen on, and the plan served."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from tenure.serving import sockets
from tenure.serving.places import worker_socket
from tenure.serving.supervisor import excess, pulse, status
from tenure.serving.supervisor.changes import Changes
from tenure.serving.supervisor.gateways import Members
from tenure.serving.supervisor.kept import Kept
from tenure.serving.supervisor.plan import Plan
from tenure.serving.supervisor.recipes import (
    CONTROL_LOAD_SECONDS,
    GATEWAY_SECONDS,
    Recipes,
    answers_http,
    says_hello,
)
from tenure.serving.supervisor.state import Remembered, Started

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Coroutine

    from tenure.serving.supervisor.process import Process
    from tenure.serving.supervisor.state import Role
    from tenure.settings import Home

_LOG = logging.getLogger("tenure.supervisor")


class Household:
    """Control, the workers of one snapshot and the gateways, each place kept filled.

    `listener` is the port's listening socket; `on_change` is called after every change of what runs. `arriving` are
    gateways that are to replace others, `leaving` those that drain; `expected` are pids of gateways that an earlier
    supervisor started and that have not joined us yet. `welcomes` is what each worker last said of itself.
    """

    def __init__(self, home: Home, gateways: int, *, control: bool, load_seconds: float) -> None:
        self.home = home
        self.changes = Changes()
        self.members = Members(self.changes.happened, lambda: status.numbers(self), self._doubt)
        self._doubts: dict[str, asyncio.Event] = {}
        self.on_change: Callable[[], None] = lambda: None
        self.listener: socket.socket | None = None
        self.plan = Plan()
        self.control: Kept | None = None
        self.workers: dict[str, Kept] = {}
        self.welcomes: dict[str, dict[str, Any]] = {}
        self.worker_listeners: dict[str, socket.socket] = {}
        self.gateways: dict[str, Kept] = {}
        self.arriving: dict[str, Kept] = {}
        self.leaving: dict[int, tuple[str, Process]] = {}
        self.expected: set[int] = set()
        self.gateway_count = gateways
        self.with_control = control
        self._recipes = Recipes(home)
        self._load_seconds = load_seconds
        self._background: set[asyncio.Task[None]] = set()

    # ---- filling places

    def keep_control(self, adopted: Process | None = None) -> None:
        """Keep control running, from now on."""
        self.control = Kept(
            self._recipes.control,
            answers_http(self.home.control_socket),
            self.changes,
            self.remember,
            load_seconds=CONTROL_LOAD_SECONDS,
            adopted=adopted,
        )

    def keep_worker(self, key: str, entry: dict[str, Any], adopted: Process | None = None) -> None:
        """Keep a version's worker running, and end it when it hangs."""
        path = worker_socket(self.home, key)
        doubt = self._doubts[key] = asyncio.Event()
        # A living worker goes on accepting at the path, so a socket that was not handed over is made when it restarts.
        self.workers[key] = Kept(
            lambda: self._recipes.worker(key, entry, self._worker_listener(key)),
            says_hello(path, lambda welcome: self.welcomes.update({key: welcome})),
            self.changes,
            self.remember,
            load_seconds=self._load_seconds,
            must_end=excess.first(
                pulse.stops(path, entry.get("silent_seconds", pulse.SILENT_SECONDS), doubt), excess.exceeds(entry)
            ),
            adopted=adopted,
        )

    def _doubt(self, key: str) -> None:
        """Have a worker's pulse felt at once."""
        if key in self._doubts:
            self._doubts[key].set()

    def _worker_listener(self, key: str) -> int:
        if key not in self.worker_listeners:
            self.worker_listeners[key] = sockets.listen_unix(worker_socket(self.home, key))
        return self.worker_listeners[key].fileno()

    def keep_gateways(self, adopted: dict[str, Process]) -> None:
        """Keep every gateway running: those adopted by name, the others started."""
        for number in range(1, self.gateway_count + 1):
            name = f"gateway-{number}"
            self.gateways[name] = self.keep_gateway(name, adopted.get(name))

    def keep_gateway(self, name: str, adopted: Process | None = None) -> Kept:
        """Return a place for a gateway; whoever asks puts it where it belongs."""
        assert self.listener is not None
        descriptor = self.listener.fileno()
        return Kept(
            lambda: self._recipes.gateway(name, descriptor),
            self._has_joined,
            self.changes,
            self.remember,
            load_seconds=GATEWAY_SECONDS,
            adopted=adopted,
        )

    async def _has_joined(self, process: Process) -> None:
        def ready() -> bool:
            member = self.members.by_pid.get(process.pid)
            return member is not None and member.ready

        await self.changes.until(ready)

    async def stop_worker(self, key: str, grace: float) -> None:
        """End a worker and give up its place and its socket."""
        kept = self.workers.pop(key)
        self.welcomes.pop(key, None)
        self._doubts.pop(key, None)
        await kept.stop(grace)
        if key in self.worker_listeners and key not in self.workers:
            worker_socket(self.home, key).unlink(missing_ok=True)
            self.worker_listeners.pop(key).close()
        self.remember()

    # ---- what is

    def kept(self) -> list[Kept]:
        """Return every place."""
        control = [self.control] if self.control else []
        return [*self.gateways.values(), *self.arriving.values(), *self.workers.values(), *control]

    def gateway_processes(self) -> list[Process]:
        """Return every living gateway: in its place, arriving or leaving."""
        places = (*self.gateways.values(), *self.arriving.values())
        kept = [one.process for one in places if one.process is not None]
        leaving = [process for _, process in self.leaving.values()]
        return [process for process in (*kept, *leaving) if process.alive]

    def address(self) -> tuple[str, int]:
        """Return host and port that are listened on."""
        if self.listener is None:
            return "", 0
        name = self.listener.getsockname()
        return name[0], name[1]

    def remembered(self) -> Remembered:
        """Return what a successor needs to know."""
        host, port = self.address()
        return Remembered(host, port, self.gateway_count, self.with_control, self.plan.generation, self._started())

    def _started(self) -> tuple[Started, ...]:
        """Return every living process with its start time; one that arrives joins a successor as a stranger."""
        found: list[tuple[Role, str, Process | None]] = []
        if self.control is not None:
            found.append(("control", "control", self.control.process))
        found += [("worker", key, kept.process) for key, kept in self.workers.items()]
        found += [("gateway", name, kept.process) for name, kept in self.gateways.items()]
        found += [("leaving", name, process) for name, process in self.leaving.values()]
        return tuple(
            Started(role, name, process.pid, process.started)
            for role, name, process in found
            if process is not None and process.alive
        )

    def remember(self) -> None:
        """Tell whoever writes down what runs that it has changed."""
        self.on_change()

    # ---- behind the caller's back

    def later(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something without anybody waiting for it; its failure is logged."""
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._done)

    async def drop_background(self) -> None:
        """Give up all that nobody waits for."""
        for task in list(self._background):
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._background.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _LOG.error("something was left undone", exc_info=error)
