"""How near a replay came: the ladder of verdicts and the distance it stands on."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenure.accountability.verdict import Distance, Verdict, distance, judge, tally
from tenure.contract.schema import Field

SCORE = (Field("score", "float", dtype="float64"),)
FINITE = st.floats(allow_nan=False, allow_infinity=False, width=64)


@given(FINITE, st.integers(0, 200))
def test_the_distance_in_ulps_counts_steps_to_the_next_float(start: float, steps: int) -> None:
    value = start
    for _ in range(steps):
        value = math.nextafter(value, math.inf)
    if math.isfinite(value):
        expected = steps if value != start else 0
        zero_is_crossed_twice = start <= 0 <= value  # -0.0 and 0.0 are equal but two places
        assert abs(distance(SCORE, {"score": start}, {"score": value}).ulps - expected) <= zero_is_crossed_twice


def test_float32_counts_steps_of_float32() -> None:
    value = float(np.float32(0.1))
    beside = float(np.nextafter(np.float32(0.1), np.float32(1)))
    apart = distance((Field("score", "float", dtype="float32"),), {"score": value}, {"score": beside})
    assert apart.ulps == 1


@pytest.mark.parametrize(
    ("then", "now"), [("a", "b"), (None, 0.5), (0.5, float("nan")), ([1.0], [1.0, 2.0]), (math.inf, 1.0)]
)
def test_what_is_no_number_is_infinitely_far(then: object, now: object) -> None:
    assert distance(SCORE, {"score": then}, {"score": now}) == Distance(math.inf, math.inf)


def test_equal_values_and_nan_on_both_sides_do_not_differ() -> None:
    assert distance(SCORE, {"score": [1.5, float("nan")]}, {"score": [1.5, float("nan")]}) == Distance(0, 0)


@pytest.mark.parametrize(
    ("same_bits", "same_answer", "apart", "verdict"),
    [
        (True, True, Distance(0, 0), Verdict.BIT),
        (True, False, Distance(0, 0), Verdict.MISMATCH),
        (False, True, Distance(3, 1e-16), Verdict.ULP),
        (False, True, Distance(1e9, 1e-7), Verdict.TOLERANCE),
        (False, True, Distance(1e12, 1e-2), Verdict.DECISION_ONLY),
        (False, False, Distance(1, 1e-16), Verdict.MISMATCH),
    ],
)
def test_the_ladder_of_verdicts(same_bits: bool, same_answer: bool, apart: Distance, verdict: Verdict) -> None:
    assert judge(same_bits=same_bits, same_answer=same_answer, apart=apart, tolerance=1e-6) is verdict


def test_a_tally_names_every_verdict() -> None:
    assert tally([Verdict.BIT, Verdict.BIT, Verdict.ULP]) == {
        "BIT": 2,
        "ULP": 1,
        "TOLERANCE": 0,
        "DECISION_ONLY": 0,
        "MISMATCH": 0,
    }
