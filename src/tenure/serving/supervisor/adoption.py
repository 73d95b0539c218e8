"""Taking over what an earlier supervisor started: nothing living is stopped, nothing missing is left out."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tenure.serving import sockets
from tenure.serving.places import worker_log
from tenure.serving.supervisor import announcing, replacing
from tenure.serving.supervisor import plan as plans
from tenure.serving.supervisor.process import Process

if TYPE_CHECKING:
    import socket
    from pathlib import Path

    from tenure.serving.supervisor.household import Household
    from tenure.serving.supervisor.plan import Plan
    from tenure.serving.supervisor.state import Remembered, Role, Started
    from tenure.settings import Home

_LOG = logging.getLogger("tenure.supervisor")
#: how long gateways that outlived their supervisor may take to join its successor
_REJOIN_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class _Living:
    """The remembered processes that still live, in the order in which they were remembered."""

    found: tuple[tuple[Started, Process], ...]

    def named(self, role: Role) -> dict[str, Process]:
        """Return the processes of a role whose names are unique, by name."""
        return {one.name: process for one, process in self.found if one.role == role}

    def leaving(self) -> list[tuple[str, Process]]:
        """Return the gateways that drain; several may have left the same place."""
        return [(one.name, process) for one, process in self.found if one.role == "leaving"]


async def adopt(house: Household, old: Remembered, handed: dict[str, socket.socket]) -> None:
    """Have the house continue from what was remembered, with the sockets that were handed over."""
    house.worker_listeners = {key: one for key, one in handed.items() if key != "http"}
    house.gateway_count, house.with_control = old.gateways, old.control
    living = _living(house.home, old)
    house.expected = {process.pid for one, process in living.found if one.role in {"gateway", "leaving"}}
    house.plan = _plan_of(house.home, old.generation)
    house.listener = handed.get("http") or await _listener_from_gateways(house, old)
    _keep_all(house, living)


def _keep_all(house: Household, living: _Living) -> None:
    """Watch what lives and start what is missing."""
    for key, process in living.named("worker").items():
        house.keep_worker(key, house.plan.workers.get(key, {}), process)
    announcing.start_missing(house, house.plan)
    if house.with_control:
        house.keep_control(living.named("control").get("control"))
    house.keep_gateways(living.named("gateway"))
    for name, process in living.leaving():
        replacing.see_off(house, name, process)


def _living(home: Home, old: Remembered) -> _Living:
    adopted = [(one, Process.adopt(one.pid, one.started, _log_of(home, one))) for one in old.processes]
    return _Living(tuple((one, process) for one, process in adopted if process is not None))


def _log_of(home: Home, one: Started) -> Path:
    return worker_log(home, one.name) if one.role == "worker" else home.logs / f"{one.name}.log"


def _plan_of(home: Home, generation: int) -> Plan:
    try:
        return plans.read(home.snapshots, generation)
    except plans.Unplanned as error:
        _LOG.warning("%s", error)
        return plans.newest(home.snapshots)


async def _listener_from_gateways(house: Household, old: Remembered) -> socket.socket:
    """Return the port's socket from a gateway that still holds it, else a new one on the same address."""
    if house.expected:
        await house.changes.until(lambda: house.listener is not None, _REJOIN_SECONDS)
    return house.listener or sockets.listen_tcp(old.host, old.port)
