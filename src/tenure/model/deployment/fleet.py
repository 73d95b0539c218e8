"""One model's versions in service, and the pure decisions that change them."""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tenure.kit.errors import Kind, TenureError
from tenure.model.lifecycle import Stage, move
from tenure.model.version import UnknownVersion, VersionRef

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


#: a canary's part of the traffic where none is given
DEFAULT_SHARE = 0.1


class Role(enum.StrEnum):
    """What a deployed version does.

    It answers (champion), answers a share of the entities (canary), is asked beside the champion and never answers
    (shadow), or stands ready to be rolled back or promoted to (warm).
    """

    CHAMPION = "champion"
    CANARY = "canary"
    SHADOW = "shadow"
    WARM = "warm"

    @property
    def compared(self) -> bool:
        """Return whether a version in this role is being compared with the champion."""
        return self in {Role.CANARY, Role.SHADOW}


class NotDeployed(TenureError):
    """Only a version whose worker runs can take traffic."""

    code = "not-deployed"
    kind = Kind.CONFLICT
    message = "{ref} is {stage}, not deployed; deployed are: {deployed}"
    next_step = "first `tenure deploy {ref}`"


class AlreadyDeployed(TenureError):
    """The version is in service already."""

    code = "already-deployed"
    kind = Kind.CONFLICT
    message = "{ref} is deployed already, as {role}"
    next_step = "move the traffic to it with `tenure promote {ref} --reason …`"


class AlreadyChampion(TenureError):
    """The version answers already."""

    code = "already-champion"
    kind = Kind.CONFLICT
    message = "{ref} is the champion already"
    next_step = "see `tenure history {model}@champion`"


class NothingBefore(TenureError):
    """No earlier champion is still in service."""

    code = "nothing-to-roll-back-to"
    kind = Kind.CONFLICT
    message = "no version that was champion of {model} before is still deployed"
    next_step = "deploy one again (`tenure versions {model}`), or name one with --to"


class UnknownRole(TenureError):
    """No deployed version does this."""

    code = "unknown-role"
    kind = Kind.BAD_INPUT
    message = "a version is not deployed as {role!r}; it is deployed as one of: {roles}"
    next_step = "see `tenure deploy --help`"


class NothingToCompare(TenureError):
    """A shadow or a canary runs beside a champion, and there is none."""

    code = "nothing-to-compare-with"
    kind = Kind.CONFLICT
    message = "{ref} cannot be a {role}: {model} has no champion to run it beside"
    next_step = "deploy the champion first: `tenure deploy {model}/VERSION`"


class BadShare(TenureError):
    """The share is none that a version can have."""

    code = "bad-share"
    kind = Kind.BAD_INPUT
    message = "{ref} cannot have the share {share}: {why}"
    next_step = "give a canary a share above 0 and below 1 (`--as canary --share 0.1`); 0 ends it, `tenure promote` gives it all"


class CanaryThere(TenureError):
    """A model has one canary at a time, so that every answer has one of two versions."""

    code = "canary-there"
    kind = Kind.CONFLICT
    message = "{model} has a canary already: {canary}, with the share {share}"
    next_step = "end it first: `tenure deploy {canary} --share 0`, or `tenure promote {canary} --reason …`"


@dataclass(frozen=True, slots=True)
class Fleet:
    """What one model has in service.

    `stages` has every version; `deployed` the role of those in service; `past` the champions before this one that a
    roll-back goes through, nearest first; `share` is the canary's, 0 without one; `challenger` the version under
    comparison; `changes` is the count that a save must meet unchanged.
    """

    model: str
    changes: int
    stages: Mapping[int, Stage]
    deployed: Mapping[int, Role]
    past: tuple[int, ...] = ()
    share: float = 0.0
    challenger: int | None = None

    @property
    def champion(self) -> int | None:
        """Return the number of the version that answers, None while there is none."""
        return self._only(Role.CHAMPION)

    @property
    def canary(self) -> int | None:
        """Return the number of the version that answers a share, None while there is none."""
        return self._only(Role.CANARY)

    @property
    def compared(self) -> tuple[int, ...]:
        """Return the versions that run beside the champion to be compared with it."""
        return tuple(sorted(number for number, role in self.deployed.items() if role.compared))

    def _only(self, wanted: Role) -> int | None:
        return next((number for number, role in self.deployed.items() if role is wanted), None)

    @property
    def rollback_target(self) -> int | None:
        """Return the nearest earlier champion that is still deployed."""
        return next((number for number in self.past if number in self.deployed), None)

    def ref(self, number: int) -> VersionRef:
        """Return the version of that number; raise `UnknownVersion` if there is none."""
        if number not in self.stages:
            raise UnknownVersion(ref=VersionRef(self.model, number), model=self.model)
        return VersionRef(self.model, number)


@dataclass(frozen=True, slots=True)
class Deployment:
    """Decided: the version is in service in this role; `approves` when that implies its approval.

    `share` is a canary's part of the traffic. `joins` when it was not in service before.
    """

    ref: VersionRef
    role: Role
    approves: bool
    share: float = 0.0
    joins: bool = True


@dataclass(frozen=True, slots=True)
class Switch:
    """Decided: `champion` moves from `before` to `ref`; `before` stays warm."""

    ref: VersionRef
    before: int | None


