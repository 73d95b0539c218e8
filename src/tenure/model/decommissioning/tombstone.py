"""The pure part of decommissioning: what stands in the way, and what stays written when it is done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tenure.kit.clock import SECOND, iso
from tenure.kit.errors import Kind, TenureError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tenure.model.lifecycle import Stage
    from tenure.model.version import VersionRef

#: requests within this time are live traffic
LIVE_WINDOW = 300 * SECOND
#: how long after an alias moved requests that it had routed before may still be answered
DRAIN = 10 * SECOND


class StillNeeded(TenureError):
    """Something still depends on the version."""

    code = "still-needed"
    kind = Kind.CONFLICT
    message = "{ref} cannot be decommissioned, it is needed by:\n{dependents}"
    next_step = "promote another version, or move what is named here to it, then try again"


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a version stands; `left_at` is when an alias last pointed elsewhere, None if none ever left it.

    `role` is what it does in service, empty where it is not; `is_last` when no other version of its model is in service.
    """

    ref: VersionRef
    changes: int
    stage: Stage
    aliases: tuple[str, ...]
    left_at: int | None
    role: str = ""
    is_last: bool = False


@dataclass(frozen=True, slots=True)
class Traffic:
    """Requests that a version answered since some moment, and the id and time of the last it ever answered."""

    requests: int
    last_decision: str | None
    last_at: int | None


def live_since(standing: Standing, now: int) -> int:
    """Return from when on an answered request shows live traffic.

    What an alias had routed to the version before it moved away is no sign that anybody still depends on it.
    """
    window = now - LIVE_WINDOW
    return window if standing.left_at is None else max(window, standing.left_at + DRAIN)


def dependents(standing: Standing, revisions: Sequence[str], traffic: Traffic, since: int) -> list[str]:
    """Return who depends on the version, a line each; empty means nobody.

    An alias has to be moved to another version first; that of the last one in service ends with it, and so the model's service.
    """
    found = [f"the alias {standing.ref.model}@{alias}" for alias in standing.aliases if not standing.is_last]
    if standing.role in {"shadow", "canary"}:
        found.append(
            f"the comparison that it runs in as {standing.role} (end it: tenure deploy {standing.ref} --as warm)"
        )
    found += [f"the active revision {revision}" for revision in revisions]
    if traffic.requests:
        found.append(f"live traffic: {traffic.requests} requests since {iso(since)}")
    return found


def tombstone(reason: str, successor: VersionRef | None, traffic: Traffic) -> dict[str, Any]:
    """Return what stays written about the version's end."""
    return {
        "reason": reason,
        "successor": str(successor) if successor else None,
        "last_decision": traffic.last_decision,
        "last_decision_at": iso(traffic.last_at) if traffic.last_at is not None else None,
    }
