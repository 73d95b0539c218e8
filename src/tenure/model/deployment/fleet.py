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


class Role(enum.StrEnum):
    """What a deployed version does: answer (champion), or stand ready to be rolled back or promoted to (warm)."""

    CHAMPION = "champion"
    WARM = "warm"


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


class RoleNotServed(TenureError):
    """This Tenure sends no traffic of that kind yet."""

    code = "role-not-served"
    kind = Kind.REFUSED
    message = "no gateway sends {role} traffic yet, so {ref} would get none"
    next_step = "deploy it without --as (it stays warm), ask it with `tenure run {ref} --input …`, then promote it"


@dataclass(frozen=True, slots=True)
class Fleet:
    """What one model has in service.

    `stages` has every version; `deployed` the role of those in service; `past` the champions before this one that a
    roll-back goes through, nearest first; `changes` is the count that a save must meet unchanged.
    """

    model: str
    changes: int
    stages: Mapping[int, Stage]
    deployed: Mapping[int, Role]
    past: tuple[int, ...] = ()

    @property
    def champion(self) -> int | None:
        """Return the number of the version that answers, None while there is none."""
        return next((number for number, role in self.deployed.items() if role is Role.CHAMPION), None)

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
    """Decided: the version comes into service in this role; `approves` when that implies its approval."""

    ref: VersionRef
    role: Role
    approves: bool


@dataclass(frozen=True, slots=True)
class Switch:
    """Decided: `champion` moves from `before` to `ref`; `before` stays warm."""

    ref: VersionRef
    before: int | None


def deploy(fleet: Fleet, number: int, wanted: str | None) -> Deployment:
    """Decide how a version comes into service: champion if the model has none, else warm, unless `wanted` says."""
    ref = fleet.ref(number)
    if wanted not in {None, *Role}:
        raise RoleNotServed(role=wanted, ref=ref)
    if number in fleet.deployed:
        raise AlreadyDeployed(ref=ref, role=fleet.deployed[number].value)
    stage = fleet.stages[number]
    approves = stage is Stage.REGISTERED
    move(ref, Stage.APPROVED if approves else stage, Stage.DEPLOYED)
    default = Role.CHAMPION if fleet.champion is None else Role.WARM
    return Deployment(ref, default if wanted is None else Role(wanted), approves)


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
    """Return the fleet with the version in service."""
    number = deployment.ref.number
    joined = replace(
        fleet,
        stages={**fleet.stages, number: Stage.DEPLOYED},
        deployed={**fleet.deployed, number: Role.WARM},
    )
    return after_switch(joined, Switch(deployment.ref, fleet.champion)) if deployment.role is Role.CHAMPION else joined


def after_switch(fleet: Fleet, switch: Switch) -> Fleet:
    """Return the fleet with `champion` moved."""
    roles = dict.fromkeys(fleet.deployed, Role.WARM)
    return replace(fleet, deployed={**roles, switch.ref.number: Role.CHAMPION})


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
