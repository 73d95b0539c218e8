"""PSI is Evidently's on the same bins; alarms are rare when nothing has changed and certain when something has."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from scipy import stats

from tenure.contract.schema import Field
from tenure.model.monitoring.drift import DEFAULT, beta_binomial, chi_squared, coarse, effect_of, fisher, psi
from tenure.model.monitoring.profile import Profile, count, entities_of, freeze
from tenure.model.monitoring.windows import judged

cells = st.integers(2, 40).flatmap(
    lambda k: st.tuples(*[st.lists(st.integers(0, 50_000), min_size=k, max_size=k).filter(any)] * 2)
)


def evidently_psi(reference: list[int], current: list[int]) -> float:
    """Evidently 0.7.23, legacy/calculations/stattests: get_binned_data's fill and psi.py, written out."""
    shares = []
    for counts in (reference, current):
        percents = [c / sum(counts) for c in counts]
        least = min(p for p in percents if p != 0)
        fill = least / 10**6 if least <= 0.0001 else 0.0001
        shares.append([p or fill for p in percents])
    return math.fsum((r - c) * math.log(r / c) for r, c in zip(*shares, strict=False))


@settings(max_examples=300, deadline=None)
@given(cells)
def test_psi_is_evidentlys_on_the_same_bins(counts: tuple[list[int], list[int]]) -> None:
    assert psi(tuple(counts[0]), tuple(counts[1])) == pytest.approx(evidently_psi(*counts), rel=1e-12, abs=1e-12)


@settings(max_examples=100, deadline=None)
@given(cells)
def test_the_chi_squared_test_is_scipys_test_of_homogeneity(counts: tuple[list[int], list[int]]) -> None:
    table = np.asarray(counts)[:, np.sum(counts, axis=0) > 0]
    if table.shape[1] < 2:
        return
    theirs = stats.chi2_contingency(table, correction=False)
    statistic, freedom, chance = chi_squared(tuple(counts[0]), tuple(counts[1]))
    assert (statistic, freedom, chance) == pytest.approx((theirs.statistic, theirs.dof, theirs.pvalue), rel=1e-9)


def test_the_exact_test_for_missing_values_is_scipys_fisher_test() -> None:
    for times, n, before, m in [(3, 100, 5, 1000), (40, 200, 10, 900), (0, 10, 0, 10), (10, 10, 0, 50)]:
        theirs = stats.fisher_exact([[times, n - times], [before, m - before]], alternative="greater").pvalue
        assert fisher(times, n, before, m) == pytest.approx(theirs, rel=1e-7)


def test_the_test_for_values_outside_is_scipys_beta_binomial() -> None:
    for times, n, a, b in [(1, 100, 2, 999), (12, 5000, 2, 1999), (60, 200, 30, 2000)]:
        assert beta_binomial(times, n, a, b) == pytest.approx(float(stats.betabinom.sf(times - 1, n, a, b)), rel=1e-6)


def test_the_effect_of_no_change_is_about_zero_on_average_before_it_is_cut_at_zero() -> None:
    random = np.random.default_rng(3)
    shares = np.full(10, 0.1)
    drawn = [psi(tuple(random.multinomial(2000, shares)), tuple(random.multinomial(1000, shares))) for _ in range(2000)]
    assert np.mean(drawn) == pytest.approx(9 * (1 / 2000 + 1 / 1000), rel=0.05)
    assert effect_of((500, 500), (250, 250)) == 0.0


def test_cells_are_grouped_without_looking_at_the_live_rows() -> None:
    reference = (50, 50, 50, 50, 50, 50, 50, 50, 50, 50)
    assert coarse(reference, 1000, ordered=True) == [[i] for i in range(10)]
    assert all(sum(reference[i] for i in g) / 500 * 20 >= 5 for g in coarse(reference, 20, ordered=True))


def columns(n: int, random: np.random.Generator, shift: float = 0.0) -> dict[str, list[object]]:
    """Ten columns of the kinds that alarms are known to be false on: skewed, tied, heavy-tailed, rare categories."""
    return {
        "normal": random.normal(shift, 1, n).tolist(),
        "lognormal": random.lognormal(shift, 1, n).tolist(),
        "cauchy": random.standard_cauchy(n).tolist(),
        "poisson": random.poisson(0.5, n).tolist(),
        "rare": random.poisson(0.01, n).tolist(),
        "uniform": random.random(n).tolist(),
        "two": [str(v) for v in random.integers(0, 2, n)],
        "thirty": [str(v) for v in random.integers(0, 30, n)],
        "zipf": [str(min(v, 10_000)) for v in random.zipf(1.5, n)],
        "holes": [
            None if hole else float(v) for hole, v in zip(random.random(n) < 0.1, random.normal(0, 1, n), strict=False)
        ],
    }


