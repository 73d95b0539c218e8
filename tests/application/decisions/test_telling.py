"""`explain: top_k`: the model's reasons are checked and frozen in the decision, or a person is asked; never a guess."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import pytest

from tenure.application.decisions.deciding import AskModel, Decider, Settled
from tenure.application.decisions.public import public
from tenure.application.decisions.resolutions import queues_of
from tenure.application.revisions.checking import telling_problems
from tenure.application.revisions.definition import TOP_K, parse
from tenure.application.revisions.problems import BrokenDefinition
from tenure.application.revisions.terms import ExplainUse, from_plain, plain
from tenure.contract.predictor import Explain, Prediction, Told
from tenure.contract.records import DecisionRecord, encode
from tenure.contract.schema import Field

INPUTS = tuple(Field(name, "float") for name in ("months", "fee", "calls"))
OUTPUTS = (Field("score", "float"),)
PLAN = Explain("closed_form", "score", "score", "sha256:base", "reference/reference.columns", 32, cost_us=900)
TEXT = """
application: offers
request: {months: float, fee: float, calls: float}
model: churn@champion
EXPLAIN
deadline: 50ms
fallback: {answer: {offer: none}, reason: R90}
rules:
  - {id: new, before: model, when: "months < 3.0", answer: {offer: welcome}, reason: R01}
  - {id: save, after: model, when: "output.score > 0.5", answer: {offer: discount}, reason: R02}
