"""What must run, and every change of it: the supervisor's state and the only methods that change it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from typing import TYPE_CHECKING, Any

from tenure.serving import sockets
from tenure.serving.places import worker_log, worker_socket
from tenure.serving.supervisor import plan as plans
from tenure.serving.supervisor import state as states
from tenure.serving.supervisor.changes import Changes
from tenure.serving.supervisor.gateways import Members
from tenure.serving.supervisor.kept import Kept, State
from tenure.serving.supervisor.process import Process, start_time
from tenure.serving.supervisor.recipes import (
    CONTROL_SECONDS,
    GATEWAY_SECONDS,
    Recipes,
    answers_http,
    says_hello,
)
from tenure.serving.supervisor.state import Remembered, Started

if TYPE_CHECKING:
    import socket
    from collections.abc import Awaitable, Callable

    from tenure.serving.supervisor.plan import Plan
    from tenure.settings import Home

    Say = Callable[[str], None]

_LOG = logging.getLogger("tenure.supervisor")
_ACKNOWLEDGE_SECONDS = 30.0
_STOP_WORKER_SECONDS = 5.0
_STOP_CONTROL_SECONDS = 30.0
_REJOIN_SECONDS = 5.0
#: beyond its drain a gateway only closes its log
_CLOSE_SECONDS = 10.0


class GatewayNotReady(Exception):
    """A gateway that was to replace another does not start; the text says why."""


class Supervisor:
    """Keeps control, the workers of one snapshot and the gateways running; knows nothing of how it is asked.

    `listener` is the port's listening socket; `remember` is called after every change of what runs.
    """

    def __init__(self, home: Home, gateways: int, *, control: bool, load_seconds: float) -> None:
        self.home = home
        self.changes = Changes()
        self.members = Members(self.changes.happened, self.numbers)
        self.remember: Callable[[], None] = lambda: None
        self.listener: socket.socket | None = None
        self.plan = plans.Plan()
        self.control: Kept | None = None
        self.workers: dict[str, Kept] = {}
        self.worker_listeners: dict[str, socket.socket] = {}
        self.gateways: dict[str, Kept] = {}
        self.arriving: dict[str, Kept] = {}
        self.leaving: dict[int, tuple[str, Process]] = {}
        self._recipes = Recipes(home)
        self._gateway_count = gateways
        self._with_control = control
        self._load_seconds = load_seconds
        self._expected: set[int] = set()
        self._changing = asyncio.Lock()
        self._background: set[asyncio.Task[None]] = set()

    # ---- starting

    def begin(self, listener: socket.socket) -> None:
        """Start everything, behind the caller's back and in order: control, the newest snapshot's workers, gateways."""
        self.listener = listener
        self._later(self._begin())

    async def _begin(self) -> None:
        if self._with_control:
            self._keep_control(None)
            await self.changes.until(lambda: self.control is not None and self.control.settled, CONTROL_SECONDS)
        if self.plan.generation == 0:
            await self._serve(plans.newest(self.home.snapshots), _LOG.info)
        for number in range(1, self._gateway_count + 1):
            name = f"gateway-{number}"
            self.gateways[name] = self._keep_gateway(name, None)
        self._later(self._retire_unused(self.plan))

    async def continue_from(self, old: Remembered, handed: dict[str, socket.socket]) -> None:
        """Take over what an earlier supervisor started: nothing living is stopped, nothing missing is left out."""
        self.worker_listeners = {key: one for key, one in handed.items() if key != "http"}
        self._gateway_count = old.gateways
        self._with_control = old.control
        living = self._living(old)
        self._expected = {one.pid for role, _, one in living if role in {"gateway", "leaving"}}
        self.plan = self._plan_of(old.generation)
        self.listener = handed.get("http") or await self._listener_from_gateways(old)
        self._adopt_workers({name: one for role, name, one in living if role == "worker"})
        if self._with_control:
            self._keep_control(next((one for role, _, one in living if role == "control"), None))
        self._adopt_gateways(living)
        self.remember()
        self._later(self._retire_unused(self.plan))

    def _living(self, old: Remembered) -> list[tuple[str, str, Process]]:
        found: list[tuple[str, str, Process]] = []
        for one in old.processes:
            process = Process.adopt(one.pid, one.started, self._log_of(one))
            if process is not None:
                found.append((one.role, one.name, process))
        return found

    def _log_of(self, one: Started) -> Any:
        if one.role == "worker":
            return worker_log(self.home, one.name)
        return self.home.logs / f"{one.name}.log"

    def _plan_of(self, generation: int) -> Plan:
        try:
            return plans.read(self.home.snapshots, generation)
        except plans.Unplanned as error:
            _LOG.warning("%s", error)
            return plans.newest(self.home.snapshots)

    async def _listener_from_gateways(self, old: Remembered) -> socket.socket:
        """Return the port's socket from a gateway that still holds it, else a new one on the same address."""
        if self._expected:
            await self.changes.until(lambda: self.listener is not None, _REJOIN_SECONDS)
        return self.listener or sockets.listen_tcp(old.host, old.port)

    # ---- keeping processes

    def _keep_control(self, adopted: Process | None) -> None:
        self.control = Kept(
            self._recipes.control,
            answers_http(self.home.control_socket),
            self.changes,
            self._remember,
            load_seconds=CONTROL_SECONDS,
            adopted=adopted,
        )

    def _keep_worker(self, key: str, entry: dict[str, Any], adopted: Process | None) -> None:
        path = worker_socket(self.home, key)
        # A living worker goes on accepting at the path, so a socket that was not handed over is made when it restarts.
        self.workers[key] = Kept(
            lambda: self._recipes.worker(key, entry, self._worker_listener(key)),
            says_hello(path),
            self.changes,
            self._remember,
            load_seconds=self._load_seconds,
            adopted=adopted,
        )

    def _worker_listener(self, key: str) -> int:
        if key not in self.worker_listeners:
            self.worker_listeners[key] = sockets.listen_unix(worker_socket(self.home, key))
        return self.worker_listeners[key].fileno()

    def _keep_gateway(self, name: str, adopted: Process | None) -> Kept:
        assert self.listener is not None
        descriptor = self.listener.fileno()
        return Kept(
            lambda: self._recipes.gateway(name, descriptor),
            self._has_joined,
            self.changes,
            self._remember,
            load_seconds=GATEWAY_SECONDS,
            adopted=adopted,
        )

    async def _has_joined(self, process: Process) -> None:
        def ready() -> bool:
            member = self.members.by_pid.get(process.pid)
            return member is not None and member.ready

        await self.changes.until(ready)

    def _adopt_workers(self, living: dict[str, Process]) -> None:
        for key, process in living.items():
            self._keep_worker(key, self.plan.workers.get(key, {}), process)
        self._start_missing(self.plan)

    def _adopt_gateways(self, living: list[tuple[str, str, Process]]) -> None:
        kept = {name: one for role, name, one in living if role == "gateway"}
        for number in range(1, self._gateway_count + 1):
            name = f"gateway-{number}"
            self.gateways[name] = self._keep_gateway(name, kept.get(name))
        for role, name, process in living:
            if role == "leaving":
                self._see_off(name, process)

    # ---- serving a snapshot

    async def announce(self, generation: int, say: Say) -> None:
        """Serve a generation: its workers are ready or failed and all gateways have swapped when this returns.

        Workers that it does not name stop afterwards, when no gateway has a request in flight that may ask them.
        """
        async with self._changing:
            if generation > self.plan.generation:
                await self._serve(plans.read(self.home.snapshots, generation), say)
            await self._acknowledged(self.plan.generation, say)
            self._later(self._retire_unused(self.plan))

    def refusals(self) -> list[str]:
        """Return why gateways could not take the present generation."""
        generation = self.plan.generation
        return [
            f"gateway {one.pid}: {one.refused[1]}"
            for one in self.members.by_pid.values()
            if one.refused is not None and one.refused[0] == generation
        ]

    async def _serve(self, plan: Plan, say: Say) -> None:
        self._start_missing(plan)
        await self._settled(plan, say)
        self.plan = plan
        self.remember()

    def _start_missing(self, plan: Plan) -> None:
        for key, entry in plan.workers.items():
            if key in self.workers:
                self.workers[key].try_now()
            else:
                self._keep_worker(key, entry, None)

    async def _settled(self, plan: Plan, say: Say) -> None:
        """Wait until every worker of the plan is ready or has failed, and say so one by one."""
        waiting = set(plan.workers)
        while waiting:
            settled = {key for key in waiting if self.workers[key].settled}
            for key in sorted(settled):
                say(f"worker {key}: {self.workers[key].verdict}")
            waiting -= settled
            if waiting:
                say(f"waiting for {', '.join(sorted(waiting))} to load")
                await self._one_settled(waiting)

    async def _one_settled(self, waiting: set[str]) -> None:
        await self.changes.until(lambda: any(self.workers[key].settled for key in waiting))

    async def _acknowledged(self, generation: int, say: Say) -> None:
        """Tell the gateways and wait for all; one that stays silent is ended, since it may serve what is revoked."""
        self.members.tell({"op": "snapshot", "generation": generation})
        if not await self.changes.until(lambda: not self._behind(generation), _ACKNOWLEDGE_SECONDS):
            for process in self._behind(generation):
                _LOG.error("gateway %d did not take generation %d in time", process.pid, generation)
                process.signal(signal.SIGKILL)
            await self.changes.until(lambda: not self._behind(generation))
        say(f"generation {generation} is served by {len(self.members.by_pid)} gateways")

    def _behind(self, generation: int) -> list[Process]:
        """Return the living gateways that may still serve an older generation.

        A gateway that was just started has not joined: it will be welcomed with the present one before it listens.
        """
        return [process for process in self._gateway_processes() if self._may_serve_older(process.pid, generation)]

    def _may_serve_older(self, pid: int, generation: int) -> bool:
        member = self.members.by_pid.get(pid)
        return pid in self._expected if member is None else not member.answered(generation)

    def _gateway_processes(self) -> list[Process]:
        places = (*self.gateways.values(), *self.arriving.values())
        kept = [one.process for one in places if one.process is not None]
        leaving = [process for _, process in self.leaving.values()]
        return [process for process in (*kept, *leaving) if process.alive]

    async def _retire_unused(self, plan: Plan) -> None:
        """Stop the workers that the plan does not name, once every gateway has left the generations that did."""
        if not self.workers.keys() - plan.workers.keys():
            return
        await self.changes.until(lambda: not self._pinned(plan.generation), plan.drain_seconds)
        if self.plan is not plan:
            return
        for key in sorted(self.workers.keys() - plan.workers.keys()):
            await self._stop_worker(key)

    def _pinned(self, generation: int) -> bool:
        """Return whether a gateway may still ask a version of an older generation."""
        return any(self._may_hold_older(process.pid, generation) for process in self._gateway_processes())

    def _may_hold_older(self, pid: int, generation: int) -> bool:
        member = self.members.by_pid.get(pid)
        return pid in self._expected if member is None else member.lowest < generation

    async def _stop_worker(self, key: str) -> None:
        kept = self.workers.pop(key)
        await kept.stop(_STOP_WORKER_SECONDS)
        if key in self.worker_listeners and key not in self.workers:
            worker_socket(self.home, key).unlink(missing_ok=True)
            self.worker_listeners.pop(key).close()
        self.remember()

    # ---- gateways come and go

    def joined(self, pid: int) -> None:
        """Welcome a gateway with the generation that it is to serve; one that nobody knows of is seen off.

        Such a one was started by a supervisor that died before it had written so down.
        """
        if pid not in self._expected and pid not in {process.pid for process in self._gateway_processes()}:
            stray = Process.adopt(pid, start_time(pid) or 0, self.home.logs / "gateway.log")
            if stray is not None:
                self._see_off("gateway", stray)
        self._expected.discard(pid)
        self.members.tell({"op": "snapshot", "generation": self.plan.generation}, [pid])

    async def upgrade_gateways(self, say: Say) -> list[int]:
        """Replace each gateway by a new process on the same socket: the new one answers before the old one drains."""
        async with self._changing:
            for name in list(self.gateways):
                await self._replace_gateway(name, say)
            return [kept.pid for kept in self.gateways.values() if kept.pid is not None]

    async def _replace_gateway(self, name: str, say: Say) -> None:
        new = self.arriving[name] = self._keep_gateway(name, None)
        try:
            await self.changes.until(lambda: new.settled)
            if new.state is not State.READY:
                await new.stop(1.0)
                raise GatewayNotReady(f"the new {name} did not become ready and the old one stays: {new.reason}")
            old, self.gateways[name] = self.gateways[name], new
        finally:
            del self.arriving[name]
        process = await old.release()
        if process is not None:
            self._see_off(name, process)
        say(f"{name} is now process {new.pid}; the old one drains")

    def _see_off(self, name: str, process: Process) -> None:
        self.leaving[process.pid] = (name, process)
        self._later(self._drained(process, self.plan.drain_seconds + _CLOSE_SECONDS))
        self.remember()

    async def _drained(self, process: Process, seconds: float) -> None:
        await process.stop(seconds)
        self.leaving.pop(process.pid, None)
        self._expected.discard(process.pid)
        self.changes.happened()
        self.remember()

    # ---- ending

    async def end(self, say: Say) -> None:
        """Stop everything in order: gateways finish what they have begun, then workers, then control."""
        say("gateways finish what they have begun")
        await self._drop_background()
        # Nobody takes the connections over, so idle ones need not be waited for.
        self.members.tell({"op": "drain", "grace": 0.2})
        seconds = self.plan.drain_seconds + _CLOSE_SECONDS
        await _all(kept.stop(seconds) for kept in (*self.gateways.values(), *self.arriving.values()))
        await _all(process.stop(seconds) for _, process in self.leaving.values())
        say("workers stop")
        await _all(self._stop_worker(key) for key in list(self.workers))
        if self.control is not None:
            say("control stops")
            await self.control.stop(_STOP_CONTROL_SECONDS)

    async def let_go(self) -> None:
        """Watch nothing any more, and leave everything running for a successor."""
        await self._drop_background()
        kept = [
            *self.gateways.values(),
            *self.arriving.values(),
            *self.workers.values(),
            *([self.control] if self.control else []),
        ]
        await _all(one.release() for one in kept)

    async def _drop_background(self) -> None:
        for task in list(self._background):
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)

    def _later(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._background.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _LOG.error("something was left undone", exc_info=error)

    def _remember(self) -> None:
        self.remember()

    # ---- what is

    def processes(self) -> tuple[Started, ...]:
        """Return every living process with its start time."""
        found: list[tuple[states.Role, str, Process | None]] = []
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

    def remembered(self) -> Remembered:
        """Return what a successor needs to know."""
        host, port = self.address()
        return Remembered(host, port, self._gateway_count, self._with_control, self.plan.generation, self.processes())

    def address(self) -> tuple[str, int]:
        """Return host and port that are listened on."""
        if self.listener is None:
            return "", 0
        name = self.listener.getsockname()
        return name[0], name[1]

    def status(self) -> dict[str, Any]:
        """Return what runs, as `tenure status` shows it."""
        host, port = self.address()
        return {
            "generation": self.plan.generation,
            "host": host,
            "port": port,
            "supervisor": {"pid": os.getpid()},
            "control": None if self.control is None else _shown(self.control),
            "workers": {key: self._shown_worker(key, kept) for key, kept in self.workers.items()},
            "gateways": {name: self._shown_gateway(kept) for name, kept in self.gateways.items()},
            "leaving": sorted(self.leaving),
        }

    def numbers(self) -> dict[str, dict[str, int]]:
        """Return the metrics that only the supervisor knows."""
        kept = {f"worker {key}": one for key, one in self.workers.items()} | self.gateways
        if self.control is not None:
            kept["control"] = self.control
        return {"tenure_restarts_total": {f'process="{name}"': one.restarts.total for name, one in kept.items()}}

    def _shown_worker(self, key: str, kept: Kept) -> dict[str, Any]:
        entry = self.plan.workers.get(key, {})
        return {**_shown(kept), "digest": entry.get("digest"), "socket": str(worker_socket(self.home, key))}

    def _shown_gateway(self, kept: Kept) -> dict[str, Any]:
        member = self.members.by_pid.get(kept.pid or 0)
        if member is None:
            return {**_shown(kept), "generation": None, "lowest": None}
        return {**_shown(kept), "generation": member.generation, "lowest": member.lowest}


def _shown(kept: Kept) -> dict[str, Any]:
    return {"pid": kept.pid, "state": str(kept.state), "reason": kept.reason, "restarts": kept.restarts.total}


async def _all(works: Any) -> None:
    results: list[Awaitable[Any]] = list(works)
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.gather(*results)
