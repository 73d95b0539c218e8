"""Decisions explained through a started version alone, and never shown unless they add up to what was served."""

from __future__ import annotations

import contextlib
import math
import struct
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from tenure.accountability.explaining import Explanations
from tenure.accountability.explanation import (
    MethodNotPossible,
    MixedRowsFail,
    NothingToExplain,
    UnreadableDecision,
    WrongExplanation,
)
from tenure.accountability.ports import PastVersion, ReferenceRows
from tenure.application.decisions.deciding import AskModel, Decider
from tenure.application.decisions.reading import NoSuchDecision
from tenure.application.revisions.definition import parse
from tenure.contract.additivity import probability_of
from tenure.contract.predictor import Contributions, Prediction
from tenure.contract.schema import Field
from tenure.governance.access import Actor, Forbidden, Role, local_actor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from tenure.application.revisions.terms import Definition
    from tenure.contract.records import DecisionRecord

INPUTS = (
    Field("months", "float"),
    Field("fee", "float"),
    Field("town", "string"),
    Field("kind", "string", "category", values=("a", "b", "c")),
    Field("age", "float"),
)
OUTPUTS = (Field("score", "float"), Field("verdict", "string"))
TEXT = """
application: offers
request:
  customer: string
  months: float
  monthly_fee: float
  town: string
  kind: string
  age: float
entity: customer
personal: [age]
model: churn@champion
inputs: {fee: monthly_fee * 2.0}
fallback: {answer: {offer: none}, reason: R90}
rules:
  - {id: new, before: model, when: "months < 3.0", answer: {offer: welcome}, reason: R01}
default: {answer: {offer: none}, reason: R00}
reasons: {R00: no action, R01: new customer, R90: model not available}
"""
OWNER = local_actor("me")
TOWNS = {"Bern": 0.4, "Graz": -0.2, "Köln": 0.1}


def margin(row: Mapping[str, Any]) -> float:
    return float(
        0.1 * row["months"] - 0.05 * row["fee"] + TOWNS[row["town"]] + (row["kind"] == "b") - 0.01 * row["age"]
    )


def tree(row: Mapping[str, Any]) -> float:
    if row["months"] > 5.0:
        return 2.0 if row["town"] == "Bern" else float(1.0 + (row["kind"] == "b") * row["fee"])
    return float(0.5 * row["age"])


@dataclass
class FakeAsked:
    model: Callable[[Mapping[str, Any]], float]
    native: Contributions | None = None
    asked: int = 0
    hello: dict[str, Any] = field(default_factory=dict)

    def predict(self, rows: Sequence[Mapping[str, Any]], *, reasons: bool = False) -> list[Prediction]:
        self.asked += len(rows)
        return [self.one(row) for row in rows]

    def one(self, row: Mapping[str, Any]) -> Prediction:
        try:
            score = self.model(row)
        except ValueError as error:
            return Prediction("churn", 1, "sha256:1", failure="raised", error=str(error))
        text = b"high" if score > 0.5 else b"low"
        raw = struct.pack("<dII", score, 0, len(text)) + text
        return Prediction("churn", 1, "sha256:1", {"score": score, "verdict": text.decode()}, raw)

    def contributions(self, row: Mapping[str, Any]) -> Contributions | None:
        return self.native


@dataclass
class FakeEvidence:
    """One decision, made by the same `Decider` that a gateway uses."""

    model: Callable[[Mapping[str, Any]], float] = tree
    native: Contributions | None = None
    records: dict[str, DecisionRecord] = field(default_factory=dict)
    person: dict[str, Any] | None = None
    asked: FakeAsked | None = None

    def log(self, name: str = "one", failure: Any = None, **changed: Any) -> FakeEvidence:
        request = {"customer": "anna", "months": 8.0, "monthly_fee": 9.5, "town": "Graz", "kind": "b", "age": 44.0}
        decider = Decider(parse(TEXT), INPUTS, OUTPUTS, 1)
        step = decider.before(decider.admit(msgspec.json.encode(request | changed)), {})
        if isinstance(step, AskModel):
            gone = Prediction("churn", 1, "sha256:1", failure=failure, error="late")
            step = decider.after(step, gone if failure else FakeAsked(self.model).one(step.row))
        self.records[name] = decider.record(step, id=name, at=0, protect=self.protect)
        return self

    def protect(self, entity: str, fields: dict[str, Any]) -> tuple[str, str]:
        self.person = fields
        return entity, "sealed"

    def decision(self, decision_id: str) -> DecisionRecord:
        if decision_id not in self.records:
            raise NoSuchDecision(decision=decision_id)
        return self.records[decision_id]

    def sample(self, count: int, application: str, model: str, version: int | None) -> list[DecisionRecord]:
        return []

    def personal(self, record: DecisionRecord) -> Mapping[str, Any] | None:
        return self.person

    def definition(self, application: str, revision: int) -> Definition:
        return parse(TEXT)

    def version(self, model: str, number: int) -> PastVersion:
        return PastVersion("churn/1", "sha256:1", INPUTS, OUTPUTS, 1e-6, "one")

    def versions(self, model: str) -> list[PastVersion]:
        return [self.version(model, 1)]

    @contextlib.contextmanager
    def asking(self, model: str, number: int) -> Iterator[FakeAsked]:
        self.asked = FakeAsked(self.model, self.native)
        yield self.asked

    def reference(self, model: str, number: int) -> ReferenceRows:
        towns, kinds = list(TOWNS), "abc"
        rows = [
            {"months": float(n % 13), "fee": 7.0 + n % 5, "town": towns[n % 3], "kind": kinds[n % 2], "age": 20.0 + n}
            for n in range(150)
        ]
        return ReferenceRows("reference sample", "sha256:ref", rows)


