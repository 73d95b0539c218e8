"""Whether contributions add up to the score that was served: on the score's own scale, or as log-odds of a probability.

No explanation is shown, and no reason given, that fails this check.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Scale:
    """A way from scores to what adds up, and back; `slope` is how much `to` stretches a score's own rounding."""

    name: str
    to: Callable[[float], float]
    back: Callable[[float], float]
    slope: Callable[[float], float]


def log_odds(probability: float) -> float:
    """Return the log-odds of a probability; raise `ValueError` for 0, 1 and everything outside."""
    if not 0.0 < probability < 1.0:
        raise ValueError(probability)
    return math.log(probability) - math.log1p(-probability)


def probability_of(margin: float) -> float:
    """Return the probability that has these log-odds."""
    return 1.0 / (1.0 + math.exp(-margin)) if margin >= 0 else math.exp(margin) / (1.0 + math.exp(margin))


def _steepness(probability: float) -> float:
    inside = probability * (1.0 - probability)
    return 1.0 / inside if inside > 0 else math.inf


SCORE = Scale("score", float, float, lambda _: 0.0)
LOG_ODDS = Scale("log-odds", log_odds, probability_of, _steepness)
SCALES = {scale.name: scale for scale in (SCORE, LOG_ODDS)}


@dataclass(frozen=True, slots=True)
class Precision:
    """How far sums may lie apart, relative to the numbers in them, and the rounding unit of the output's dtype."""

    tolerance: float
    unit: float

    def slack(self, scale: Scale, score: float) -> float:
        """Return what the rounding of a score is worth on the scale; raise `ValueError` where it drowns everything.

        A score of 1 - 1e-12 says little about its log-odds, so nothing can be checked against it there.
        """
        slack = 8 * self.unit * abs(score) * scale.slope(score)
        if slack > 1000 * self.tolerance:
            raise ValueError(score)
        return slack


#: by the output's dtype; outputs in float32 carry seven digits, and XGBoost adds up in them
PRECISIONS = {"float32": Precision(1e-5, 2.0**-24)}
DOUBLE = Precision(1e-9, 2.0**-53)


@dataclass(frozen=True, slots=True)
class Sum:
    """Contributions and baseline added up on `scale`, and how far the score they mean lies from the one served."""

    scale: str
    total: float
    score: float
    served: float
    difference: float
    allowed: float

    @property
    def holds(self) -> bool:
        """Return whether they explain the score; NaN and infinities explain nothing."""
        return self.difference <= self.allowed < math.inf


def added_up(
    contributions: Mapping[str, float], baseline: float, scale: Scale, served: float, precision: Precision
) -> Sum:
    """Add up and compare with the score served, on the scale and, for log-odds, as scores too.

    On the scale alone a probability near 1 would let almost nothing pass, as scores alone almost everything.
    """
    total = _total([baseline, *contributions.values()])
    score = scale.back(total)
    largest = max(abs(served), abs(baseline), *(abs(one) for one in contributions.values()), 0.0)
    allowed = precision.tolerance * largest
    difference = abs(total - served)
    if scale.name != "score":
        difference, allowed = _linked(total, score, served, scale, precision, largest)
    return Sum(scale.name, total, score, served, difference, allowed)


def _linked(
    total: float, score: float, served: float, scale: Scale, precision: Precision, largest: float
) -> tuple[float, float]:
    """Return (difference, allowed) of the stricter look: as scores, or on the scale with the score's own rounding."""
    as_scores = abs(score - served)
    if not as_scores <= precision.tolerance * abs(served):
        return as_scores, precision.tolerance * abs(served)
    try:
        slack = 8 * precision.unit * abs(served) * scale.slope(served)
        return abs(total - scale.to(served)), precision.tolerance * largest + slack
    except ValueError:
        return as_scores, precision.tolerance * abs(served)


def precision_of(dtype: str) -> Precision:
    """Return how exactly a score of this dtype must be met."""
    return PRECISIONS.get(dtype, DOUBLE)


def _total(values: Sequence[float]) -> float:
    """Return the sum rounded once; NaN where infinities meet."""
    try:
        return math.fsum(values)
    except (OverflowError, ValueError):
        return math.nan