SCHEMA = tuple(
    Field(name, "string" if name in {"two", "thirty", "zipf"} else "float", nullable=True)
    for name in columns(1, np.random.default_rng(0))
)


@pytest.mark.parametrize(
    "n", [50, pytest.param(200, marks=pytest.mark.soak), 1000, pytest.param(5000, marks=pytest.mark.soak)]
)
def test_with_nothing_changed_a_window_raises_anything_no_more_often_than_stated(n: int) -> None:
    """The stated chance is 1 % a window over all ten columns; 150 windows of it are at most 6 with probability 0.999.

    The effect is set to 0, so that the bound is the test's own; with the shipped least effect there are fewer still.
    """
    random = np.random.default_rng(n)
    bare = replace(DEFAULT, minimum=50, effect=0.0, missing=0.0, outside=0.0)
    shipped = replace(DEFAULT, minimum=50)
    false = false_as_shipped = 0
    for _ in range(150):
        yardstick = freeze(SCHEMA, (), columns(2000, random), {})
        live = columns(n, random)
        profile = Profile(asked=n, anonymous=n, columns={k: count(b, live[k]) for k, b in yardstick.inputs.items()})
        false += bool(judged(profile, yardstick, bare))
        false_as_shipped += bool(judged(profile, yardstick, shipped))
    assert false <= 6
    assert false_as_shipped <= false


def test_rows_that_repeat_their_entity_raise_no_more_false_alarms_than_others() -> None:
    """60 entities of 10 equal rows each: taken as 600 rows of their own, nearly every window would be a false alarm."""
    random = np.random.default_rng(12)
    false = taken_apart = 0
    for _ in range(150):
        yardstick = freeze(SCHEMA, (), columns(2000, random), {})
        live = {name: values * 10 for name, values in columns(60, random).items()}
        counted = {k: count(b, live[k]) for k, b in yardstick.inputs.items()}
        people = entities_of(f"person {n}" for n in range(60))
        false += bool(judged(Profile(asked=600, columns=counted, entities=people), yardstick, DEFAULT))
        taken_apart += bool(judged(Profile(asked=600, columns=counted, anonymous=600), yardstick, DEFAULT))
    assert false <= 6
    assert taken_apart > 100


@pytest.mark.parametrize("n", [100, 500, 5000])
def test_a_shift_of_one_standard_deviation_is_found_in_every_window(n: int) -> None:
    random = np.random.default_rng(n + 1)
    yardstick = freeze(SCHEMA, (), columns(2000, random), {})
    for _ in range(20):
        live = columns(n, random, shift=1.0)
        profile = Profile(asked=n, anonymous=n, columns={k: count(b, live[k]) for k, b in yardstick.inputs.items()})
        found = {signal.column for signal in judged(profile, yardstick, DEFAULT)}
        assert found == {"normal", "lognormal"}


def test_missing_values_and_values_outside_the_reference_are_signals_of_their_own() -> None:
    random = np.random.default_rng(9)
    yardstick = freeze(SCHEMA, (), columns(2000, random), {})
    live = columns(500, random)
    live["uniform"] = [None] * 100 + live["uniform"][100:]
    live["two"] = ["never seen"] * 100 + live["two"][100:]
    profile = Profile(asked=500, anonymous=500, columns={k: count(b, live[k]) for k, b in yardstick.inputs.items()})
    assert {(s.kind, s.column) for s in judged(profile, yardstick, DEFAULT)} == {
        ("missing", "uniform"), ("outside", "two"),
    }  # fmt: skip


def test_one_unseen_value_in_a_thousand_is_no_signal() -> None:
    random = np.random.default_rng(10)
    yardstick = freeze(SCHEMA, (), columns(2000, random), {})
    live = columns(1000, random)
    live["two"][0] = "never seen"
    profile = Profile(asked=1000, anonymous=1000, columns={k: count(b, live[k]) for k, b in yardstick.inputs.items()})
    assert judged(profile, yardstick, DEFAULT) == []


def test_a_column_that_cannot_be_compared_is_told_as_broken_and_stops_no_other() -> None:
    random = np.random.default_rng(11)
    yardstick = freeze(SCHEMA, (), columns(2000, random), {})
    live = columns(500, random, shift=1.0)
    counted = {k: count(b, live[k]) for k, b in yardstick.inputs.items()} | {"zipf": (1, 2)}
    found = {(s.kind, s.column) for s in judged(Profile(asked=500, anonymous=500, columns=counted), yardstick, DEFAULT)}
    assert found == {("broken", "zipf"), ("drift", "normal"), ("drift", "lognormal")}
