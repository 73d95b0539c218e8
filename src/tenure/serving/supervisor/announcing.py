"""Serving a snapshot: start what it names, wait until that is ready, have every gateway swap, stop what nobody asks."""

from __future__ import annotations

import logging
import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenure.serving.supervisor.household import Household
    from tenure.serving.supervisor.plan import Plan
    from tenure.serving.supervisor.process import Process

    Say = Callable[[str], None]

_LOG = logging.getLogger("tenure.supervisor")
_ACKNOWLEDGE_SECONDS = 30.0
STOP_WORKER_SECONDS = 5.0


async def serve(house: Household, plan: Plan, say: Say) -> None:
    """Make the plan the one that is served, as soon as each of its workers is ready or has failed."""
    start_missing(house, plan)
    await _settled(house, plan, say)
    house.plan = plan
    house.remember()


def start_missing(house: Household, plan: Plan) -> None:
    """Keep every worker of the plan; one that failed is tried at once."""
    for key, entry in plan.workers.items():
        if key in house.workers:
            house.workers[key].try_now()
        else:
            house.keep_worker(key, entry)


async def _settled(house: Household, plan: Plan, say: Say) -> None:
    """Wait until every worker of the plan is ready or has failed, and say so one by one; one may be gone at the end."""
    waiting = set(plan.workers)
    while waiting:
        settled = {key for key in waiting if _is_settled(house, key)}
        for key in sorted(settled & house.workers.keys()):
            say(f"worker {key}: {house.workers[key].verdict}")
        waiting -= settled
        if waiting:
            say(f"waiting for {', '.join(sorted(waiting))} to load")
            await _one_settled(house, waiting)


async def _one_settled(house: Household, waiting: set[str]) -> None:
    await house.changes.until(lambda: any(_is_settled(house, key) for key in waiting))


def _is_settled(house: Household, key: str) -> bool:
    return key not in house.workers or house.workers[key].settled


async def acknowledged(house: Household, say: Say) -> None:
    """Tell the gateways and wait for all; one that stays silent is ended, since it may serve what is revoked."""
    generation = house.plan.generation
    house.members.tell({"op": "snapshot", "generation": generation})
    if not await house.changes.until(lambda: not _behind(house, generation), _ACKNOWLEDGE_SECONDS):
        for process in _behind(house, generation):
            _LOG.error("gateway %d did not take generation %d in time", process.pid, generation)
            process.signal(signal.SIGKILL)
        await house.changes.until(lambda: not _behind(house, generation))
    say(f"generation {generation} is served by {len(house.members.by_pid)} gateways")


def refusals(house: Household) -> list[str]:
    """Return why gateways could not take the present generation."""
    return [
        f"gateway {one.pid}: {one.refused[1]}"
        for one in house.members.by_pid.values()
        if one.refused is not None and one.refused[0] == house.plan.generation
    ]


def _behind(house: Household, generation: int) -> list[Process]:
    """Return the living gateways that may still serve an older generation.

    A gateway that was just started has not joined: it will be welcomed with the present one before it listens.
    """
    return [process for process in house.gateway_processes() if _may_serve_older(house, process.pid, generation)]


def _may_serve_older(house: Household, pid: int, generation: int) -> bool:
    member = house.members.by_pid.get(pid)
    return pid in house.expected if member is None else not member.answered(generation)


async def retire_unused(house: Household, plan: Plan) -> None:
    """Stop the workers that the plan does not name, once every gateway has left the generations that did."""
    if not house.workers.keys() - plan.workers.keys():
        return
    await house.changes.until(lambda: not _pinned(house, plan.generation), plan.drain_seconds)
    if house.plan is not plan:
        return
    for key in sorted(house.workers.keys() - plan.workers.keys()):
        await house.stop_worker(key, STOP_WORKER_SECONDS)


def _pinned(house: Household, generation: int) -> bool:
    """Return whether a gateway may still ask a version of an older generation."""
    return any(_may_hold_older(house, process.pid, generation) for process in house.gateway_processes())


def _may_hold_older(house: Household, pid: int, generation: int) -> bool:
    member = house.members.by_pid.get(pid)
    return pid in house.expected if member is None else member.lowest < generation
