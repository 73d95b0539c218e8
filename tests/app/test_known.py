"""A token is shown by its name wherever somebody is to be asked about a change, and a value with its age then."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenure.app import wire
from tenure.application.decisions.deciding import Decider
from tenure.governance.access import Actor, Role
from tenure.kit.clock import DAY, SECOND, iso
from tests.analytics.lending import ADA, APPLICATION, lending

if TYPE_CHECKING:
    from pathlib import Path


def test_why_and_the_history_of_revisions_name_the_token_that_changed_a_rule(tmp_path: Path) -> None:
    with lending(tmp_path) as bank:
        asked = wire.CreateToken(role="admin", name="ci", applications=[])
        made = bank.control.perform("tokens:create", ADA, asked)
        text = APPLICATION.replace("age < 18", "age < 21")
        bank.do("applications:apply", Actor(made.id, Role.ADMIN), text=text, reason="stricter")
        active = bank.control.revisions.active("loans")
        assert active is not None
        bank._decider = Decider(active.definition, None, None, active.number)
        young, grey = bank.do("decisions:why", decision=bank.decide()).rules
        revision, *_ = bank.do("applications:revisions", application="loans")
        activated, *_ = bank.do("applications:history", application="loans")
        shown = bank.do("applications:show", application="loans")
    named = ("token:ci", made.id)
    assert (young.changed_by, young.changed_by_id) == named
    assert (grey.changed_by, grey.changed_by_id) == ("local:ada", "local:ada")
    assert [(one.actor, one.actor_id) for one in (revision, activated, shown)] == [named] * 3


def test_holds_tokens_and_accounts_name_the_token_that_made_them(tmp_path: Path) -> None:
    with lending(tmp_path) as bank:
        made = bank.do("tokens:create", role="admin", name="ci", applications=[])
        token = Actor(made.id, Role.ADMIN)
        held = bank.do("holds:add", token, target="loans", reason="asked for by the court")
        assert (held.placed_by, held.placed_by_id) == ("token:ci", made.id)
        (hold,) = bank.do("retention:list").holds
        assert (hold.placed_by, hold.placed_by_id) == ("token:ci", made.id)
        assert bank.do("tokens:create", token, role="viewer", name="eve", applications=[]).created_by == "token:ci"
        assert bank.do("users:create", token, user="ann", role="viewer").created_by == "token:ci"


def test_a_value_is_as_old_as_it_was_at_the_event_where_one_is_declared_else_at_the_arrival(tmp_path: Path) -> None:
    with lending(tmp_path) as bank:
        arrived = bank.decide()
        timed = APPLICATION.replace("entity: customer", "entity: customer\nevent_time: asked_at")
        timed = timed.replace("  age: int\n", "  age: int\n  asked_at: timestamp\n")
        bank.do("applications:apply", text=timed, reason="they come by night, of the day before")
        active = bank.control.revisions.active("loans")
        assert active is not None
        bank._decider = Decider(active.definition, None, None, active.number)
        known_at = bank.clock.now()
        ages = {}
        for name, asked_at in (("early", known_at - DAY), ("late", known_at + 2 * SECOND)):
            inputs = bank.do("decisions:why", decision=bank.decide(asked_at=iso(asked_at))).inputs
            ages[name] = {one.name: one.age for one in inputs}
        ages["arrived"] = {one.name: one.age for one in bank.do("decisions:why", decision=arrived).inputs}
    # A view's value is known a second before the request arrives (lending.py).
    assert ages["arrived"]["history.loans"] == 1
    assert -DAY / SECOND - 5 <= ages["early"]["history.loans"] <= -DAY / SECOND
    assert abs(ages["late"]["history.loans"]) < 10
    assert {one["income"] for one in ages.values()} == {0}
