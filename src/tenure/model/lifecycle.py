"""The stages of a version and the only legal moves between them: one table."""

from __future__ import annotations

import enum

from tenure.kit.errors import Kind, TenureError


class Stage(enum.StrEnum):
    """Where in its life a version stands. Champion, challenger, shadow and canary are roles of a deployment, not stages."""

    REGISTERED = "registered"
    APPROVED = "approved"
    DEPLOYED = "deployed"
    DECOMMISSIONED = "decommissioned"
    ARCHIVED = "archived"
    DESTROYED = "destroyed"


MOVES: dict[Stage, frozenset[Stage]] = {
    Stage.REGISTERED: frozenset({Stage.APPROVED}),
    Stage.APPROVED: frozenset({Stage.DEPLOYED, Stage.DECOMMISSIONED}),
    Stage.DEPLOYED: frozenset({Stage.DECOMMISSIONED}),
    Stage.DECOMMISSIONED: frozenset({Stage.DEPLOYED, Stage.ARCHIVED}),
    Stage.ARCHIVED: frozenset({Stage.DECOMMISSIONED, Stage.DESTROYED}),
    Stage.DESTROYED: frozenset(),
}

#: stages in which a version's worker may be running
SERVING = frozenset({Stage.DEPLOYED})


class IllegalMove(TenureError):
    """The table has no such move; the message says which it has."""

    code = "illegal-move"
    kind = Kind.CONFLICT
    message = "{ref} is {current}; it may become: {legal}"
    next_step = "see `tenure history {ref}` for how it came there"


def move(ref: object, current: Stage, wanted: Stage) -> Stage:
    """Return `wanted` if a version at `current` may become it, else raise `IllegalMove` naming `ref`."""
    if wanted in MOVES[current]:
        return wanted
    legal = ", ".join(sorted(MOVES[current])) or "nothing"
    raise IllegalMove(ref=ref, current=current.value, legal=legal, wanted=wanted.value)
