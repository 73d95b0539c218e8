"""People and decisions in a real home: who may, what is kept, what the log holds afterwards."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tenure.adapters.decision_log.reader import LogReader
from tenure.app import wire
from tenure.app.actions import named
from tenure.app.paging import listed
from tenure.application.decisions.reading import NoSuchDecision
from tenure.application.decisions.resolutions import OwnProposal
from tenure.governance.access import Actor, Forbidden, Role
from tenure.kit.ids import new_id
from tests.analytics.lending import ADA, BOB, Lending, do, lending

NO = {"grant": False, "limit": 0}
YES = {"grant": True, "limit": 100}


@pytest.fixture
def bank(tmp_path: Path) -> Iterator[Lending]:
    with lending(tmp_path) as bank:
        yield bank


def test_a_resolution_shows_beside_the_decision_and_never_edits_it(bank: Lending) -> None:
    decision = bank.decide(income=1.0)
    reader = LogReader(bank.control.home.decisions)
    logged = reader.get(decision)
    made = bank.do("decisions:resolve", decision=decision, answer=NO, code="INC", reason="no proof of income")
    for sealed in (False, True):
        if sealed:
            bank.seal()
        shown = bank.do("decisions:show", decision=decision)
        assert (shown.answer, shown.decided_by, shown.status) == (NO, "person", "final")
        assert shown.logged == {"answer": YES, "decided_by": "rule", "status": "pending_review"}
        assert [one["resolution_id"] for one in shown.resolutions] == [made.resolution_id]
        assert (shown.resolutions[0]["who"], shown.resolutions[0]["note"]) == ("local:ada", "no proof of income")
        assert shown.outcomes == [], "a resolution is no outcome"
        (row,) = bank.do("decisions:list", application="loans").decisions
        assert (row.answer, row.decided_by, row.status) == (NO, "person", "final")
        assert reader.get(decision) == logged
    assert bank.do("verify").intact


def test_reviews_are_listed_oldest_first_with_their_queue_until_they_are_resolved(bank: Lending) -> None:
    waiting = [bank.decide(f"c{number}", income=float(number)) for number in range(3)]
    bank.decide()
    for sealed in (False, True):
        if sealed:
            bank.seal()
        assert [one.decision_id for one in bank.do("decisions:reviews")] == waiting
    assert {one.queue for one in bank.do("decisions:reviews", application="loans")} == {"desk"}
    assert bank.do("decisions:reviews", application="other") == []
    bank.do("decisions:resolve", decision=waiting[1], code="OK", reason="fine")
    assert [one.decision_id for one in bank.do("decisions:reviews")] == [waiting[0], waiting[2]]


def test_a_review_says_whom_it_is_about_by_the_name_in_the_log_and_finds_what_else_is_about_them(bank: Lending) -> None:
    one, other = bank.decide("c8", income=1.0), bank.decide("c8")
    bank.decide("c9", income=1.0)
    first = bank.do("decisions:reviews")[0]
    assert first.pseudonym == bank.control.log.pseudonym("c8")
    found = bank.do("decisions:list", pseudonym=first.pseudonym).decisions
    assert [row.decision_id for row in found] == [other, one]
    personal = bank.do("audit:log", action="decisions:personal")
    assert personal == [], "nobody's personal fields were read for it"


def test_a_page_of_the_queue_reads_no_more_of_the_log_than_it_shows(
    bank: Lending, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = [bank.decide(f"c{number}", income=float(number)) for number in range(7)]
    bank.seal()
    waiting += [bank.decide(f"d{number}", income=float(number)) for number in range(2)]
    monkeypatch.setattr("tenure.app.resolving._AT_ONCE", 2)
    read: list[str] = []
    several = bank.control.log.several

    def noted(names: list[str]) -> list[Any]:
        read.extend(names)
        return several(names)

    monkeypatch.setattr(bank.control.log, "several", noted)
    found, cursor, pages = [], "", 0
    while cursor or not pages:
        asked = wire.Reviews(limit=3, cursor=cursor)
        page = listed(named("decisions:reviews"), asked, partial(bank.control.perform, "decisions:reviews", ADA))
        found += [row.decision_id for row in page.rows]
        cursor, pages = page.next_cursor, pages + 1
        assert len(read) <= 4 * pages, "one more than the page, in pieces of two"
    assert (found, pages) == (waiting, 3)


def test_under_four_eyes_an_override_waits_in_the_queue_until_another_person_confirms_it(bank: Lending) -> None:
    bank.do("policy:set", policy="four-eyes", reason="bank")
    decision = bank.decide()
    made = bank.do("decisions:resolve", decision=decision, answer=NO, code="FRAUD", reason="forged papers")
    assert made.pending
    assert bank.do("decisions:show", decision=decision).answer == YES
    (waiting,) = bank.do("decisions:reviews")
    assert (waiting.what, waiting.proposed, waiting.proposed_by) == ("confirmation", NO, "local:ada")
    with pytest.raises(OwnProposal):
        bank.do("decisions:resolve", decision=decision, confirm=True, reason="sure")
    bank.do("decisions:resolve", BOB, decision=decision, confirm=True, reason="I saw them too")
    shown = bank.do("decisions:show", decision=decision)
    assert (shown.answer, shown.decided_by, len(shown.resolutions)) == (NO, "person", 2)
    assert bank.do("decisions:reviews") == []
    rates = bank.do("decisions:overrides")
    assert (rates.decisions, rates.changed, rates.share, rates.pending) == (1, 1, 1.0, 0)
    assert [(one.name, one.changed) for one in rates.by_person] == [("local:ada", 1)]
    assert [(one.name, one.changed) for one in rates.by_code] == [("FRAUD", 1)]
    assert rates.directions == {"grant: true → false": 1, "limit: 100 → 0": 1}


def test_overrides_are_counted_in_a_span_of_time(bank: Lending) -> None:
    first, second = bank.decide("c1"), bank.decide("c2")
    bank.do("decisions:resolve", decision=first, answer=NO, code="A", reason="x")
    between = bank.clock.now() + 1
    bank.do("decisions:resolve", decision=second, answer=NO, code="B", reason="x")
    from tenure.kit.clock import iso

    assert [one.name for one in bank.do("decisions:overrides", since=iso(between)).by_code] == ["B"]
    assert [one.name for one in bank.do("decisions:overrides", until=iso(between)).by_code] == ["A"]


def test_decisions_are_found_by_the_person_that_decided_them(bank: Lending) -> None:
    decided = [bank.decide(f"c{number}") for number in range(4)]
    for place in (0, 2):
        bank.do("decisions:resolve", decision=decided[place], answer=NO, code="A", reason="x")
    found = bank.do("decisions:list", decided_by="person")
    assert [one.decision_id for one in found.decisions] == [decided[2], decided[0]]
    assert bank.do("decisions:list", decided_by="person", entity="c0").decisions[0].decision_id == decided[0]
    page = bank.do("decisions:list", decided_by="person", limit=1)
    (rest,) = bank.do("decisions:list", decided_by="person", after=page.next).decisions
    assert (page.next, rest.decision_id) == (decided[2], decided[0])


@pytest.mark.parametrize("role", [Role.CALLER, Role.VIEWER, Role.BUILDER, Role.VALIDATOR, Role.AUDITOR])
def test_only_those_who_work_on_decisions_may_resolve_them(bank: Lending, role: Role) -> None:
    decision = bank.decide()
    with pytest.raises(Forbidden):
        do(bank.control, "decisions:resolve", Actor("t", role), decision=decision, code="A", reason="x")


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.APPROVER])
def test_operators_and_approvers_may_within_their_applications(bank: Lending, role: Role) -> None:
    decision = bank.decide()
    within = Actor("t", role, frozenset({"loans"}))
    do(bank.control, "decisions:resolve", within, decision=decision, code="A", reason="x")
    elsewhere = Actor("t", role, frozenset({"other"}))
    for name in (decision, new_id(1)):
        for action, given in (("decisions:resolve", {"code": "A", "reason": "x"}), ("decisions:show", {})):
            with pytest.raises(NoSuchDecision):
                do(bank.control, action, elsewhere, decision=name, **given)


def test_people_who_resolve_at_once_come_one_after_the_other(bank: Lending) -> None:
    decision = bank.decide()

    def say(number: int) -> None:
        actor = Actor(f"t{number}", Role.OPERATOR)
        do(bank.control, "decisions:resolve", actor, decision=decision, answer={"limit": number}, code="A", reason="x")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(say, range(24)))
    history = bank.do("decisions:show", decision=decision).resolutions
    assert len(history) == 24
    assert [one["before"] for one in history] == [YES, *(one["after"] for one in history[:-1])]


def test_every_resolution_leaves_one_event_with_both_answers(bank: Lending) -> None:
    decision = bank.decide()
    bank.do("decisions:resolve", decision=decision, answer=NO, code="A", reason="forged")
    (event,) = [one for one in bank.do("audit:log") if one.action == "decisions:resolve"]
    assert (event.target, event.reason, event.before["answer"], event.after["answer"]) == (
        f"decision/{decision}",
        "A",
        YES,
        NO,
    )


def test_outcomes_may_be_late_out_of_order_told_twice_and_corrected_and_none_is_lost(bank: Lending) -> None:
    late, other = bank.decide("c1"), bank.decide("c2")
    bank.seal()
    told = [
        {"decision_id": other, "value": True, "observed_at": "2026-12-02T00:00:00Z"},
        {"decision_id": late, "value": False, "observed_at": "2026-12-01T00:00:00Z"},
    ]
    bank.do("outcomes:import", application="loans", outcomes=told)
    bank.do("outcomes:import", application="loans", outcomes=told)
    bank.seal()
    bank.do("outcomes:import", application="loans", outcomes=[{"decision_id": late, "value": True}])
    assert [one["value"] for one in bank.do("decisions:show", decision=late).outcomes] == [True]
    assert [one["value"] for one in bank.do("decisions:show", decision=other).outcomes] == [True]
    query = f"SELECT value FROM outcomes WHERE decision_id = '{late}' ORDER BY outcome_id"
    assert bank.sql(query) == [[False], [False], [True]], "what was corrected is still there"
    assert bank.sql("SELECT count(*) FROM outcomes") == [[5]]
