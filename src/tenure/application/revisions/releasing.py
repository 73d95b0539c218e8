"""Where a revision goes once its text is kept: approved, in force now or at a time, on trial; and what the clock does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenure.application.revisions.life import (
    AlreadyApproved,
    Approved,
    BadPlacing,
    Begin,
    Finish,
    Keep,
    Later,
    NothingToEnd,
    Now,
    Return,
    Schedule,
    ScheduleState,
    Standing,
    Trial,
    Try,
    after,
    answers,
    due,
)
from tenure.application.revisions.revision import Activation, AlreadyActive
from tenure.governance.access import Actor, Permission, Role
from tenure.governance.approvals import Policy, approve, approve_by_deploying
from tenure.governance.audit import Event
from tenure.kit.clock import iso
from tenure.kit.errors import TenureError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenure.application.revisions.life import Placing, Step
    from tenure.application.revisions.ports import LifeStore, RevisionStore
    from tenure.application.revisions.revision import Revision
    from tenure.governance.ports import Audit, PolicyStore
    from tenure.kit.clock import Clock


class Releases:
    """What puts revisions where they answer; `Applications` gives it revisions whose text it has checked."""

    def __init__(self, store: RevisionStore, lives: LifeStore, policy: PolicyStore, audit: Audit, clock: Clock) -> None:
        self._store = store
        self._lives = lives
        self._policy = policy
        self._audit = audit
        self._clock = clock

    def standing(self, application: str) -> Standing:
        """Return where the application's revisions stand."""
        past = [activation.number for activation in self._store.activations(application)]
        return Standing(
            active=past[0] if past else None,
            past=frozenset(past),
            approved={one.number: one for one in self._lives.approvals(application)},
            schedules=tuple(self._lives.schedules(application)),
            trial=self._lives.trial(application),
        )

    def allowed(self, revision: Revision, wanted: Placing) -> Placing:
        """Return `wanted`, or to keep a draft where the policy wants a second person's approval first."""
        waits = self._policy.get() is Policy.FOUR_EYES and answers(wanted)
        return Keep() if waits and not self.standing(revision.application).is_approved(revision.number) else wanted

    def approve(self, actor: Actor, revision: Revision, reason: str) -> Approved:
        """Say that a revision may answer; the policy says whether its author may say so."""
        known = self.standing(revision.application)
        if known.is_approved(revision.number):
            by = known.approved.get(revision.number)
            raise AlreadyApproved(ref=revision.ref, actor=by.actor if by else "putting it in force")
        approval = approve(self._policy.get(), revision.ref, revision.actor, actor.id)
        found = self._approved(revision, approval.by, reason, own_work=approval.own_work, implied=False)
        self._write(actor, Permission.APPLICATIONS_APPROVE, revision, reason, {}, {"own_work": approval.own_work})
        return found

    def place(
        self,
        actor: Actor,
        revision: Revision,
        active: Revision | None,
        wanted: Placing,
        reason: str,
        permission: Permission,
    ) -> None:
        """Put a revision where it is wanted, with the approval that lies in it; inside the caller's transaction.

        Raises `NotApproved` where the policy wants the approval said before, `AlreadyActive` for the one in force.
        """
        if active is not None and active.number == revision.number:
            raise AlreadyActive(application=revision.application, number=revision.number)
        if active is None and isinstance(wanted, Try):
            raise BadPlacing(ref=revision.ref, why="no revision is in force that it could run beside")
        facts: dict[str, object] = {"revision": revision.number, "digest": revision.digest}
        if answers(wanted) and not self.standing(revision.application).is_approved(revision.number):
            approval = approve_by_deploying(self._policy.get(), revision.ref, revision.actor, actor.id)
            self._approved(revision, approval.by, reason, own_work=approval.own_work, implied=True)
            facts["self_approved"] = approval.own_work
        match wanted:
            case Keep():
                facts["stage"] = "draft"
            case Now(ends_at):
                self._activate(revision, actor.id, reason)
                if ends_at is not None and active is not None:
                    facts["until"] = iso(ends_at)
                    now = self._clock.now()
                    self._schedule(actor, revision, active.number, now, ends_at, reason, ScheduleState.ON)
            case Later(starts_at, ends_at):
                facts |= {"from": iso(starts_at), "until": None if ends_at is None else iso(ends_at)}
                base = 0 if active is None else active.number
                self._schedule(actor, revision, base, starts_at, ends_at, reason, ScheduleState.WAITING)
            case Try(share):
                facts["trial"] = {"share": share}
                since = self._since(revision)
                self._lives.set_trial(Trial(revision.application, revision.number, share, since, actor.id, reason))
        before = {} if active is None else {"revision": active.number, "digest": active.digest}
        self._write(actor, permission, revision, reason, before, facts)

    def end(self, actor: Actor, application: str, revision: Callable[[int], Revision], reason: str) -> list[Revision]:
        """End the trial, and what waits for its time; return the revisions that it was about."""
        known = self.standing(application)
        waiting = [one for one in known.schedules if one.state is ScheduleState.WAITING]
        numbers = [one.number for one in waiting]
        if known.trial is not None:
            self._lives.end_trial(application)
            numbers.insert(0, known.trial.number)
        if not numbers:
            raise NothingToEnd(application=application)
        for schedule in waiting:
            self._lives.save_schedule(after(schedule, Finish(ScheduleState.CANCELLED, reason)))
        found = [revision(number) for number in numbers]
        for one in found:
            before: dict[str, object] = {"stage": known.stage(one.number).value}
            self._write(actor, Permission.APPLICATIONS_END, one, reason, before, {})
        return found

    def tick(self, check: Callable[[Revision], object]) -> int:
        """Do what the clock asks for, each schedule in a transaction of its own; return how many changed."""
        return sum(self._ticked(one, check) for one in self._lives.open_schedules())

    def _ticked(self, schedule: Schedule, check: Callable[[Revision], object]) -> bool:
        with self._audit.transaction():
            active = self._store.active(schedule.application)
            step = due(schedule, 0 if active is None else active.number, self._clock.now())
            if step is None:
                return False
            target = self._target(schedule, step, check)
            if isinstance(target, Finish):
                step = target
            self._lives.save_schedule(after(schedule, step))
            actor = Actor(schedule.actor, Role(schedule.role))
            reason = _told(schedule, step)
            before: dict[str, object] = {} if active is None else {"revision": active.number, "digest": active.digest}
            if isinstance(target, Finish):
                revision = self._kept(schedule, schedule.number)
                self._write(
                    actor,
                    Permission.APPLICATIONS_ACTIVATE,
                    revision,
                    reason,
                    before,
                    {"schedule": after(schedule, step).state.value},
                )
                return True
            self._activate(target, schedule.actor, reason)
            self._write(
                actor,
                Permission.APPLICATIONS_ACTIVATE,
                target,
                reason,
                before,
                {"revision": target.number, "digest": target.digest},
            )
            return True

    def _target(self, schedule: Schedule, step: Step, check: Callable[[Revision], object]) -> Revision | Finish:
        """Return the revision that comes into force now, or why none does: what fitted then may not fit any more."""
        if isinstance(step, Finish):
            return step
        target = self._kept(schedule, schedule.base if isinstance(step, Return) else schedule.number)
        try:
            check(target)
        except TenureError as error:
            return Finish(ScheduleState.REFUSED, f"{target.ref} fits no more: {error}")
        return target

    def _kept(self, schedule: Schedule, number: int) -> Revision:
        revision = self._store.get(schedule.application, number)
        assert revision is not None, "revisions are never removed"
        return revision

    def _since(self, revision: Revision) -> int:
        """Return since when it is on trial: another share of the same revision goes on with what was seen."""
        known = self._lives.trial(revision.application)
        return known.since if known is not None and known.number == revision.number else self._clock.now()

    def _activate(self, revision: Revision, actor: str, reason: str) -> None:
        now = self._clock.now()
        self._store.activate(Activation(revision.application, revision.number, now, actor, reason))
        trial = self._lives.trial(revision.application)
        if trial is not None and trial.number == revision.number:
            self._lives.end_trial(revision.application)

    def _approved(self, revision: Revision, by: str, reason: str, *, own_work: bool, implied: bool) -> Approved:
        now = self._clock.now()
        found = Approved(revision.application, revision.number, now, by, own_work, implied, reason)
        self._lives.approve(found)
        return found

    def _schedule(
        self,
        actor: Actor,
        revision: Revision,
        base: int,
        starts_at: int,
        ends_at: int | None,
        reason: str,
        state: ScheduleState,
    ) -> None:
        made = Schedule(
            id=0,
            application=revision.application,
            number=revision.number,
            starts_at=starts_at,
            ends_at=ends_at,
            base=base,
            state=state,
            at=self._clock.now(),
            actor=actor.id,
            role=actor.role.value,
            reason=reason,
        )
        self._lives.add_schedule(made)

    def _write(
        self,
        actor: Actor,
        permission: Permission,
        revision: Revision,
        reason: str,
        before: dict[str, object],
        facts: dict[str, object],
    ) -> None:
        self._audit.write(Event(permission, actor, self._clock.now(), revision.ref, reason, before, facts))


def _told(schedule: Schedule, step: Step) -> str:
    match step:
        case Begin():
            return f"scheduled from {iso(schedule.starts_at)}: {schedule.reason}"
        case Return():
            return f"{schedule.application}/{schedule.number} was scheduled until {iso(schedule.ends_at or 0)}: {schedule.reason}"
        case Finish(_, why):
            return f"the schedule of {schedule.application}/{schedule.number} ended: {why}"
