"""On which scale contributions add up: that of the score itself, or the log-odds of a score that is a probability."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


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
