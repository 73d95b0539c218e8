"""What monitoring knows of an application, and what it never looks at."""

from __future__ import annotations

from tenure.kit.clock import DAY
from tenure.model.monitoring.observation import facts_of, inputs_of

DEFINITION = {
    "application": "loans",
    "entity": "customer",
    "personal": ["customer", "salary"],
    "model": {"name": "credit", "alias": "champion"},
    "inputs": {"income": "salary", "amount": "request.wanted", "per_month": "wanted / 12.0"},
    "time_zone": "Europe/Berlin",
    "outcome": {"name": "bad", "type": "bool", "matures_after_us": 60 * DAY},
}


def test_the_facts_of_an_application_come_from_its_definition() -> None:
    facts = facts_of(DEFINITION)
    assert (facts.name, facts.model, facts.time_zone) == ("loans", "credit", "Europe/Berlin")
    assert (facts.outcome, facts.outcome_type, facts.matures_after) == ("bad", "bool", 60 * DAY)


def test_an_input_taken_from_a_personal_field_or_computed_is_not_watched_and_the_facts_say_why() -> None:
    facts = facts_of(DEFINITION)
    assert facts.inputs["amount"] == "wanted"
    assert facts.unwatched["income"] == "it is personal"
    assert facts.unwatched["per_month"] == "it is computed by an expression"
    record = {"request": {"wanted": 1200.0, "income": 5.0}}
    assert inputs_of(record, facts) == {"wanted": 1200.0, "amount": 1200.0}