def brute(model: Callable[[Mapping[str, Any]], float], evidence: FakeEvidence, count: int) -> dict[str, float]:
    """Every set of inputs, by the definition, over the reference rows that were chosen."""
    from tenure.accountability.explanation import chosen

    rows, _ = chosen(evidence.reference("churn", 1), INPUTS)
    assert len(rows) == count
    row = {"months": 8.0, "fee": 19.0, "town": "Graz", "kind": "b", "age": 44.0}
    names, total = list(row), len(row)

    def value(members: frozenset[str]) -> float:
        return math.fsum(model({**one, **{name: row[name] for name in members}}) for one in rows) / len(rows)

    found = {}
    for name in names:
        others = [other for other in names if other != name]
        gain = 0.0
        for mask in range(1 << len(others)):
            members = frozenset(other for nth, other in enumerate(others) if mask >> nth & 1)
            weight = math.factorial(len(members)) * math.factorial(total - len(members) - 1) / math.factorial(total)
            gain += weight * (value(members | {name}) - value(members))
        found[name] = gain
    return found


def told(evidence: FakeEvidence, **more: Any) -> Any:
    return Explanations(evidence).explain(OWNER, "one", **more)


def test_a_tree_over_numbers_and_texts_is_explained_as_brute_force_would() -> None:
    evidence = FakeEvidence(tree).log()
    found = told(evidence)
    assert found.method == "exact_shapley"
    assert {one.feature: one.contribution for one in found.contributions} == pytest.approx(
        brute(tree, evidence, 100), abs=1e-9
    )
    assert found.baseline.value + math.fsum(one.contribution for one in found.contributions) == pytest.approx(
        found.sum.served, abs=1e-9
    )
    sizes = [abs(one.contribution) for one in found.contributions]
    assert sizes == sorted(sizes, reverse=True)


def test_a_linear_score_has_its_closed_form() -> None:
    evidence = FakeEvidence(margin).log()
    found = told(evidence)
    assert (found.method, found.sum.scale) == ("closed_form", "score")
    assert {one.feature: one.contribution for one in found.contributions} == pytest.approx(
        brute(margin, evidence, 100), abs=1e-9
    )


def test_a_logistic_score_adds_up_in_log_odds_to_the_probability_served() -> None:
    evidence = FakeEvidence(lambda row: probability_of(margin(row))).log()
    found = told(evidence)
    assert (found.method, found.sum.scale) == ("closed_form", "log-odds")
    total = found.baseline.value + math.fsum(one.contribution for one in found.contributions)
    assert probability_of(total) == pytest.approx(found.sum.served, rel=1e-12)
    assert {one.feature: one.contribution for one in found.contributions} == pytest.approx(
        brute(margin, evidence, 100), abs=1e-9
    )


def test_asked_for_shapley_values_a_logistic_score_is_told_in_points_of_the_score() -> None:
    found = told(FakeEvidence(lambda row: probability_of(margin(row))).log(), method="shapley")
    assert (found.method, found.sum.scale) == ("exact_shapley", "score")


def test_two_explanations_of_one_decision_are_the_same() -> None:
    assert told(FakeEvidence(tree).log()) == told(FakeEvidence(tree).log())


def test_the_source_of_each_input_is_told_and_personal_values_are_not() -> None:
    found = {one.feature: one for one in told(FakeEvidence(tree).log()).contributions}
    assert found["months"].source == "request"
    assert found["fee"].source == "computed: monthly_fee * 2.0"
    assert found["fee"].value == 19.0
    assert found["town"].value == "Graz"
    assert found["age"].personal
    assert found["age"].value is None