default: {answer: {offer: none}, reason: R00}
reasons: {R00: no action, R01: new, R02: likely to leave, R10: a short time with us, R90: model not available}
"""
#: base, months, fee, calls
RIGHT = Told(0.5, (0.25, -0.125, 0.0625))
SERVED = 0.6875


def definition(explain: str) -> Any:
    return parse(TEXT.replace("EXPLAIN", f"explain: {explain}"))


def decided(explain: str, told: Told | None = RIGHT, plan: Explain | None = PLAN, **changed: float) -> Settled:
    decider = Decider(definition(explain), INPUTS, OUTPUTS, 1, tells=True, explain=plan)
    request = {"months": 8.0, "fee": 9.5, "calls": 2.0} | changed
    step = decider.before(decider.admit(msgspec.json.encode(request)), {})
    if not isinstance(step, AskModel):
        return step
    assert decider.asks_reasons
    return decider.after(step, Prediction("churn", 2, "sha256:aa", {"score": SERVED}, b"raw", told=told))


def logged(settled: Settled, explain: str = "top_k") -> DecisionRecord:
    decider = Decider(definition(explain), INPUTS, OUTPUTS, 1, tells=True, explain=PLAN)
    record = decider.record(settled, id="ID", at=1, protect=lambda entity, _: (entity, ""))
    return msgspec.json.decode(encode(record), type=DecisionRecord)


def of_model(settled: Settled) -> list[tuple[str, float | None]]:
    return [(one.code, one.contribution) for one in settled.reasons if one.source == "model"]


def test_the_largest_parts_become_reasons_after_those_of_the_rules() -> None:
    settled = decided("{top_k: 2}")
    assert [one.code for one in settled.reasons] == ["R02", "months", "fee"]
    assert of_model(settled) == [("months", 0.25), ("fee", -0.125)]
    assert (settled.status, settled.decided_by) == ("final", "model")


@pytest.mark.parametrize(
    ("explain", "codes"),
    [
        ("top_k", ["months", "fee", "calls"]),
        ("{top_k: 3, direction: up}", ["months", "calls"]),
        ("{top_k: 3, direction: down}", ["fee"]),
        ("{top_k: 1, codes: {months: R10}}", ["R10"]),
    ],
)
def test_direction_and_codes_choose_what_is_said(explain: str, codes: list[str]) -> None:
    settled = decided(explain)
    assert [code for code, _ in of_model(settled)] == codes
    if codes == ["R10"]:
        assert settled.reasons[-1].text == "a short time with us"


def test_everything_is_frozen_on_the_record_and_the_caller_sees_the_reasons() -> None:
    record = logged(decided("top_k"))
    (prediction,) = record.predictions
    assert prediction.contributions is not None
    assert prediction.explained is not None
    assert [(one.feature, one.contribution) for one in prediction.contributions] == [
        ("months", 0.25),
        ("fee", -0.125),
        ("calls", 0.0625),
    ]
    assert (prediction.explained.method, prediction.explained.base) == ("closed_form", 0.5)
    first = msgspec.to_builtins(public(record, "http://here").reasons[1])
    assert first == {
        "code": "months",
        "text": "months",
        "source": "model",
        "feature": "months",
        "contribution": 0.25,
        "method": "closed_form",
        "baseline": "sha256:base",
    }


@pytest.mark.parametrize("wrong", [1e-6, 0.3, -2.0, math.nan, math.inf])
def test_parts_that_do_not_add_up_give_no_reason_and_a_person_is_asked(wrong: float) -> None:
    settled = decided("top_k", Told(0.5, (0.25 + wrong, -0.125, 0.0625)))
    assert of_model(settled) == []
    assert settled.status == "pending_review"
    assert settled.answer == {"offer": "discount"}
    record = logged(settled)
    assert record.predictions[0].contributions is None
    assert record.predictions[0].explained is not None
    assert "add up to" in record.predictions[0].explained.failed
    assert queues_of(definition("top_k"), record) == ("unexplained",)


@pytest.mark.parametrize(("told", "plan"), [(None, PLAN), (RIGHT, None)])
def test_a_version_that_tells_nothing_leaves_the_decision_to_a_person(told: Told | None, plan: Explain | None) -> None:
    settled = decided("top_k", told, plan)
    assert (settled.status, of_model(settled)) == ("pending_review", [])


def test_a_rule_before_the_model_needs_no_reasons_of_it() -> None:
    settled = decided("top_k", months=1.0)
    assert (settled.status, [one.code for one in settled.reasons]) == ("final", ["R01"])


def test_what_is_asked_for_survives_the_snapshot_and_none_is_the_default() -> None:
    assert definition("top_k").explain == ExplainUse(TOP_K)
    assert definition("none").explain is None
    asked = definition("{top_k: 3, direction: down, codes: {fee: R10}}")
    assert asked.explain == ExplainUse(3, "down", {"fee": "R10"})
    assert from_plain(plain(asked)) == asked


@pytest.mark.parametrize(
    ("explain", "why"),
    [
        ("lime", "'lime' is not one of none, top_k"),
        ("{top_k: 0}", "between 1 and 20"),
        ("{top_k: 2, direction: sideways}", "'sideways' is not one of both, up, down"),
        ("{top_k: 2, codes: {fee: R11}}", "there is no reason 'R11'; did you mean 'R10'"),
        ("{direction: up}", "the key 'top_k' is missing"),
    ],
)
def test_what_cannot_be_asked_for_is_refused_in_the_file(explain: str, why: str) -> None:
    with pytest.raises(BrokenDefinition, match=why):
        definition(explain)


def problems(plan: Explain | None, explain: str = "top_k") -> list[str]:
    return [problem.why for problem in telling_problems(definition(explain), {"churn/2": (INPUTS, plan)})]


def test_reasons_that_take_longer_than_the_deadline_are_refused_with_both_numbers() -> None:
    assert problems(PLAN) == []
    (why,) = problems(msgspec.structs.replace(PLAN, cost_us=70_000))
    assert "took 70.0 ms" in why
    assert "the deadline is 50.0 ms" in why


def test_a_version_without_a_way_to_tell_is_refused_with_the_way_out() -> None:
    (why,) = problems(None)
    assert "package it again, or write explain: none" in why
    (why,) = problems(PLAN, "{top_k: 2, codes: {fees: R10}}")
    assert why == "churn/2 has no input 'fees'; did you mean 'fee'?"
