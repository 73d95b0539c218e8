"""Profiles merge by addition, whatever the split or the order."""

from __future__ import annotations

import math

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.monitoring.simulated import INPUTS, OUTPUTS, reference

from tenure.contract.schema import Field
from tenure.model.monitoring.observation import Facts, Observation, profile_of
from tenure.model.monitoring.profile import (
    ABOVE,
    BELOW,
    NAN,
    NULL,
    UNREADABLE,
    Profile,
    bins_of,
    comparable,
    count,
    entities_of,
    freeze,
    latency_counts,
    latency_quantile,
    merged,
    rows,
    total,
    unreadable,
)
from tenure.model.version import VersionRef

YARDSTICK = freeze(INPUTS, OUTPUTS, reference().sample, reference().outputs_sample)
REF = VersionRef("credit", 1)

value = st.one_of(st.none(), st.floats(), st.integers(), st.text(max_size=3), st.booleans(), st.lists(st.integers()))
observed = st.builds(
    lambda income, inquiries, state, score, by, failure, role, elapsed, entity: Observation(
        REF, "2026-01-01", 0, "loans", "D", entity, role, by, elapsed, failure,
        {"income": income, "inquiries": inquiries, "state": state}, None if failure else {"score": score},
    ),
    value, value, value, value, st.sampled_from(["model", "rule", "fallback"]), st.sampled_from(["", "raised"]),
    st.sampled_from(["served", "shadow", "passed by"]), st.integers(0, 10**10),
    st.one_of(st.none(), st.text(max_size=2)),
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(observed, max_size=30), st.data())
def test_any_split_and_order_of_the_work_gives_the_same_bytes(seen: list[Observation], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(seen))
    cut = data.draw(st.integers(0, len(seen)))
    pieces = [profile_of(part, YARDSTICK, Facts("loans")) for part in (shuffled[:cut], shuffled[cut:])]
    whole = profile_of(seen, YARDSTICK, Facts("loans"))
    as_bytes = msgspec.json.Encoder(order="deterministic").encode
    assert as_bytes(total(reversed(pieces))) == as_bytes(merged(Profile(), whole))


@pytest.mark.parametrize(("entities", "each", "off"), [(1, 50, 0.0), (200, 3, 0.0), (5000, 2, 0.25)])
def test_a_profile_knows_how_many_rows_there_are_about_each_entity(entities: int, each: int, off: float) -> None:
    blocks = [
        Profile(asked=entities, entities=entities_of(f"person {n}" for n in range(entities))) for _ in range(each)
    ]
    assert total(blocks).repetition == pytest.approx(each, rel=off)


@pytest.mark.parametrize("values", [[0.0, 0, False], [1, True, 1.0], [True, 1.0, 1]])
def test_equal_values_of_different_types_are_counted_apart_in_any_order(values: list[object]) -> None:
    bins = YARDSTICK.inputs["state"]
    assert count(bins, values) == count(bins, values[::-1])
    assert unreadable(count(bins, values)) == 1, "of the three, only the float can be no category"


@given(st.lists(st.none() | st.floats() | st.integers() | st.integers(2**1022, 2**1025)))
def test_a_column_of_numbers_alone_is_counted_as_one_with_a_text_among_them(values: list[object]) -> None:
    bins = YARDSTICK.inputs["income"]
    alone, mixed = count(bins, values), count(bins, [*values, "a text"])
    assert (*alone[:-1], alone[-1] + 1) == mixed


@given(st.lists(value, max_size=40))
def test_every_row_is_counted_exactly_once_in_every_column(values: list[object]) -> None:
    for bins in YARDSTICK.bins.values():
        assert rows(count(bins, values)) == len(values)


def test_a_numpy_column_is_counted_like_the_same_values_in_a_list() -> None:
    bins = YARDSTICK.inputs["income"]
    numbers = np.random.default_rng(1).lognormal(10, 1, 500)
    numbers[3] = np.nan
    assert count(bins, numbers) == count(bins, numbers.tolist())


def test_values_outside_missing_and_of_another_type_have_places_of_their_own() -> None:
    bins = bins_of("x", Field("x", "float"), [float(i) for i in range(1000)])
    places = count(bins, [-1.0, 1000.0, math.inf, None, math.nan, "9", 5.0])[bins.size :]
    assert {name: places[at] for name, at in (("below", BELOW), ("above", ABOVE), ("null", NULL))} == {
        "below": 1, "above": 2, "null": 1,
    }  # fmt: skip
    assert (places[NAN], places[UNREADABLE]) == (1, 1)


def test_few_distinct_numbers_get_a_bin_each_and_ties_never_split_a_bin() -> None:
    bins = bins_of("n", Field("n", "int"), [0] * 800 + [1] * 150 + [2] * 50)
    assert bins.lefts == (0.0, 1.0, 2.0)
    assert comparable(bins, count(bins, [0, 0, 1, 2, 2, 3]))[:3] == (2, 1, 3)


def test_a_bin_that_the_reference_hardly_meets_joins_its_neighbour() -> None:
    bins = bins_of("n", Field("n", "int"), [0] * 500 + [1] * 2 + [2] * 100 + [9])
    assert all(cell >= 5 for cell in comparable(bins, count(bins, [0] * 500 + [1] * 2 + [2] * 100 + [9])))


def test_a_category_that_the_reference_hardly_meets_is_other_and_one_it_never_met_is_unseen() -> None:
    bins = bins_of("s", Field("s", "string"), ["a"] * 50 + ["b"] * 20 + ["c"])
    assert bins.labels == ("a", "b")
    assert count(bins, ["a", "b", "c", "d", None]) == (1, 1, 1, 1, 1, 0, 0)


def test_days_and_lists_of_names_are_not_watched_and_the_yardstick_says_why() -> None:
    schema = (Field("on", "date"), Field("items", "int", "int64", shape=(3,)), Field("empty", "float"))
    yardstick = freeze(schema, (), {"on": ["2026-01-01"], "items": [[1, 2, 3]], "empty": [None]}, {})
    assert yardstick.inputs == {}
    assert set(yardstick.unwatched) == {"on", "items", "empty"}


@pytest.mark.parametrize("share", [0.5, 0.95])
def test_a_latency_quantile_is_never_below_the_true_one_nor_twelve_percent_above(share: float) -> None:
    elapsed = np.random.default_rng(2).lognormal(8, 1, 5000).astype(int)
    true = float(np.quantile(elapsed, share, method="inverted_cdf"))
    told = latency_quantile(latency_counts(elapsed.tolist()), share)
    assert told is not None
    assert true <= told <= true * 1.13