def test_a_text_that_the_model_gave_is_explained_as_being_given() -> None:
    found = told(FakeEvidence(tree).log(), output="verdict")
    assert found.target == "verdict = high"
    assert found.sum.served == 1.0


def test_a_version_that_no_longer_gives_what_it_gave_is_refused_with_both_numbers() -> None:
    evidence = FakeEvidence(tree).log()
    evidence.model = lambda row: tree(row) + 1e-6
    with pytest.raises(WrongExplanation, match=r"add up to 20\.0000.* and 20\.0 was served") as refusal:
        told(evidence)
    assert "tenure replay one" in refusal.value.hint


RIGHT = {"months": 0.1, "fee": -0.2, "town": -0.3, "kind": 0.4, "age": -0.5}


def planted(parts: dict[str, float], base: float, score: float) -> FakeEvidence:
    return FakeEvidence(lambda _: score, Contributions("native", base, parts)).log()


@pytest.mark.parametrize("score", [1.0 - 0.5, probability_of(1.0 - 0.5), probability_of(0.5)])
def test_right_contributions_of_the_library_are_shown_on_the_scale_that_they_are_on(score: float) -> None:
    found = told(planted(RIGHT, 1.0, score))
    assert found.method == "native"
    assert found.sum.scale == ("score" if score == 0.5 else "log-odds")


@pytest.mark.parametrize("wrong", [1e-6, 0.5, -3.0, math.nan, math.inf])
@pytest.mark.parametrize("saturated", [0.0, 14.0])
def test_wrong_contributions_of_the_library_are_refused(wrong: float, saturated: float) -> None:
    """Also where the probability is so near 1 that as a probability nothing would show."""
    parts = RIGHT | {"fee": RIGHT["fee"] + wrong}
    with pytest.raises(WrongExplanation):
        told(planted(parts, 1.0 + saturated, probability_of(0.5 + saturated)))


def test_a_parts_missing_from_the_library_s_answer_is_a_wrong_explanation() -> None:
    with pytest.raises(WrongExplanation):
        told(planted({name: part for name, part in RIGHT.items() if name != "age"}, 1.0, probability_of(0.5)))


def test_a_library_that_fails_leaves_the_explanation_to_rows_alone() -> None:
    class Broken(FakeAsked):
        def contributions(self, row: Mapping[str, Any]) -> Contributions | None:
            raise NoSuchDecision(decision="the library's own trouble")

    class Evidence(FakeEvidence):
        @contextlib.contextmanager
        def asking(self, model: str, number: int) -> Iterator[FakeAsked]:
            yield Broken(self.model)

    assert told(Evidence(tree).log()).method == "exact_shapley"
    with pytest.raises(MethodNotPossible, match="own trouble"):
        told(Evidence(tree).log(), method="native")


def test_what_the_library_says_of_the_score_is_not_taken_for_another_output() -> None:
    assert told(planted(RIGHT, 1.0, 0.5), output="verdict").method == "closed_form"


def test_a_method_that_does_not_fit_is_refused_by_name() -> None:
    with pytest.raises(MethodNotPossible, match="native"):
        told(FakeEvidence(tree).log(), method="native")
    with pytest.raises(MethodNotPossible, match="no sum"):
        told(FakeEvidence(tree).log(), method="closed_form")


def test_a_model_that_fails_on_mixed_rows_is_not_guessed_at() -> None:
    def brittle(row: Mapping[str, Any]) -> float:
        if row["town"] == "Graz" and row["kind"] == "a":
            raise ValueError("no such customer")
        return tree(row)

    with pytest.raises(MixedRowsFail, match="no such customer"):
        told(FakeEvidence(brittle).log())


def test_a_decision_without_a_model_points_to_its_rules() -> None:
    with pytest.raises(NothingToExplain, match="decided by rule"):
        told(FakeEvidence(tree).log(months=1.0))
    with pytest.raises(NothingToExplain, match="decided by fallback"):
        told(FakeEvidence(tree).log(failure="timeout"))


def test_an_erased_person_cannot_be_explained() -> None:
    evidence = FakeEvidence(tree).log()
    evidence.person = None
    with pytest.raises(UnreadableDecision, match="key was destroyed"):
        told(evidence)


def test_who_may_not_explain_is_not_told_whether_there_is_such_a_decision() -> None:
    evidence = FakeEvidence(tree).log()
    stranger = Actor("t", Role.AUDITOR, frozenset({"other"}))
    with pytest.raises(Forbidden):
        Explanations(evidence).explain(stranger, "one")
    with pytest.raises(NoSuchDecision):
        Explanations(evidence).explain(replace(stranger, applications=frozenset()), "nothing")
    with pytest.raises(Forbidden):
        Explanations(evidence).explain(Actor("c", Role.CALLER), "one")
