"""Gateways come and go: who joins is welcomed or seen off, and each can be replaced without a client noticing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenure.serving.supervisor.kept import State
from tenure.serving.supervisor.process import Process, start_time

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenure.serving.supervisor.household import Household

    Say = Callable[[str], None]

#: beyond its drain a gateway only closes its log
CLOSE_SECONDS = 10.0


class GatewayNotReady(Exception):
    """A gateway that was to replace another does not start; the text says why."""


def welcome(house: Household, pid: int) -> None:
    """Tell a gateway that joined the generation that it is to serve; one that nobody knows of is seen off.

    Such a one was started by a supervisor that died before it had written so down.
    """
    if pid not in house.expected and pid not in {process.pid for process in house.gateway_processes()}:
        stray = Process.adopt(pid, start_time(pid) or 0, house.home.logs / "gateway.log")
        if stray is not None:
            see_off(house, "gateway", stray)
    house.expected.discard(pid)
    house.members.tell({"op": "snapshot", "generation": house.plan.generation}, [pid])


async def replace_all(house: Household, say: Say) -> list[int]:
    """Replace each gateway by a new process on the same socket; return the new pids."""
    for name in list(house.gateways):
        await _replace(house, name, say)
    return [kept.pid for kept in house.gateways.values() if kept.pid is not None]


async def _replace(house: Household, name: str, say: Say) -> None:
    """Have a new gateway answer before the old one drains."""
    new = house.arriving[name] = house.keep_gateway(name)
    try:
        await house.changes.until(lambda: new.settled)
        if new.state is not State.READY:
            await new.stop(1.0)
            raise GatewayNotReady(f"the new {name} did not become ready and the old one stays: {new.reason}")
        old, house.gateways[name] = house.gateways[name], new
    finally:
        del house.arriving[name]
    process = await old.release()
    if process is not None:
        see_off(house, name, process)
    say(f"{name} is now process {new.pid}; the old one drains")


def see_off(house: Household, name: str, process: Process) -> None:
    """Have a gateway drain and leave."""
    house.leaving[process.pid] = (name, process)
    house.later(_drained(house, process, house.plan.drain_seconds + CLOSE_SECONDS))
    house.remember()


async def _drained(house: Household, process: Process, seconds: float) -> None:
    await process.stop(seconds)
    house.leaving.pop(process.pid, None)
    house.expected.discard(process.pid)
    house.changes.happened()
    house.remember()
