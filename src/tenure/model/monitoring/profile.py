"""Profiles: exact integer counts over bins that are frozen from the reference sample, so that merging is addition.

A profile never holds a value, only how often each bin was met: any split, order or repetition of the work gives the
same profile, byte for byte, and hours add up to days and days to months.
"""

from __future__ import annotations

import hashlib
import math
from bisect import bisect_right
from collections import Counter
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import msgspec

from tenure.kit.digests import canonical, digest_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy as np
    import numpy.typing as npt

    from tenure.contract.schema import Field, Schema

#: most bins of a numeric column: with 20, a bin of 100 live rows is expected to hold 5
BINS = 20
#: most categories that get a bin of their own
CATEGORIES = 50
#: a bin must hold this many reference rows; a rarer category counts as "other", a rarer number joins its neighbour
RARE = 5

#: hashes of entities that are kept, and their bits: few enough that JSON numbers hold them exactly
ENTITIES = 256
HASH_BITS = 52
#: whole numbers beyond the largest float64 are unreadable
_LARGEST = 1 << 1023

_CATEGORIES = str | bool | int
_PLAIN = frozenset({float, int, type(None)})

Counts: TypeAlias = tuple[int, ...]

#: what follows the bins in a column's counts: the same five places for every column
BELOW, ABOVE, NULL, NAN, UNREADABLE = range(5)
OTHER, UNSEEN = BELOW, ABOVE
_PLACES = 5

_PER_DECADE = 20
#: latency bins in microseconds, from 10 µs to 100 s, each 12 % wider than the one before (20 a decade)
LATENCY_EDGES: tuple[int, ...] = tuple(round(10 ** (1 + step / _PER_DECADE)) for step in range(7 * _PER_DECADE + 1))


class Bins(msgspec.Struct, frozen=True, omit_defaults=True):
    """How the values of one column are counted; frozen when the version's reference sample is first read.

    Numbers: bin i holds lefts[i] ≤ value < lefts[i+1], the last one lefts[-1] ≤ value ≤ maximum. Categories: one bin
    for each of `labels`; `rare` are the values of the reference that got none. A column's counts are its bins, then
    below (or other), above (or unseen), null, NaN, and unreadable: a value of another type than the column's.
    """

    name: str
    kind: Literal["number", "category"]
    lefts: tuple[float, ...] = ()
    maximum: float = 0.0
    labels: tuple[str, ...] = ()
    rare: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Return how many bins there are, without the five places that follow them."""
        return len(self.lefts) if self.kind == "number" else len(self.labels)

    @property
    def names(self) -> tuple[str, ...]:
        """Return a name for each cell of `comparable`."""
        if self.kind == "category":
            return (*self.labels, "(other)")
        ends = (*self.lefts[1:], self.maximum)
        return tuple(f"{left:g} to {end:g}" for left, end in zip(self.lefts, ends, strict=True))


class Yardstick(msgspec.Struct, frozen=True):
    """What a version's days are measured against: bins and reference counts by column, inputs and outputs apart."""

    inputs: dict[str, Bins]
    outputs: dict[str, Bins]
    reference: dict[str, Counts]
    #: columns that are not watched, and why
    unwatched: dict[str, str]

    @property
    def bins(self) -> dict[str, Bins]:
        """Return all bins by key: inputs by name, outputs as `output.NAME`."""
        return self.inputs | self.outputs

    @property
    def digest(self) -> str:
        """Return the digest of the bins: profiles may be added up when it is the same."""
        return digest_of(canonical(msgspec.to_builtins(self.bins)))


