"""How near a replayed output came to the one that was served, from the same bits down to another answer.

Verdicts, strongest first: `BIT` the same bytes and the same answer; `ULP` the same answer, every number within a few
units in the last place; `TOLERANCE` the same answer, every number within the tolerance the package states;
`DECISION_ONLY` the same answer from numbers further apart; `MISMATCH` another answer.
"""

from __future__ import annotations

import enum
import math
import struct
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tenure.contract.schema import Schema

#: Beyond this many units in the last place a difference is no longer rounding of the same computation; the BLAS kernels
#: and libm builds measured for the design differ by at most 32.
MOST_ULPS = 64


class Verdict(enum.StrEnum):
    """What a replay found."""

    BIT = "BIT"
    ULP = "ULP"
    TOLERANCE = "TOLERANCE"
    DECISION_ONLY = "DECISION_ONLY"
    MISMATCH = "MISMATCH"


class Distance(msgspec.Struct, frozen=True):
    """The largest difference over all numbers of an output: in units in the last place, and relative to the served one.

    Both are infinite where something that is no number (a string, a null, a NaN on one side only) differs.
    """

    ulps: float
    relative: float


def distance(outputs: Schema, served: Mapping[str, Any], replayed: Mapping[str, Any]) -> Distance:
    """Return how far two output rows of one schema lie apart."""
    ulps = relative = 0.0
    for field in outputs:
        pairs = zip(_items(served.get(field.name)), _items(replayed.get(field.name)), strict=False)
        if len(_items(served.get(field.name))) != len(_items(replayed.get(field.name))):
            return Distance(math.inf, math.inf)
        for then, now in pairs:
            apart = _apart(then, now, field.wire_dtype)
            ulps, relative = max(ulps, apart.ulps), max(relative, apart.relative)
    return Distance(ulps, relative)


def parts_distance(then: Mapping[str, float], now: Mapping[str, float]) -> Distance:
    """Return how far the contributions of two decisions lie apart, measured against the largest of them.

    A part near zero is the difference of two scores, so its own last places say nothing.
    """
    if then.keys() != now.keys():
        return Distance(math.inf, math.inf)
    largest = max((abs(part) for part in then.values()), default=0.0)
    apart = max((abs(now[name] - part) for name, part in then.items()), default=0.0)
    if not math.isfinite(largest + apart):
        return Distance(math.inf, math.inf)
    return Distance(apart / math.ulp(largest), apart / largest if largest else 0.0)


def farther(one: Distance, other: Distance) -> Distance:
    """Return the larger of two distances, in either measure."""
    return Distance(max(one.ulps, other.ulps), max(one.relative, other.relative))


def judge(*, same_bits: bool, same_answer: bool, apart: Distance, tolerance: float) -> Verdict:
    """Return the verdict; `tolerance` is the package's own relative one."""
    if not same_answer:
        return Verdict.MISMATCH
    if same_bits:
        return Verdict.BIT
    if apart.ulps <= MOST_ULPS:
        return Verdict.ULP
    if apart.relative <= tolerance:
        return Verdict.TOLERANCE
    return Verdict.DECISION_ONLY


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _apart(then: Any, now: Any, dtype: str) -> Distance:
    if then == now or (then != then and now != now):  # noqa: PLR0124 - NaN is the one value that differs from itself
        return Distance(0.0, 0.0)
    numbers = all(isinstance(value, int | float) and math.isfinite(value) for value in (then, now))
    if not numbers or isinstance(then, bool):
        return Distance(math.inf, math.inf)
    relative = abs(then - now) / max(abs(then), abs(now))
    if not dtype.startswith("float"):
        return Distance(math.inf, relative)
    return Distance(float(abs(_order(then, dtype) - _order(now, dtype))), relative)


def _order(value: float, dtype: str) -> int:
    """Return the place of a float among all floats of its dtype, so that neighbours differ by one."""
    wide = dtype == "float64"
    bits = int(struct.unpack("<q" if wide else "<i", struct.pack("<d" if wide else "<f", value))[0])
    return bits if bits >= 0 else -(bits & ((1 << (63 if wide else 31)) - 1))


def tally(verdicts: Iterable[Verdict]) -> dict[str, int]:
    """Return how often each verdict occurs, every verdict named."""
    counts = dict.fromkeys((verdict.value for verdict in Verdict), 0)
    for verdict in verdicts:
        counts[verdict.value] += 1
    return counts
