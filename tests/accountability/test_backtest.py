"""A changed definition beside old decisions, with what the model said then or with a version asked anew."""

from collections.abc import Mapping, Sequence
from typing import Any

from tenure.accountability.backtest import Comparison, Tally, Trial
from tenure.application.decisions.deciding import AskModel, Decider
from tenure.application.revisions.definition import parse
from tenure.contract.predictor import Prediction
from tenure.contract.records import encode
from tenure.contract.schema import Schema
from tests.accountability.test_replay import INPUTS, OUTPUTS, TEXT

CONTRACTS: dict[str, tuple[Schema, Schema]] = {"churn/1": (INPUTS, OUTPUTS), "churn/2": (INPUTS, OUTPUTS)}


class Version:
    """Says half of what the first version said."""

    def predict(self, rows: Sequence[Mapping[str, Any]]) -> list[Prediction]:
        return [Prediction("churn", 2, "d", {"score": said(row["months"]) / 2}) for row in rows]


def said(months: float) -> float:
    return 1.0 / (1.0 + months / 10.0)


def logged(months: float, failure: Any = None) -> bytes:
    decider = Decider(parse(TEXT), INPUTS, OUTPUTS, 1)
    step = decider.before(decider.admit_row({"customer": "anna", "months": months}), {})
    if isinstance(step, AskModel):
        output = None if failure else {"score": said(months)}
        step = decider.after(step, Prediction("churn", 1, "d", output, failure=failure))
    return encode(decider.record(step, id=f"d{months:06.1f}", at=1, protect=lambda entity, _: (entity, "sealed")))


LOG = [logged(float(months)) for months in range(1, 41)]


def compared(text: str, log: Sequence[bytes] = LOG, model: Any = None) -> Tally:
    trial = Trial(parse(text), {1: parse(TEXT)}, CONTRACTS, "churn/2" if model else "")
    comparison = Comparison(trial, lambda _: {"customer": "anna"}, model)
    comparison.look(log)
    return comparison.tally


def test_the_same_text_changes_nothing() -> None:
    tally = compared(TEXT)
    assert (tally.compared, tally.changed, tally.incomparable) == (40, 0, {})


def test_another_version_is_asked_for_every_row_that_the_rules_leave_open() -> None:
    tally = compared(TEXT, model=Version())
    # months 1 and 2 are settled before; 3 to 10 had a score of at least 0.5 and have half of it now
    assert (tally.compared, tally.changed, tally.ways) == (40, 8, {"save → default": 8})


def test_what_a_rule_settled_then_can_be_asked_of_a_version() -> None:
    laxer = TEXT.replace("months < 3.0", "months < 2.0")
    assert sum(compared(laxer).incomparable.values()) == 1
    tally = compared(laxer, model=Version())
    assert (tally.compared, tally.ways["new → default"]) == (40, 1)


def test_a_failure_then_is_a_failure_now() -> None:
    assert compared(TEXT, [logged(5.0, "timeout")]).changed == 0


def test_a_review_is_a_change() -> None:
    more = TEXT.replace("rules:\n", 'rules:\n  - {id: look, before: model, when: "months > 30.0", review: desk}\n')
    tally = compared(more)
    assert (tally.changed, tally.reviews) == (10, 10)


def test_a_request_that_would_be_refused_is_counted_as_that() -> None:
    ages = "  age: {type: int, required: false}\n"
    text = TEXT.replace("  months: float\n", "  months: float\n" + ages).replace(
        "rules:\n", 'rules:\n  - {id: old, before: model, when: "age > 60", on_missing: error, answer: {offer: tea}}\n'
    )
    tally = compared(text)
    assert (tally.compared, tally.refused, tally.changed) == (40, 40, 40)
    assert "age is needed" in next(iter(tally.ways))


def test_tallies_of_parts_make_the_tally_of_the_whole() -> None:
    stricter = TEXT.replace("months < 3.0", "months < 9.0")
    whole, parts = compared(stricter), compared(stricter, LOG[:17])
    parts.add(compared(stricter, LOG[17:]))
    assert (parts.compared, parts.changed, parts.ways, parts.segments) == (
        whole.compared,
        whole.changed,
        whole.ways,
        whole.segments,
    )


def test_a_field_of_another_type_cannot_be_compared() -> None:
    assert compared(TEXT.replace("months: float", "months: int").replace("3.0", "3")).incomparable == {
        "months was float and is int": 40
    }
