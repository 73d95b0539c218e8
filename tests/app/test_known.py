"""A token is shown by its name wherever somebody is to be asked about a change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenure.app import wire
from tenure.application.decisions.deciding import Decider
from tenure.governance.access import Actor, Role
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