class Profile(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a version did in one stretch of the log, in counts.

    `decisions` are those it served, or would have served where a rule answered before it was asked; `shadows` those
    it only watched. `asked` counts the times it was asked for an output, `failures` how often none came, by kind.
    """

    decisions: int = 0
    shadows: int = 0
    asked: int = 0
    decided_by: dict[str, int] = {}
    failures: dict[str, int] = {}
    latency: Counts = ()
    columns: dict[str, Counts] = {}
    entities: Counts = ()
    anonymous: int = 0

    @property
    def repetition(self) -> float:
        """Return how many questions there were about each entity, at least 1.

        Up to `ENTITIES` entities are counted exactly; beyond, their number follows from the largest hash kept (the
        k-minimum-values estimate, Bar-Yossef et al. 2002), 6 % off on average.
        """
        known = len(self.entities)
        if known >= ENTITIES:
            known = max(known, round((known - 1) * 2**HASH_BITS / max(self.entities[-1], 1)))
        return max(1.0, self.asked / max(known + self.anonymous, 1))


def entities_of(names: Iterable[str]) -> Counts:
    """Return the smallest hashes of the different names: a set that merges by union, whatever the order."""
    hashes = {
        int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") >> 64 - HASH_BITS for name in set(names)
    }
    return tuple(sorted(hashes)[:ENTITIES])


def merged(first: Profile, second: Profile) -> Profile:
    """Return the profile of both stretches together; commutative, associative, and `Profile()` changes nothing."""
    return Profile(
        decisions=first.decisions + second.decisions,
        shadows=first.shadows + second.shadows,
        asked=first.asked + second.asked,
        decided_by=_summed(first.decided_by, second.decided_by),
        failures=_summed(first.failures, second.failures),
        latency=added(first.latency, second.latency),
        columns={
            name: added(first.columns.get(name, ()), second.columns.get(name, ()))
            for name in sorted(first.columns.keys() | second.columns.keys())
        },
        entities=tuple(sorted({*first.entities, *second.entities})[:ENTITIES]),
        anonymous=first.anonymous + second.anonymous,
    )


def total(profiles: Iterable[Profile]) -> Profile:
    """Return the profile of all stretches together."""
    result = Profile()
    for profile in profiles:
        result = merged(result, profile)
    return result


def added(first: Counts, second: Counts) -> Counts:
    """Return the sum of two counts over the same bins; no counts at all are zeros."""
    if not first or not second:
        return first or second
    return tuple(a + b for a, b in zip(first, second, strict=True))


def _summed(first: Mapping[str, int], second: Mapping[str, int]) -> dict[str, int]:
    return {key: first.get(key, 0) + second.get(key, 0) for key in sorted(first.keys() | second.keys())}


# --- freezing the bins ------------------------------------------------------------------------------------------------


def freeze(
    inputs: Schema, outputs: Schema, sample: Mapping[str, Sequence[Any]], outputs_sample: Mapping[str, Sequence[Any]]
) -> Yardstick:
    """Return the yardstick of a version from its reference sample, columns of values by name.

    `outputs_sample` holds what the version gave for known rows; without it the outputs are not watched. A column that
    is a date or a moment moves by nature, a vector of whole numbers is a list of names: both are left unwatched.
    """
    unwatched: dict[str, str] = {}
    reference: dict[str, Counts] = {}
    frozen: list[dict[str, Bins]] = []
    for prefix, schema, columns in (("", inputs, sample), ("output.", outputs, outputs_sample)):
        bins = {}
        for field in schema:
            key = prefix + field.name
            why = reason_not_to_watch(field, columns.get(field.name, ()))
            if why:
                unwatched[key] = why
                continue
            bins[key] = bins_of(key, field, columns[field.name])
            reference[key] = count(bins[key], columns[field.name])
        frozen.append(bins)
    return Yardstick(frozen[0], frozen[1], reference, unwatched)


def reason_not_to_watch(field: Field, values: Sequence[Any]) -> str:
    """Return why a column has no bins, or an empty string if it can have them."""
    if field.type in {"date", "timestamp"}:
        return "a moment in time always moves"
    if field.shape and field.wire_dtype not in {"float64", "float32"}:
        return "a list of names has no distribution of its own"
    if not any(is_number(value) if is_numeric(field) else value is not None for value in map(one_value, values)):
        return "the reference sample holds no value of it"
    return ""


def is_numeric(field: Field) -> bool:
    """Tell whether the column is counted in intervals (numbers) or by value (text and truth values)."""
    return field.type in {"int", "float"}


def is_number(value: Any) -> bool:
    """Tell whether `value` is a number other than NaN."""
    import numpy as np

    if isinstance(value, float):
        return not math.isnan(value)
    if isinstance(value, np.number):
        value = value.item()
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _LARGEST


def is_nan(value: Any) -> bool:
    """Tell whether `value` is the float that is not a number."""
    return isinstance(value, float) and math.isnan(value)


def one_value(value: Any) -> Any:
    """Return the one value that a row is counted by: itself, or the mean of a vector, so that a row counts once.

    What is no vector of numbers comes back as it is, and is counted as unreadable.
    """
    import numpy as np

    if not isinstance(value, list | tuple | np.ndarray):
        return value
    try:
        return float(np.mean(np.asarray(value, dtype=np.float64))) if len(value) else None
    except (TypeError, ValueError):
        return value


def bins_of(key: str, field: Field, values: Sequence[Any]) -> Bins:
    """Return the bins of one column frozen from its reference values."""
    import numpy as np

    if is_numeric(field):
        numbers = np.asarray([value for value in map(one_value, values) if is_number(value)], dtype=np.float64)
        return Bins(key, "number", lefts=lefts_of(numbers), maximum=float(numbers.max()))
    seen = Counter(label(value) for value in values if value is not None)
    often = [name for name, times in sorted(seen.items(), key=lambda item: (-item[1], item[0])) if times >= RARE]
    labels = tuple(sorted(often[:CATEGORIES]))
    return Bins(key, "category", labels=labels, rare=tuple(sorted(seen.keys() - set(labels))))


def lefts_of(numbers: npt.NDArray[np.float64]) -> tuple[float, ...]:
    """Return the left edges: every value where there are few, else the reference's quantiles, at most `BINS`.

    Quantiles are values of the sample itself (inverted CDF), so ties never split. An edge whose bin would hold fewer
    than `RARE` reference rows is left out.
    """
    import numpy as np

    distinct = np.unique(numbers)
    if len(distinct) > BINS:
        steps = np.arange(BINS) / BINS
        distinct = np.unique(np.quantile(numbers, steps, method="inverted_cdf"))
        distinct[0] = numbers.min()
    kept: list[float] = []
    held = np.histogram(numbers, bins=[*distinct, np.inf])[0]
    waiting = RARE
    for left, rows in zip(distinct.tolist(), held.tolist(), strict=True):
        if waiting >= RARE:
            kept.append(left)
            waiting = 0
        waiting += rows
    if waiting < RARE and len(kept) > 1:
        kept.pop()
    return tuple(kept)


# --- counting ---------------------------------------------------------------------------------------------------------


def count(bins: Bins, values: Sequence[Any] | npt.NDArray[Any]) -> Counts:
    """Return how often each bin and each of the five places is met by `values`.

    None is null. A numpy array of numbers is counted as it is, which is the fast way; whole numbers beyond 2**53 are
    compared as the nearest float64.
    """
    import numpy as np

    if bins.kind == "category":
        return _count_categories(bins, values)
    if isinstance(values, np.ndarray) and values.dtype.kind in "iuf" and values.ndim == 1:
        return _count_numbers(bins, values.astype(np.float64, copy=False), 0, 0)
    if (plain := _plain(values)) is not None:
        return _count_numbers(bins, plain, nulls=len(values) - len(plain), unreadable=0)
    ones = [one_value(value) for value in values]
    known = [value for value in ones if value is not None]
    numbers = [value for value in known if is_number(value) or is_nan(value)]
    return _count_numbers(
        bins, np.asarray(numbers, dtype=np.float64), nulls=len(ones) - len(known), unreadable=len(known) - len(numbers)
    )


def _plain(values: Sequence[Any] | npt.NDArray[Any]) -> npt.NDArray[np.float64] | None:
    """Return the numbers among `values` where all are numbers or None, as nearly always; else each must be looked at."""
    import numpy as np

    types = set(map(type, values))
    if not types <= _PLAIN:
        return None
    numbers = [value for value in values if value is not None] if type(None) in types else values
    try:
        found = np.array(numbers, dtype=np.float64)
    except OverflowError:
        return None
    return None if int in types and (np.abs(found) >= float(_LARGEST)).any() else found


def _count_numbers(bins: Bins, numbers: npt.NDArray[np.float64], nulls: int, unreadable: int) -> Counts:
    import numpy as np

    real = numbers[~np.isnan(numbers)]
    above = int((real > bins.maximum).sum())
    places = np.searchsorted(np.asarray(bins.lefts), real, side="right")
    held = np.bincount(places, minlength=bins.size + 1)
    held[bins.size] -= above
    return (*held[1:].tolist(), int(held[0]), above, nulls, len(numbers) - len(real), unreadable)


def _count_categories(bins: Bins, values: Sequence[Any] | npt.NDArray[Any]) -> Counts:
    import numpy as np

    place = {name: index for index, name in enumerate(bins.labels)}
    place |= dict.fromkeys(bins.rare, bins.size + OTHER)
    cells = [0] * (bins.size + _PLACES)
    for (_, value), times in _times(values.tolist() if isinstance(values, np.ndarray) else values).items():
        cells[_place_of(value, place, bins.size)] += times
    return tuple(cells)


def _times(values: Sequence[Any]) -> Counter[tuple[type, Any]]:
    """Return how often each value occurs, told apart by type too: to a dict, 1, 1.0 and True are one key.

    A list or an object is one more value of a type that no category has, so its type alone is kept.
    """
    return Counter(
        (type(value), value) if isinstance(value, _CATEGORIES | float | None) else (object, object())
        for value in values
    )


def _place_of(value: Any, place: Mapping[str, int], size: int) -> int:
    if value is None:
        return size + NULL
    if is_nan(value):
        return size + NAN
    if not isinstance(value, _CATEGORIES):
        return size + UNREADABLE
    return place.get(label(value), size + UNSEEN)


def label(value: Any) -> str:
    """Return the text by which a category is counted: truth values as JSON writes them."""
    import numpy as np

    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    return str(value)


def comparable(bins: Bins, counts: Counts) -> Counts:
    """Return the counts that two profiles are compared by: the bins, with the places outside folded in.

    Below joins the first bin and above the last; other and unseen make one cell at the end. Outside the reference's
    range nothing can have been counted when the bins were frozen, so cells of their own would differ by construction.
    """
    body = list(counts[: bins.size])
    if bins.kind == "category":
        return (*body, counts[bins.size + OTHER] + counts[bins.size + UNSEEN])
    body[0] += counts[bins.size + BELOW]
    body[-1] += counts[bins.size + ABOVE]
    return tuple(body)


def rows(counts: Counts) -> int:
    """Return how many rows were counted."""
    return sum(counts)


def missing(counts: Counts) -> int:
    """Return how many rows had no value: null or NaN."""
    return counts[NULL - _PLACES] + counts[NAN - _PLACES]


def outside(bins: Bins, counts: Counts) -> int:
    """Return how many rows were outside what the reference holds: below or above its range, or a category it lacks."""
    return counts[bins.size + ABOVE] + (counts[bins.size + BELOW] if bins.kind == "number" else 0)


def unreadable(counts: Counts) -> int:
    """Return how many rows held a value of another type than the column's."""
    return counts[UNREADABLE - _PLACES]


def prior_outside(bins: Bins, reference: Counts) -> tuple[int, int]:
    """Return a, b of the beta distribution of the share that lies outside when nothing has changed.

    Numbers: what is beyond the smallest or largest of m has exactly Beta(2, m - 1) (David and Nagaraja, Order
    Statistics, 2003, section 2.3), ties make it less. Categories: the share of what has not been seen yet is about that
    of what was seen once (Good, 1953); the values that got no bin bound it.
    """
    seen = sum(comparable(bins, reference))
    return (2, max(seen - 1, 1)) if bins.kind == "number" else (len(bins.rare) + 1, max(seen, 1))


# --- latency ----------------------------------------------------------------------------------------------------------


def latency_counts(microseconds: Iterable[int]) -> Counts:
    """Return how many answers took how long, over `LATENCY_EDGES`."""
    cells = [0] * (len(LATENCY_EDGES) + 1)
    for elapsed in microseconds:
        cells[bisect_right(LATENCY_EDGES, elapsed)] += 1
    return tuple(cells)


def latency_quantile(counts: Counts, share: float) -> int | None:
    """Return microseconds that at least `share` of the answers did not exceed, to the next bin edge (12 % apart)."""
    answered = sum(counts)
    seen = 0
    for index, times in enumerate(counts):
        seen += times
        if answered and seen >= share * answered:
            return LATENCY_EDGES[min(index, len(LATENCY_EDGES) - 1)]
    return None
