"""Rules that filter a model's list or put it into another order, with what a view says of every item."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tenure.accountability.backtest import Comparison, Trial
from tenure.application.decisions.deciding import AskModel, Decider, Settled
from tenure.application.decisions.judging import facts_of, judged
from tenure.application.decisions.reads import MissingFeature
from tenure.application.features.view import View
from tenure.application.revisions.checking import check
from tenure.application.revisions.definition import parse
from tenure.contract.predictor import Prediction
from tenure.contract.records import encode
from tenure.contract.schema import Field

if TYPE_CHECKING:
    from tenure.application.revisions.problems import Problem

TEXT = """\
application: movies
request: {person: string, child: bool}
features:
  - {view: shelf, each: items, on_missing: null}
model: ranker@champion
fallback: {answer: {movies: []}, reason: R90}
rules:
  - {id: for-children, after: model, when: child, filter: {of: items, keep: "has(shelf.age) && shelf.age < 12"}}
  - {id: one-per-genre, after: model, when: true, filter: {of: items, per: "has(shelf.genre) ? shelf.genre : ''", most: 1}}
  - {id: newest-first, after: model, when: "!child", rerank: {of: items, by: "has(shelf.year) ? shelf.year : 0"}}
default: {answer: {movies: {expr: output.items}, scores: {expr: output.score}}, reason: R00}
reasons: {R00: taste, R90: no model}
tests:
  - request: {person: a, child: true}
    features: {shelf: {1: {age: 6, genre: Comedy}, "2": {age: 16, genre: Drama}}}
    output: {items: [2, 1], score: [0.9, 0.8]}
    expect: {movies: [1], scores: [0.8], rule: for-children}
