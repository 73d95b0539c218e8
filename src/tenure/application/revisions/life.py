"""A revision's life: kept as a draft (checked), approved, put in force now or at a time, or tried beside the one in force."""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from tenure.kit.clock import iso
from tenure.kit.errors import Kind, TenureError

if TYPE_CHECKING:
    from collections.abc import Collection


class Stage(enum.StrEnum):
    """Where a revision stands."""

    DRAFT = "draft"
    APPROVED = "approved"
    SCHEDULED = "scheduled"
    TRIAL = "trial"
    ACTIVE = "active"
    RETIRED = "retired"


class ScheduleState(enum.StrEnum):
    """Where a schedule stands: it waits for its time, its revision is in force until its end, or it is over."""

    WAITING = "waiting"
    ON = "on"
    DONE = "done"
    REFUSED = "refused"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Approved:
    """Who found a revision good enough; `own_work` when it is who wrote it, `implied` when putting it in force implied it."""

    application: str
    number: int
    at: int
    actor: str
    own_work: bool
    implied: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Schedule:
    """A revision that comes into force at a time, and may leave it at another. Times are UTC microseconds.

    `base` is the revision in force when it was scheduled: it starts only if that still is, and gives way to it at the
    end. `why` says why it was refused.
    """

    id: int
    application: str
    number: int
    starts_at: int
    ends_at: int | None
    base: int
    state: ScheduleState
    at: int
    actor: str
    role: str
    reason: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Trial:
    """A revision evaluated beside the one in force since a moment; it answers the `share` of the entities, none with 0."""

    application: str
    number: int
    share: float
    since: int
    actor: str
    reason: str


class BadPlacing(TenureError):
    """What is asked for does not go together."""

    code = "bad-placing"
    kind = Kind.BAD_INPUT
    message = "{ref} cannot be placed so: {why}"
    next_step = "see `tenure apply --help`"


class AlreadyApproved(TenureError):
    """It needs no second approval."""

    code = "already-approved"
    kind = Kind.CONFLICT
    message = "{ref} was approved already, by {actor}"
    next_step = "put it in force: tenure activate {ref} --reason …"


class NothingToEnd(TenureError):
    """There is neither a trial nor a schedule to end."""

    code = "nothing-to-end"
    kind = Kind.CONFLICT
    message = "{application} has no revision on trial, and none that waits for its time"
    next_step = "see `tenure applications revisions {application}`"


@dataclass(frozen=True, slots=True)
class Keep:
    """Keep it as a draft."""


@dataclass(frozen=True, slots=True)
class Now:
    """Put it in force, until `ends_at` if that is given."""

    ends_at: int | None = None


@dataclass(frozen=True, slots=True)
class Later:
    """Put it in force at a time, until another if that is given."""

    starts_at: int
    ends_at: int | None = None


@dataclass(frozen=True, slots=True)
class Try:
    """Evaluate it beside the one in force; with a share above 0 it answers that part of the entities."""

    share: float = 0.0


Placing: TypeAlias = Keep | Now | Later | Try


def placing(
    ref: str, now: int, *, draft: bool, starts_at: int | None, ends_at: int | None, shadow: bool, share: float | None
) -> Placing:
    """Return what is asked for; raise `BadPlacing` where the parts do not go together."""
    tried = shadow or share is not None
    if draft + tried + (starts_at is not None or ends_at is not None) > 1:
        raise BadPlacing(ref=ref, why="a draft, a trial and a time exclude each other")
    if shadow and share:
        raise BadPlacing(ref=ref, why="a shadow never answers; give either --shadow or --share")
    if draft:
        return Keep()
    if tried:
        if not 0 <= (share or 0.0) < 1:
            raise BadPlacing(ref=ref, why=f"a share is at least 0 and below 1, not {share}; activating it gives it all")
        return Try(share or 0.0)
    if ends_at is not None and ends_at <= max(now, starts_at or now):
        raise BadPlacing(ref=ref, why=f"it would end ({iso(ends_at)}) before it begins")
    return Now(ends_at) if starts_at is None or starts_at <= now else Later(starts_at, ends_at)


def answers(wanted: Placing) -> bool:
    """Return whether the revision would answer anybody, which takes an approval."""
    return isinstance(wanted, Now | Later) or (isinstance(wanted, Try) and wanted.share > 0)


@dataclass(frozen=True, slots=True)
class Begin:
    """The revision's time has come."""


@dataclass(frozen=True, slots=True)
class Return:
    """The revision's time is over: the one before returns."""


@dataclass(frozen=True, slots=True)
class Finish:
    """The schedule is over without a change of what is in force."""

    state: ScheduleState
    why: str


Step: TypeAlias = Begin | Return | Finish


def due(schedule: Schedule, active: int, now: int) -> Step | None:
    """Return what is to be done about a schedule now, None while there is nothing; `active` is 0 where nothing is in force."""
    over = schedule.ends_at is not None and schedule.ends_at <= now
    if schedule.state is ScheduleState.WAITING and schedule.starts_at <= now:
        if over:
            return Finish(ScheduleState.REFUSED, "its whole time passed while nothing ran that could put it in force")
        if active != schedule.base:
            why = f"it was scheduled over revision {schedule.base}, and {active} is in force since"
            return Finish(ScheduleState.REFUSED, why)
        return Begin()
    if schedule.state is ScheduleState.ON and active != schedule.number:
        return Finish(ScheduleState.DONE, f"revision {active} was put in force before its end")
    return Return() if schedule.state is ScheduleState.ON and over else None


def after(schedule: Schedule, step: Step) -> Schedule:
    """Return the schedule once the step is done."""
    match step:
        case Begin():
            state = ScheduleState.DONE if schedule.ends_at is None else ScheduleState.ON
            return replace(schedule, state=state)
        case Return():
            return replace(schedule, state=ScheduleState.DONE)
        case Finish(state, why):
            return replace(schedule, state=state, why=why)


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of an application's revisions besides their texts."""

    active: int | None
    past: Collection[int]
    approved: dict[int, Approved]
    schedules: tuple[Schedule, ...]
    trial: Trial | None

    def stage(self, number: int) -> Stage:
        """Return where a revision stands."""
        if number == self.active:
            return Stage.ACTIVE
        if self.trial is not None and self.trial.number == number:
            return Stage.TRIAL
        if any(one.number == number and one.state is ScheduleState.WAITING for one in self.schedules):
            return Stage.SCHEDULED
        if number in self.past:
            return Stage.RETIRED
        return Stage.APPROVED if number in self.approved else Stage.DRAFT

    def is_approved(self, number: int) -> bool:
        """Return whether it may answer: somebody approved it, or it was in force before there were approvals."""
        return number in self.approved or number in self.past
