"""In which shapes a row's bits depend on nothing but the row: tried, never assumed.

A BLAS picks its kernel by the size of a call, so a row's score may depend on how many others are scored with it, on
where it stands, and in float32 even on its place inside one size (design.md, section 3). Each candidate is tried with
random neighbours at every place; one differing bit anywhere and the next candidate is tried.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any, TypeAlias

from tenure.kit.errors import Kind, TenureError
from tenure.model.package import BatchForm

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    Row: TypeAlias = dict[str, Any]
    Call: TypeAlias = Callable[[list[Row], int], list[bytes]]

UNIT = 8
#: sizes at which "any multiple of 8" is tried; the worker never calls with more rows than the largest
SIZES = (8, 16, 24, 32, 40, 64, 96, 128, 200, 256, 384, 512)
FIXED = (64, 32, 8)
#: the largest fixed shape may cost this many times one row
DEAREST = 1.2

_POOL = 256
_LEAST_ROUNDS = 2
_MOST_ROUNDS = 12
_TIMED = 8
_SEED = 20261123


class NotDeterministic(TenureError):
    """The model gives the same row different bits, even alone."""

    code = "not-deterministic"
    kind = Kind.REFUSED
    message = "the model gives different outputs for the same row, asked alone twice: no decision could be replayed"
    next_step = "fix the model's random state inside predict, so that the same row gives the same output"


def prove(call: Call, rows: Sequence[Row], seconds: Callable[[], float], patience: float = 1.5) -> BatchForm:
    """Return the first form that holds: any multiple of 8, one fixed shape, one row at a time.

    `call(rows, shape)` is one call to the model and gives each row's raw output bytes; `rows` are golden and reference
    rows; `seconds` is a clock that only rises; `patience` bounds each trial in seconds, after two rounds at least.
    """
    pool = _affordable_pool(call, _pool(rows), seconds, patience)
    if _holds(call, pool, UNIT, SIZES, _Budget(seconds, patience)):
        return BatchForm("multiple", UNIT)
    for shape in affordable(call, pool[0], seconds):
        if _holds(call, pool, shape, (shape,), _Budget(seconds, patience)):
            return BatchForm("fixed", shape)
    if any(call([row], 1) != call([row], 1) for row in pool[:16]):
        raise NotDeterministic
    return BatchForm("single", 1)


def affordable(call: Call, row: Row, seconds: Callable[[], float]) -> list[int]:
    """Return the fixed shapes worth trying, largest first: those that cost at most 1.2 times one row."""
    alone = _cost(call, row, 1, seconds)
    return [shape for shape in FIXED if _cost(call, row, shape, seconds) <= DEAREST * alone]


def _cost(call: Call, row: Row, shape: int, seconds: Callable[[], float]) -> float:
    """Return the seconds of the fastest of several calls: what the machine does beside only ever adds."""
    times = []
    for _ in range(_TIMED):
        began = seconds()
        call([row] * shape, shape)
        times.append(seconds() - began)
    return min(times)


def _pool(rows: Sequence[Row]) -> list[Row]:
    """Return at most 256 rows, the first ones (golden) always among them, the others drawn with a fixed seed."""
    kept = list(rows[: _POOL // 2])
    rest = list(rows[_POOL // 2 :])
    return kept + random.Random(_SEED).sample(rest, min(len(rest), _POOL - len(kept)))  # noqa: S311 - a trial, no secret


def _affordable_pool(call: Call, pool: list[Row], seconds: Callable[[], float], patience: float) -> list[Row]:
    """Return as many rows as can each be scored once within the patience, 16 at least: a slow model is tried on fewer."""
    each = _cost(call, pool[0], UNIT, seconds)
    return pool[: max(16, int(patience / max(each, 1e-6)))]


class _Budget:
    """Rounds until time is up, never fewer than two, never more than twelve."""

    def __init__(self, seconds: Callable[[], float], patience: float) -> None:
        self._seconds, self._patience = seconds, patience

    def rounds(self) -> Iterator[int]:
        end = self._seconds() + self._patience
        for nth in range(_MOST_ROUNDS):
            if nth >= _LEAST_ROUNDS and self._seconds() > end:
                return
            yield nth


def _holds(call: Call, pool: list[Row], unit: int, sizes: Sequence[int], budget: _Budget) -> bool:
    """Return whether each row gave the bits it gives among copies of itself in one call of `unit`, in every trial."""
    known: dict[int, bytes] = {}
    for nth in budget.rounds():
        dice = random.Random(_SEED + nth)  # noqa: S311
        for size in sizes:
            if not _agrees(call, pool, _places(dice, nth, size, len(pool)), known, unit):
                return False
    return True


def _places(dice: random.Random, nth: int, size: int, pool: int) -> list[int]:
    """Return which row stands where. Every other round a few rows go round all the places, as a short batch is padded."""
    if nth % 2:
        few = [dice.randrange(pool) for _ in range(3)]
        return [few[(place + nth) % 3] for place in range(size)]
    return [dice.randrange(pool) for _ in range(size)]


def _agrees(call: Call, pool: list[Row], places: list[int], known: dict[int, bytes], unit: int) -> bool:
    for row in set(places) - known.keys():
        alike = call([pool[row]] * unit, unit)
        if len(set(alike)) != 1:
            return False
        known[row] = alike[0]
    outputs = call([pool[row] for row in places], len(places))
    return all(bits == known[row] for row, bits in zip(places, outputs, strict=True))
