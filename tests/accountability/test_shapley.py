"""Shapley values: equal to the definition reckoned by brute force, seeded, and adding up whatever the model does."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenure.accountability import shapley
from tenure.contract.additivity import DOUBLE, LOG_ODDS, SCORE, log_odds, probability_of

Model = Callable[[Mapping[str, Any]], float]


def linear(row: Mapping[str, Any]) -> float:
    return float(3.0 * row["a"] - 2.0 * row["b"] + 0.25 * row["c"] + {"x": 1.0, "y": -1.5, "z": 0.0}[row["kind"]] + 7.0)


def tree(row: Mapping[str, Any]) -> float:
    if row["a"] > 0.5:
        return 4.0 if row["kind"] == "x" and row["b"] > 0 else 1.0
    return 2.0 if row["c"] < 0.2 else -3.0 * row["b"]


def logistic(row: Mapping[str, Any]) -> float:
    return probability_of(linear(row) - 7.0)


def asked(model: Model) -> shapley.Scores:
    return lambda rows: [model(row) for row in rows]


def brute(model: Model, row: Mapping[str, Any], reference: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """The average gain over all orders of all inputs: the definition, with nothing spared."""
    names = list(row)
    orders = list(permutations(names))
    gains: dict[str, list[float]] = {name: [] for name in names}
    for one in reference:
        for order in orders:
            mixed = dict(one)
            before = model(mixed)
            for name in order:
                mixed[name] = row[name]
                after = model(mixed)
                gains[name].append(after - before)
                before = after
    return {name: math.fsum(found) / len(found) for name, found in gains.items()}


ROWS = st.fixed_dictionaries(
    {
        "a": st.floats(-2, 2),
        "b": st.floats(-2, 2),
        "c": st.sampled_from([0.1, 0.3]),
        "kind": st.sampled_from(["x", "y", "z"]),
    }
)


@pytest.mark.parametrize("model", [linear, tree, logistic])
@settings(max_examples=60, deadline=None)
@given(row=ROWS, reference=st.lists(ROWS, min_size=1, max_size=4))
def test_enumeration_equals_brute_force(model: Model, row: dict[str, Any], reference: list[dict[str, Any]]) -> None:
    found = shapley.exact(shapley.enumerated(asked(model), row, reference), row)
    told = brute(model, row, reference)
    assert found.contributions == pytest.approx(told, abs=1e-9, rel=1e-9)
    assert found.baseline + math.fsum(found.contributions.values()) == pytest.approx(model(row), abs=1e-9)
    assert found.error == {}


@settings(max_examples=60, deadline=None)
@given(row=ROWS, reference=st.lists(ROWS, min_size=1, max_size=4))
def test_the_closed_form_of_a_sum_equals_brute_force(row: dict[str, Any], reference: list[dict[str, Any]]) -> None:
    for games in (shapley.enumerated(asked(linear), row, reference), shapley.tried(asked(linear), row, reference, 7)):
        found = shapley.additive(games, row, SCORE, DOUBLE)
        assert found is not None
        assert found.contributions == pytest.approx(brute(linear, row, reference), abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(row=ROWS, reference=st.lists(ROWS, min_size=1, max_size=4))
def test_log_odds_of_a_logistic_model_are_a_sum(row: dict[str, Any], reference: list[dict[str, Any]]) -> None:
    found = shapley.additive(shapley.tried(asked(logistic), row, reference, 7), row, LOG_ODDS, DOUBLE)
    assert found is not None
    told = brute(lambda mixed: linear(mixed) - 7.0, row, reference)
    assert found.contributions == pytest.approx(told, abs=1e-6)


def test_a_tree_is_no_sum_on_any_scale() -> None:
    row = {"a": 1.0, "b": 1.0, "c": 0.1, "kind": "x"}
    reference = [{"a": 0.0, "b": -1.0, "c": 0.3, "kind": "y"}]
    games = shapley.tried(asked(tree), row, reference, 7)
    assert shapley.additive(games, row, SCORE, DOUBLE) is None
    assert shapley.additive(games, row, LOG_ODDS, DOUBLE) is None


def test_an_interaction_hidden_from_single_inputs_is_seen_in_seeded_sets() -> None:
    """The gains of single inputs alone add up here, at both ends; only sets of two tell that it is no sum."""
    names = [f"x{n}" for n in range(14)]

    def middle(row: Mapping[str, Any]) -> float:
        count = sum(row.values())
        return float(count) if count in {0, 1, 13, 14} else float(count) + row["x3"]

    row, reference = dict.fromkeys(names, 1), [dict.fromkeys(names, 0)]
    assert shapley.additive(shapley.tried(asked(middle), row, reference, 1), row, SCORE, DOUBLE) is None


def many(row: Mapping[str, Any]) -> float:
    values = list(row.values())
    return float(sum(values) + values[0] * values[1] - 2.0 * max(values[2], values[3]))


def test_samples_are_the_same_twice_add_up_and_come_near() -> None:
    names = [f"x{n}" for n in range(15)]
    row = {name: 0.1 * nth for nth, name in enumerate(names)}
    reference = [{name: ((nth * 7 + k * 5) % 11) / 3.0 for nth, name in enumerate(names)} for k in range(4)]
    first = shapley.sampled(asked(many), row, reference, names, 42, 40)
    assert shapley.sampled(asked(many), row, reference, names, 42, 40) == first
    assert shapley.sampled(asked(many), row, reference, names, 43, 40) != first
    assert first.baseline + math.fsum(first.contributions.values()) == pytest.approx(many(row), abs=1e-12)
    for name in names[4:]:
        told = row[name] - math.fsum(one[name] for one in reference) / 4
        assert first.contributions[name] == pytest.approx(told, abs=1e-12)
        assert first.error[name] < 1e-12
    # An order and its reverse cancel the interaction of two inputs exactly; that of a maximum too.
    told = math.fsum(0.5 * (row["x0"] - one["x0"]) * (row["x1"] + one["x1"]) for one in reference) / 4
    told += row["x0"] - math.fsum(one["x0"] for one in reference) / 4
    assert first.contributions["x0"] == pytest.approx(told, abs=1e-9)


def test_an_input_that_is_equal_everywhere_gets_nothing_and_costs_nothing() -> None:
    row = {"a": 1.0, "b": math.nan, "c": None}
    games = shapley.enumerated(asked(lambda mixed: mixed["a"]), row, [{"a": 0.0, "b": math.nan, "c": None}] * 3)
    found = shapley.exact(games, row)
    assert found.contributions == {"a": 1.0, "b": 0.0, "c": 0.0}
    assert found.rows == 4, "the row itself once, and each reference row"


def test_zero_and_minus_zero_are_two_values() -> None:
    found = shapley.exact(
        shapley.enumerated(asked(lambda mixed: math.copysign(1.0, mixed["a"])), {"a": -0.0}, [{"a": 0.0}]), ["a"]
    )
    assert found.contributions == {"a": -2.0}


def test_a_probability_of_nought_or_one_has_no_log_odds() -> None:
    for value in (0.0, 1.0, -0.5, math.nan):
        with pytest.raises(ValueError, match=r".*"):
            log_odds(value)
    assert probability_of(log_odds(0.3)) == pytest.approx(0.3, abs=1e-15)
    assert probability_of(-800.0) == 0.0
