"""Resolutions: the answer in force follows from the records alone, and a final answer changes only under two pairs of eyes."""

from __future__ import annotations

from itertools import permutations

import msgspec
import pytest

from tenure.application.decisions.resolutions import (
    NoProposal,
    NothingResolved,
    OwnProposal,
    Said,
    overrides,
    resolution,
    standing,
    waiting,
)
from tenure.application.revisions.terms import Answering, Definition
from tenure.application.rules.rule import Rule, Table
from tenure.contract.records import FORMAT, DecisionRecord, ResolutionRecord
from tenure.governance.approvals import Policy

AT = 1_790_000_000_000_000
YES, NO, LESS = {"grant": True, "limit": 100}, {"grant": False, "limit": 0}, {"grant": True, "limit": 50}


def record(status="final", rules=()):
    return DecisionRecord(
        format=FORMAT,
        kind="decision",
        id="D",
        at=AT,
        application="loans",
        revision=1,
        request={},
        decided_by="model",
        status=status,
        answer=YES,
        rules=list(rules),
    )


def play(decision, steps, policy=Policy.FOUR_EYES):
    """Return the resolutions that come of (who, answer or None or "confirm") said one after the other."""
    made: list[ResolutionRecord] = []
    for number, (who, answer) in enumerate(steps, 1):
        said = Said(None, "", "seen", confirm=True) if answer == "confirm" else Said(answer, "C1", "because")
        made.append(resolution(standing(decision, made), said, policy, at=AT + number, who=who))
    return made


def test_a_decision_without_resolutions_stands_as_it_was_logged():
    now = standing(record(), [])
    assert (now.answer, now.decided_by, now.status, now.history) == (YES, "model", "final", ())


def test_a_review_settles_what_was_left_to_a_person_also_under_four_eyes():
    for answer in (NO, None):
        (made,) = play(record("pending_review"), [("ann", answer)])
        now = standing(record("pending_review"), [made])
        assert (made.pending, now.answer, now.decided_by, now.status) == (False, answer or YES, "person", "final")
        assert made.before == YES


def test_an_override_of_a_final_answer_waits_for_another_person_under_four_eyes():
    made = play(record(), [("ann", NO)])
    now = standing(record(), made)
    assert (now.answer, now.decided_by, now.proposal) == (YES, "model", made[0])
    with pytest.raises(OwnProposal, match="ann"):
        resolution(now, Said(None, "", "sure", confirm=True), Policy.FOUR_EYES, at=AT + 9, who="ann")
    both = [*made, *play(record(), [("ann", NO), ("bob", "confirm")])[1:]]
    after = standing(record(), both)
    assert (after.answer, after.decided_by, after.proposal) == (NO, "person", None)
    assert (both[1].before, both[1].after, both[1].code) == (YES, NO, "C1")


def test_in_an_open_home_an_override_holds_at_once():
    (made,) = play(record(), [("ann", NO)], Policy.OPEN)
    assert standing(record(), [made]).answer == NO


def test_a_newer_word_ends_a_proposal_and_then_nothing_is_left_to_confirm():
    made = play(record(), [("ann", NO), ("bob", None)])
    now = standing(record(), made)
    assert (now.answer, now.decided_by, now.proposal) == (YES, "person", None)
    with pytest.raises(NoProposal):
        resolution(now, Said(None, "", "late", confirm=True), Policy.FOUR_EYES, at=AT + 9, who="cid")


def test_a_second_override_says_what_it_replaced():
    made = play(record(), [("ann", NO), ("bob", "confirm"), ("cid", LESS), ("ann", "confirm")])
    assert [(one.before, one.after, one.pending) for one in made] == [
        (YES, NO, True),
        (YES, NO, False),
        (NO, LESS, True),
        (NO, LESS, False),
    ]
    assert (made[1].confirms, made[3].confirms) == (made[0].id, made[2].id)


def test_where_a_decision_stands_does_not_depend_on_the_order_in_which_records_are_read():
    made = play(record(), [("ann", NO), ("bob", "confirm"), ("cid", LESS)])
    assert len({msgspec.json.encode(standing(record(), some).answer) for some in permutations(made)}) == 1


def test_resolutions_of_one_moment_still_have_an_order():
    made: list[ResolutionRecord] = []
    for answer in (NO, LESS, YES, NO, LESS):
        made.append(resolution(standing(record(), made), Said(answer, "C", "n"), Policy.OPEN, at=AT, who="ann"))
    assert [one.id for one in made] == sorted(one.id for one in made)
    assert standing(record(), made).answer == LESS


@pytest.mark.parametrize("said", [Said(NO, "", "why"), Said(NO, "C", " "), Said({}, "C", "why")])
def test_too_little_said_is_refused(said):
    with pytest.raises(NothingResolved):
        resolution(standing(record(), []), said, Policy.OPEN, at=AT, who="ann")


def definition(*rules):
    return Definition(application="loans", request=(), default=Answering(YES), rules=rules)


def test_the_queue_is_the_one_that_the_rule_names():
    rules = definition(
        Rule("grey", "true", review="desk"),
        Rule("big", "true", table=Table(("when", "review"), (("x > 1", "board"), ("x > 0", "")))),
        Rule("other", "true", review="nobody"),
    )
    found = waiting(record("pending_review", ["grey", "big"]), rules, [])
    assert found is not None
    assert (found.what, found.queues, found.since) == ("review", ("desk", "board"), AT)
    assert waiting(record("pending_review", ["grey"]), rules, play(record("pending_review"), [("ann", None)])) is None
    assert waiting(record(), rules, []) is None
    proposed = waiting(record(), rules, play(record(), [("ann", NO)]))
    assert proposed is not None
    assert (proposed.what, proposed.since) == ("confirmation", AT + 1)


def test_overrides_are_counted_by_direction_person_and_code():
    proposed = play(record(), [("ann", NO), ("bob", "confirm")])
    kept = play(record("pending_review"), [("cid", None)])
    open_still = play(record(), [("dan", LESS)])
    every = [*proposed, *kept, *open_still]
    found = overrides(every, {one.id: one for one in every})
    assert (found.resolved, found.changed, found.pending) == (2, 1, 1)
    assert found.directions == {"grant: true → false": 1, "limit: 100 → 0": 1}
    assert [(rate.name, rate.changed, rate.resolved, rate.share) for rate in found.by_person] == [
        ("ann", 1, 1, 1.0),
        ("cid", 0, 1, 0.0),
    ], "a confirmed override counts for who wanted it"
    assert [(rate.name, rate.changed, rate.resolved) for rate in found.by_code] == [("C1", 1, 2)]
