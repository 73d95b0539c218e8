"""A revision's life: what its clock asks for, where it stands, and what goes together when it is placed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tenure.adapters.features.store import SqliteFeatures
from tenure.adapters.sql.audit import SqlAudit
from tenure.adapters.sql.engine import Database
from tenure.adapters.sql.lives import SqlLives
from tenure.adapters.sql.revisions import SqlRevisions
from tenure.adapters.sql.tokens import SqlPolicy
from tenure.adapters.sql.upgrade import upgrade
from tenure.application.revisions.actions import Applications
from tenure.application.revisions.base import with_base, without_base
from tenure.application.revisions.life import (
    AlreadyApproved,
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
    Stage,
    Try,
    after,
    due,
    placing,
)
from tenure.application.revisions.revision import StaleBase
from tenure.governance.access import Actor, Role
from tenure.governance.approvals import NotApproved, OwnWork, Policy
from tenure.kit.clock import SECOND, FixedClock

if TYPE_CHECKING:
    from pathlib import Path

    from tenure.application.revisions.checking import Contract
    from tenure.application.revisions.terms import ModelUse

TEXT = """\
application: limits   # kept
request: {amount: float}
rules:
  - {id: small, when: "amount < 10", answer: {ok: true}}
default: {answer: {ok: false}}
"""
ADA, BOB = Actor("ada", Role.ADMIN), Actor("bob", Role.ADMIN)
WAITING = Schedule(1, "limits", 2, 100, 200, 1, ScheduleState.WAITING, 0, "ada", "admin", "sale")
ON = replace(WAITING, state=ScheduleState.ON)


@pytest.mark.parametrize(
    ("schedule", "active", "now", "step"),
    [
        (WAITING, 1, 99, None),
        (WAITING, 1, 100, Begin()),
        (WAITING, 3, 150, "scheduled over revision 1, and 3 is in force"),
        (WAITING, 1, 200, "whole time passed"),
        (ON, 2, 199, None),
        (ON, 2, 200, Return()),
        (ON, 3, 150, "revision 3 was put in force"),
    ],
)
def test_a_schedule_begins_over_its_base_returns_to_it_and_never_undoes_what_a_person_did(
    schedule: Schedule, active: int, now: int, step: object
) -> None:
    found = due(schedule, active, now)
    if isinstance(step, str):
        assert isinstance(found, Finish)
        assert step in found.why
    else:
        assert found == step


def test_a_schedule_without_an_end_is_done_once_it_began() -> None:
    assert after(WAITING, Begin()).state is ScheduleState.ON
    assert after(replace(WAITING, ends_at=None), Begin()).state is ScheduleState.DONE


def _placed(**given: object) -> object:
    asked = {"draft": False, "starts_at": None, "ends_at": None, "shadow": False, "share": None} | given
    return placing("limits/2", 1000, **asked)  # type: ignore[arg-type]


def test_what_is_asked_for_is_one_place() -> None:
    assert _placed() == Now()
    assert _placed(draft=True) == Keep()
    assert _placed(starts_at=999, ends_at=2000) == Now(2000)
    assert _placed(starts_at=1500, ends_at=2000) == Later(1500, 2000)
    assert _placed(shadow=True) == Try(0.0)
    assert _placed(share=0.25) == Try(0.25)


@pytest.mark.parametrize(
    "given",
    [
        {"draft": True, "shadow": True},
        {"draft": True, "starts_at": 2000},
        {"share": 0.1, "ends_at": 2000},
        {"shadow": True, "share": 0.1},
        {"share": 1.0},
        {"share": -0.1},
        {"ends_at": 1000},
        {"starts_at": 2000, "ends_at": 2000},
    ],
)
def test_places_that_exclude_each_other_are_refused(given: dict[str, object]) -> None:
    with pytest.raises(BadPlacing):
        _placed(**given)


def test_the_base_is_a_line_of_the_file_and_not_of_the_revision() -> None:
    assert without_base(with_base(TEXT, 3)) == TEXT
    assert with_base(with_base(TEXT, 3), 4) == with_base(TEXT, 4)


class Office:
    """Applications over real tables, and a clock to be moved."""

    def __init__(self, folder: Path) -> None:
        self.clock = FixedClock()
        self.database = database = Database(folder / "control.db")
        upgrade(database, folder / "backups", 1)
        self.audit = SqlAudit(database, folder / "audit.head")
        self.lives, self.policy = SqlLives(database), SqlPolicy(database)
        self.store = SqlRevisions(database)
        features = SqliteFeatures(folder / "features.db", self.clock)
        self.applications = Applications(
            self.store, self.audit, self.clock, _NoModels(), features, self.lives, self.policy, lambda actor: actor
        )

    def apply(self, amount: int, actor: Actor = ADA, **given: object) -> Stage:
        self.clock.advance(1)
        text = TEXT.replace("10", str(amount))
        asked = {"draft": False, "starts_at": None, "ends_at": None, "shadow": False, "share": None} | given
        place = lambda ref: placing(ref, self.clock.now(), **asked)  # type: ignore[arg-type] # noqa: E731
        return self.applications.apply(actor, text, "because", place=place).stage

    def activate(self, number: int, actor: Actor = ADA) -> None:
        self.applications.activate(actor, "limits", number, "go", lambda _: Now())

    @property
    def active(self) -> int:
        found = self.store.active("limits")
        assert found is not None
        return found.number

    def stage(self, number: int) -> Stage:
        return self.applications.standing(ADA, "limits")[0].stage(number)


class _NoModels:
    def of(self, model: ModelUse) -> dict[str, Contract]:
        raise AssertionError(model)

    def is_model(self, _: str) -> bool:
        return False

    def telling(self, model: ModelUse) -> dict[str, Any]:
        raise AssertionError(model)


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


def test_putting_in_force_approves_ones_own_work_where_the_policy_is_open(office: Office) -> None:
    assert office.apply(10) is Stage.ACTIVE
    (approved,) = office.lives.approvals("limits")
    assert (approved.number, approved.actor, approved.own_work, approved.implied) == (1, "ada", True, True)
    assert '"self_approved":true' in list(office.audit.entries())[-1].after


def test_under_four_eyes_a_second_person_approves_before_anybody_is_answered(office: Office) -> None:
    office.apply(10)
    office.policy.set(Policy.FOUR_EYES)
    assert office.apply(20) is Stage.DRAFT
    assert office.active == 1
    with pytest.raises(NotApproved, match="limits/2"):
        office.activate(2)
    with pytest.raises(NotApproved):
        office.applications.activate(ADA, "limits", 2, "a few", lambda _: Try(0.1))
    with pytest.raises(OwnWork):
        office.applications.approve(ADA, "limits", 2, "mine")
    office.applications.approve(BOB, "limits", 2, "checked")
    assert office.stage(2) is Stage.APPROVED
    with pytest.raises(AlreadyApproved, match="bob"):
        office.applications.approve(BOB, "limits", 2, "again")
    office.activate(2)
    assert office.active == 2
    office.applications.rollback(ADA, "limits", "worse")
    assert office.active == 1


def test_a_draft_that_is_applied_again_is_the_same_revision(office: Office) -> None:
    office.apply(10)
    assert office.apply(20, draft=True) is Stage.DRAFT
    assert office.apply(20, shadow=True) is Stage.TRIAL
    assert office.apply(20, share=0.2) is Stage.TRIAL
    trial = office.lives.trial("limits")
    assert trial is not None
    assert (trial.number, trial.share) == (2, 0.2)
    assert office.apply(20) is Stage.ACTIVE
    assert (office.active, office.store.newest("limits"), office.lives.trial("limits")) == (2, 2, None)


def test_a_trial_in_the_shadow_needs_no_approval_and_ends_without_a_trace_in_force(office: Office) -> None:
    office.apply(10)
    office.policy.set(Policy.FOUR_EYES)
    assert office.apply(20, shadow=True) is Stage.TRIAL
    assert [one.number for one in office.applications.end(ADA, "limits", "seen enough")] == [2]
    assert (office.stage(2), office.active) == (Stage.DRAFT, 1)
    with pytest.raises(NothingToEnd):
        office.applications.end(ADA, "limits", "again")


def test_a_scheduled_revision_comes_into_force_at_its_time_and_the_one_before_returns(office: Office) -> None:
    office.apply(10)
    now = office.clock.now()
    assert office.apply(20, starts_at=now + 10 * SECOND, ends_at=now + 20 * SECOND) is Stage.SCHEDULED
    seen = []
    for seconds in (5, 6, 5, 6):
        office.clock.advance(seconds * SECOND)
        office.applications.tick()
        seen.append(office.active)
    assert seen == [1, 2, 2, 1]
    told = [(entry.action, entry.target, entry.actor) for entry in office.audit.entries()][-2:]
    assert told == [("applications:activate", "limits/2", "ada"), ("applications:activate", "limits/1", "ada")]
    assert office.applications.tick() == 0


def test_a_scheduled_revision_does_not_undo_what_was_applied_since(office: Office) -> None:
    office.apply(10)
    office.apply(20, starts_at=office.clock.now() + 10 * SECOND)
    office.apply(30, BOB)
    office.clock.advance(11 * SECOND)
    assert office.applications.tick() == 1
    assert office.active == 3
    (schedule,) = office.lives.schedules("limits")
    assert (schedule.state, "3 is in force" in schedule.why) == (ScheduleState.REFUSED, True)


def test_a_revision_in_force_until_a_time_gives_way_to_the_one_before(office: Office) -> None:
    office.apply(10)
    assert office.apply(20, ends_at=office.clock.now() + 10 * SECOND) is Stage.ACTIVE
    office.clock.advance(11 * SECOND)
    office.applications.tick()
    assert (office.active, office.stage(2)) == (1, Stage.RETIRED)


def test_a_file_that_names_its_base_is_refused_once_another_is_in_force(office: Office) -> None:
    office.apply(10)
    mine = with_base(TEXT.replace("10", "11"), 1)
    office.applications.apply(BOB, with_base(TEXT.replace("10", "12"), 1), "quicker")
    with pytest.raises(StaleBase, match="limits/2 is in force, applied by bob: quicker"):
        office.applications.apply(ADA, mine, "mine")
    shown = office.applications.show(ADA, "limits")
    assert "# kept" in shown.source
    assert "base:" not in shown.source
    again = office.applications.apply(ADA, with_base(shown.source, 1), "the very same")
    assert (again.done, again.revision.number) == (False, 2)