"""
SHELF = View(
    "shelf",
    "movie",
    (Field("age", "int", nullable=True), Field("genre", "string", nullable=True), Field("year", "int", nullable=True)),
)
INPUTS = (Field("person", "string"),)
OUTPUTS = (Field("items", "int", shape=(5,)), Field("score", "float", shape=(5,)))
MOVIES: dict[str, dict[str, Any]] = {
    "1": {"age": 6, "genre": "Comedy", "year": 1995},
    "2": {"age": 16, "genre": "Drama", "year": 1994},
    "3": {"age": 6, "genre": "Comedy", "year": 2001},
    "4": {"age": 0, "genre": "Animation", "year": 1999},
}
OUTPUT = {"items": [2, 1, 3, 9, 4], "score": [0.9, 0.8, 0.7, 0.6, 0.5]}
SAID = Prediction("ranker", 1, "d", OUTPUT)


def checked(text: str = TEXT) -> tuple[Any, list[Problem]]:
    return check(parse(text), {"ranker/1": (INPUTS, OUTPUTS)}, {"shelf": SHELF})


def decider(text: str = TEXT) -> Decider:
    whole, problems = checked(text)
    assert problems == []
    return Decider(whole, INPUTS, OUTPUTS, revision=1)


def decided(*, child: bool, text: str = TEXT) -> Settled:
    decides = decider(text)
    step = decides.before(
        decides.admit_row({"person": "a", "child": child}),
        {},
        lambda view, key: (MOVIES[key], 7) if view == "shelf" and key in MOVIES else None,
    )
    assert isinstance(step, AskModel)
    return decides.after(step, SAID)


def logged(settled: Settled) -> Any:
    return decider().record(settled, id="d1", at=9, protect=lambda entity, _: (entity, ""))


def test_items_are_taken_out_and_what_stands_beside_them_goes_along() -> None:
    settled = decided(child=True)
    assert settled.answer == {"movies": [1, 4], "scores": [0.8, 0.5]}
    assert settled.rules == ["for-children", "one-per-genre"]


def test_a_list_is_put_into_another_order_and_equal_items_stay_as_they_were() -> None:
    assert decided(child=False).answer["movies"] == [4, 1, 2, 9]
    rising = TEXT.replace("shelf.year : 0", "shelf.year : 0, order: rising").replace(
        '0, order: rising"', '0", order: rising'
    )
    assert decided(child=False, text=rising).answer["movies"] == [9, 2, 1, 4]


def test_the_record_has_what_was_known_of_every_item_and_keeps_what_the_model_said() -> None:
    record = logged(decided(child=True))
    assert [(read.key, read.values["genre"], read.known_at) for read in record.features] == [
        ("2", "Drama", 7), ("1", "Comedy", 7), ("3", "Comedy", 7), ("9", None, None), ("4", "Animation", 7),
    ]  # fmt: skip
    assert record.predictions[0].output == OUTPUT


def test_a_decision_is_made_again_from_its_record_alone() -> None:
    record, decides = logged(decided(child=True)), decider()
    step = decides.before(decides.readmit(record, {}), decides.logged_features(record), decides.logged_items(record))
    assert isinstance(step, AskModel)
    assert decides.after(step, SAID).answer == record.answer


def test_why_says_what_each_rule_took_out() -> None:
    record, definition = logged(decided(child=True)), checked()[0]
    found = judged(definition, OUTPUTS, facts_of(definition, record, None), OUTPUT, record.verdicts)
    assert [(one.rule.id, [(made.before, made.after) for made in one.changed if made.name == "output.items"]) for one in found] == [
        ("for-children", [([2, 1, 3, 9, 4], [1, 3, 4])]),
        ("one-per-genre", [([1, 3, 4], [1, 4])]),
        ("newest-first", []),
    ]  # fmt: skip


def test_a_changed_filter_is_tried_on_old_decisions_with_what_was_known_then() -> None:
    definition = checked()[0]
    record = encode(logged(decided(child=True)))
    laxer = checked(TEXT.replace("most: 1", "most: 2"))[0]
    for changed, answers in ((definition, 0), (laxer, 1)):
        comparison = Comparison(Trial(changed, {1: definition}, {"ranker/1": (INPUTS, OUTPUTS)}))
        comparison.look([record])
        assert (comparison.tally.compared, comparison.tally.changed) == (1, answers)
    assert comparison.tally.examples[0].after == {"movies": [1, 3, 4], "scores": [0.8, 0.7, 0.5]}


def test_another_version_may_give_items_of_which_nothing_was_read_then() -> None:
    class Other:
        def predict(self, rows: list[Any]) -> list[Prediction]:
            return [Prediction("ranker", 1, "d", {"items": [77], "score": [1.0]}) for _ in rows]

    definition = checked()[0]
    trial = Trial(definition, {1: definition}, {"ranker/1": (INPUTS, OUTPUTS)}, "ranker/1")
    comparison = Comparison(trial, None, Other())
    comparison.look([encode(logged(decided(child=True)))])
    assert list(comparison.tally.incomparable.values()) == [1]


def test_an_item_that_the_view_does_not_know_refuses_the_request_where_the_application_says_so() -> None:
    strict = TEXT.replace("on_missing: null", "on_missing: error").partition("tests:")[0]
    view = View("shelf", "movie", tuple(Field(one.name, one.type) for one in SHELF.columns))
    whole, problems = check(parse(strict), {"ranker/1": (INPUTS, OUTPUTS)}, {"shelf": view})
    assert problems == []
    decides = Decider(whole, INPUTS, OUTPUTS, revision=1)
    step = decides.before(decides.admit_row({"person": "a", "child": True}), {}, lambda _, key: (MOVIES[key], 7) if key in MOVIES else None)  # fmt: skip
    assert isinstance(step, AskModel)
    with pytest.raises(MissingFeature, match="item 9"):
        decides.after(step, SAID)


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("each: items", "each: itms", "the model has no output 'itms'"),
        ("each: items", "each: score", "text or whole numbers"),
        ("each: items", "each: items, key: person", "not both"),
        (", each: items", "", "not both"),
        ("has(shelf.age) && shelf.age < 12", "shelf.age < 12", "may be missing"),
        ("has(shelf.age) && shelf.age < 12", "has(shelf.age) && shelf.agee < 12", "shelf has no 'agee'"),
        ("when: child,", 'when: "shelf.age < 12",', "read for each item"),
        ("{1: {age: 6", "{1: {agee: 6", "shelf has no 'agee'"),
        ("{1: {age: 6, genre: Comedy}", "{age: 6", "read for each item"),
    ],
)
def test_what_cannot_be_read_of_an_item_is_refused(old: str, new: str, why: str) -> None:
    from tenure.application.revisions.problems import BrokenDefinition

    try:
        told = " ".join(str(problem) for problem in checked(TEXT.replace(old, new, 1))[1])
    except BrokenDefinition as error:
        told = str(error)
    assert why in told


def test_a_list_that_the_model_leaves_out_stays_missing() -> None:
    nullable = tuple(Field(one.name, one.type, shape=one.shape, nullable=True) for one in OUTPUTS)
    text = TEXT.partition("tests:")[0].replace(
        "{expr: output.items}", "{expr: 'has(output.items) ? output.items[0] : 0'}"
    )
    text = text.replace("{expr: output.score}", "0.0")
    whole, problems = check(parse(text), {"ranker/1": (INPUTS, nullable)}, {"shelf": SHELF})
    assert problems == []
    decides = Decider(whole, INPUTS, nullable, revision=1)
    step = decides.before(decides.admit_row({"person": "a", "child": True}), {}, None)
    assert isinstance(step, AskModel)
    settled = decides.after(step, Prediction("ranker", 1, "d", {"items": None, "score": None}))
    assert json.loads(json.dumps(settled.answer)) == {"movies": 0, "scores": 0.0}
