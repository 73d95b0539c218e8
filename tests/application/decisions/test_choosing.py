"""A rule chooses which model a decision asks; what was chosen is made again, tried and checked as the rest is."""

from __future__ import annotations

from typing import Any

import pytest

from tenure.accountability.backtest import Comparison, Trial
from tenure.application.decisions.deciding import AskModel, Decider
from tenure.application.revisions.checking import check
from tenure.application.revisions.definition import parse
from tenure.application.revisions.problems import BrokenDefinition
from tenure.contract.predictor import Prediction
from tenure.contract.records import encode
from tenure.contract.schema import Field, Schema

TEXT = """\
application: loans
request: {amount: float, kind: string, turnover: float}
models: {private: risk@champion, business: business-risk@champion}
fallback: {answer: {band: X}}
rules:
  - {id: firms, before: model, when: "kind == 'firm'", model: business}
  - {id: large-firms, before: model, when: "kind == 'firm' && amount > 9.0", model: private}
  - {id: risky, after: model, when: "output.score > 0.5", answer: {band: C}}
default: {answer: {band: A, score: {expr: output.score}}}
"""
OUTPUTS: Schema = (Field("score", "float"),)
CONTRACTS: dict[str, tuple[Schema, Schema]] = {
    "risk/1": ((Field("amount", "float"),), OUTPUTS),
    "business-risk/3": ((Field("turnover", "float"),), (*OUTPUTS, Field("size", "int"))),
}


def decider(ref: str, text: str = TEXT) -> Decider:
    return Decider(parse(text), *CONTRACTS[ref], revision=1)


def asked(kind: str, ref: str = "risk/1", text: str = TEXT) -> tuple[Decider, AskModel]:
    decides = decider(ref, text)
    step = decides.before(decides.admit_row({"amount": 10.0, "kind": kind, "turnover": 7.0}), {})
    assert isinstance(step, AskModel)
    return decides, step


def logged(kind: str, ref: str, score: float) -> bytes:
    _, step = asked(kind)
    decides = decider(ref)
    model, _, version = ref.partition("/")
    settled = decides.after(decides.asking(step), Prediction(model, int(version), "d", {"score": score}))
    return encode(decides.record(settled, id=f"d-{kind}", at=1, protect=lambda entity, _: (entity, "")))


def tried(text: str, records: list[bytes], version: str = "", model: Any = None) -> Any:
    comparison = Comparison(Trial(parse(text), {1: parse(TEXT)}, CONTRACTS, version), None, model)
    comparison.look(records)
    return comparison.tally


RECORDS = [logged("person", "risk/1", 0.1), logged("firm", "business-risk/3", 0.9)]


def test_the_first_model_is_asked_unless_a_rule_chooses_another_and_the_first_that_does_counts() -> None:
    decides, step = asked("person")
    assert str(decides.asked(step)) == "risk@champion"
    decides, step = asked("firm")
    assert str(decides.asked(step)) == "business-risk@champion"
    assert step.trace.fired == ["firms", "large-firms"]


def test_the_chosen_model_gets_its_own_inputs_and_its_output_goes_through_the_rules() -> None:
    _, step = asked("firm")
    other = decider("business-risk/3")
    assert other.asking(step).row == {"turnover": 7.0}
    settled = other.after(other.asking(step), Prediction("business-risk", 3, "d", {"score": 0.9, "size": 2}))
    assert (settled.answer, settled.rules) == ({"band": "C"}, ["firms", "large-firms", "risky"])


def test_the_same_definition_changes_no_old_decision_whichever_model_was_asked() -> None:
    tally = tried(TEXT, RECORDS)
    assert (tally.compared, tally.changed, tally.incomparable) == (2, 0, {})


def test_a_choice_of_a_model_that_was_not_asked_then_is_not_guessed() -> None:
    tally = tried(TEXT.replace("'firm'\"", "'person'\"", 1), RECORDS)
    assert (tally.compared, list(tally.incomparable.values())) == (0, [2])


def test_a_named_version_is_asked_only_where_the_rules_would_ask_its_model() -> None:
    class Business:
        def predict(self, rows: list[Any]) -> list[Prediction]:
            assert rows == [{"turnover": 7.0}]
            return [Prediction("business-risk", 3, "d", {"score": 0.2}) for _ in rows]

    tally = tried(TEXT, RECORDS, "business-risk/3", Business())
    assert (tally.compared, tally.changed, tally.ways) == (1, 1, {"risky → default": 1})
    assert list(tally.incomparable) == ["it would ask risk@champion, and business-risk/3 is no version of it"]


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("model: business}", "model: busines}", "models has no 'busines'; did you mean 'business'?"),
        ("before: model, when: \"kind == 'firm'\", model", "after: model, when: \"kind == 'firm'\", model", "answered"),
        ("{expr: output.score}", "{expr: output.size}", "(for risk/1)"),
        ("turnover: float", "turnovr: float", "(for business-risk/3)"),
        ("business: business-risk@champion", "business: business-risk", "names no model"),
    ],
)
def test_every_model_that_may_be_asked_must_fit(old: str, new: str, why: str) -> None:
    try:
        told = " ".join(map(str, check(parse(TEXT.replace(old, new, 1)), CONTRACTS, {})[1]))
    except BrokenDefinition as error:
        told = str(error)
    assert why in told