def deploy(fleet: Fleet, number: int, wanted: str | None, share: float | None = None) -> Deployment:
    """Decide how a version comes into service, or which other role it gets there.

    Without `wanted` it becomes champion if the model has none, else warm; a share means a canary, and the share 0 ends
    one. A version in service changes only between warm, shadow and canary: `champion` is moved by promoting.
    """
    ref = fleet.ref(number)
    before = fleet.deployed.get(number)
    role = _role(fleet, ref, wanted, share)
    part = _share(ref, role, share)
    _check_comparison(fleet, ref, role)
    if before is not None:
        if before is Role.CHAMPION or role is Role.CHAMPION or (before is role and part in {0.0, fleet.share}):
            raise AlreadyDeployed(ref=ref, role=before.value)
        return Deployment(ref, role, approves=False, share=part, joins=False)
    stage = fleet.stages[number]
    approves = stage is Stage.REGISTERED
    move(ref, Stage.APPROVED if approves else stage, Stage.DEPLOYED)
    return Deployment(ref, role, approves, part)


def _role(fleet: Fleet, ref: VersionRef, wanted: str | None, share: float | None) -> Role:
    if wanted is not None:
        if wanted not in Role._value2member_map_:
            raise UnknownRole(role=wanted, roles=", ".join(Role))
        return Role.WARM if wanted == Role.CANARY and share == 0 else Role(wanted)
    if share is None:
        return Role.CHAMPION if fleet.champion is None else Role.WARM
    if share == 0 and fleet.deployed.get(ref.number) is not Role.CANARY:
        raise BadShare(ref=ref, share=share, why="it is no canary, so there is none to end")
    return Role.WARM if share == 0 else Role.CANARY


def _share(ref: VersionRef, role: Role, share: float | None) -> float:
    if role is not Role.CANARY:
        if share:
            raise BadShare(ref=ref, share=share, why=f"a {role.value} has no share of the answers")
        return 0.0
    part = DEFAULT_SHARE if share is None else share
    if not 0 < part < 1:
        raise BadShare(ref=ref, share=part, why="it is not between 0 and 1")
    return part


def _check_comparison(fleet: Fleet, ref: VersionRef, role: Role) -> None:
    if not role.compared:
        return
    if fleet.champion is None:
        raise NothingToCompare(ref=ref, role=role.value, model=fleet.model)
    if role is Role.CANARY and fleet.canary not in {None, ref.number}:
        raise CanaryThere(model=fleet.model, canary=f"{fleet.model}/{fleet.canary}", share=fleet.share)


def promote(fleet: Fleet, number: int) -> Switch:
    """Decide to move `champion` to a deployed version."""
    ref = fleet.ref(number)
    if number not in fleet.deployed:
        deployed = ", ".join(map(str, sorted(fleet.deployed))) or "none"
        raise NotDeployed(ref=ref, stage=fleet.stages[number].value, deployed=deployed)
    if number == fleet.champion:
        raise AlreadyChampion(ref=ref, model=fleet.model)
    return Switch(ref, fleet.champion)


def roll_back(fleet: Fleet, to: int | None) -> Switch:
    """Decide to give `champion` back: to the nearest earlier champion still deployed, or to the version named."""
    number = fleet.rollback_target if to is None else to
    if number is None:
        raise NothingBefore(model=fleet.model)
    return promote(fleet, number)


def after_deploying(fleet: Fleet, deployment: Deployment) -> Fleet:
    """Return the fleet with the version in service in its role."""
    number, role = deployment.ref.number, deployment.role
    placed = replace(
        fleet,
        stages={**fleet.stages, number: Stage.DEPLOYED},
        deployed={**fleet.deployed, number: Role.WARM if role is Role.CHAMPION else role},
    )
    if role is Role.CHAMPION:
        return after_switch(placed, Switch(deployment.ref, fleet.champion))
    return _compared(placed, number if role.compared else None, deployment.share)


def after_switch(fleet: Fleet, switch: Switch) -> Fleet:
    """Return the fleet with `champion` moved; a version that was compared with the former one is so no more if it has it."""
    left = {} if switch.before is None else {switch.before: Role.WARM}
    return _compared(replace(fleet, deployed={**fleet.deployed, **left, switch.ref.number: Role.CHAMPION}), None, 0.0)


def _compared(fleet: Fleet, newest: int | None, share: float) -> Fleet:
    """Return the fleet with `challenger` on the newest version under comparison, and the canary's share as it is now."""
    compared = fleet.compared
    kept = fleet.challenger if fleet.challenger in compared else next(iter(compared[::-1]), None)
    part = share or (fleet.share if fleet.canary is not None else 0.0)
    return replace(fleet, challenger=kept if newest is None else newest, share=part if fleet.canary else 0.0)


def champions_before(moves: Iterable[tuple[str, int]]) -> tuple[int, ...]:
    """Return the champions that a roll-back goes through, nearest first, from all moves of `champion`, oldest first.

    A move is its action and the version it gave the alias to. A roll-back undoes what came after its target, so
    rolling back twice goes back two steps and never forward to the version that was just left.
    """
    stack: list[int] = []
    for action, number in moves:
        if action == "models:rollback" and number in stack:
            del stack[stack.index(number) :]
        elif number in stack:
            stack.remove(number)
        stack.append(number)
    return tuple(reversed(stack[:-1]))
