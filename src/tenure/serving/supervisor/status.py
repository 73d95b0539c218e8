"""What runs, as `tenure status` and the metrics show it; looks and changes nothing."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tenure.serving.places import worker_socket
from tenure.serving.supervisor.kept import State
from tenure.worker.confine import TOLD

if TYPE_CHECKING:
    from tenure.serving.supervisor.household import Household
    from tenure.serving.supervisor.kept import Kept


def shown(house: Household) -> dict[str, Any]:
    """Return what runs, as plain data."""
    host, port = house.address()
    return {
        "generation": house.plan.generation,
        "host": host,
        "port": port,
        "supervisor": {"pid": os.getpid()},
        "control": None if house.control is None else _place(house.control),
        "workers": {key: _worker(house, key, kept) for key, kept in house.workers.items()},
        "gateways": {name: _gateway(house, kept) for name, kept in house.gateways.items()},
        "leaving": sorted(house.leaving),
    }


def numbers(house: Household) -> dict[str, dict[str, int]]:
    """Return the metrics that only the supervisor knows."""
    kept = {f"worker {key}": one for key, one in house.workers.items()} | house.gateways
    if house.control is not None:
        kept["control"] = house.control
    return {
        "tenure_restarts_total": {f'process="{name}"': one.restarts.total for name, one in kept.items()},
        "tenure_process_up": {f'process="{name}"': int(one.state is State.READY) for name, one in kept.items()},
    }


def _place(kept: Kept) -> dict[str, Any]:
    return {
        "pid": kept.pid,
        "state": str(kept.state),
        "reason": kept.reason,
        "restarts": kept.restarts.total,
        "last_end": kept.last_end,
    }


def _worker(house: Household, key: str, kept: Kept) -> dict[str, Any]:
    entry = house.plan.workers.get(key, {})
    return {
        **_place(kept),
        "digest": entry.get("digest"),
        "socket": str(worker_socket(house.home, key)),
        "python": house.welcomes.get(key, {}).get("python"),
        "limits": limits_of(kept.pid),
    }


def limits_of(pid: int | None) -> dict[str, Any]:
    """Return the limits that hold for a worker, as its own process was told them; empty when it cannot be read."""
    try:
        variables = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        told = next(one for one in variables if one.startswith(f"{TOLD}=".encode()))
        limits: dict[str, Any] = json.loads(told.partition(b"=")[2])
    except (OSError, ValueError, StopIteration):
        return {}
    return limits


def _gateway(house: Household, kept: Kept) -> dict[str, Any]:
    member = house.members.by_pid.get(kept.pid or 0)
    if member is None:
        return {**_place(kept), "generation": None, "lowest": None}
    return {**_place(kept), "generation": member.generation, "lowest": member.lowest}
