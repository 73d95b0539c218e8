"""One condition column of a decision table, cut into the fewest parts that its cells tell apart.

For each part a whole number says which rows hold there, one bit a row. A value finds its part by bisection (ordered
kinds) or by a look-up (text, truth), so the cost of a row is one bit in an `&` of all columns.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from tenure.application.rules.cells import Chosen, Span
from tenure.application.rules.kinds import BOOL, DATE, INT, STRING, TIMESTAMP
from tenure.kit.clock import iso

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from tenure.application.rules.cells import Cell
    from tenure.application.rules.kinds import Kind, Known

Place: TypeAlias = "Callable[[Any], int]"


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a column's values that can occur: the rows that hold in it, and its words."""

    rows: int
    words: str


@dataclass(frozen=True, slots=True)
class Axis:
    """A column, ready: `place` gives the rows that hold for a value; `parts` are all parts that can occur."""

    place: Place
    parts: tuple[Part, ...]


def axis_of(kind: Kind, known: Known | None, cells: Sequence[Cell]) -> Axis:
    """Return the axis of a column. `known` is the field that it is, whose bounds are the only values that occur."""
    if kind in {STRING, BOOL}:
        return _by_value(kind, known, cells)
    return _by_order(kind, known, cells)


# ---- text and truth


def _by_value(kind: Kind, known: Known | None, cells: Sequence[Cell]) -> Axis:
    chosen = [cell if isinstance(cell, Chosen) else Chosen((), others=True) for cell in cells]
    declared = (False, True) if kind == BOOL else (known.values if known else None)
    values = dict.fromkeys([*(declared or ()), *(value for cell in chosen for value in cell.values)])
    rest = _bits(row for row, cell in enumerate(chosen) if cell.others)
    rows = dict.fromkeys(values, rest)
    for row, cell in enumerate(chosen):
        for value in cell.values:
            rows[value] = rows[value] & ~(1 << row) if cell.others else rows[value] | 1 << row
    parts = [Part(rows[value], _plain(value)) for value in (declared or values)]
    parts += [] if declared else [Part(rest, "any other text")]
    return Axis(lambda value: rows.get(value, rest), tuple(parts))


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else f"'{value}'"


# ---- what has an order


def _by_order(kind: Kind, known: Known | None, cells: Sequence[Cell]) -> Axis:
    spans = [cell if isinstance(cell, tuple) else (Span(),) for cell in cells]
    domain = Span(known.minimum if known else None, known.maximum if known else None)
    points = _points([*(span for of_row in spans for span in of_row), domain])
    rows = _rows_by_part(points, spans)
    first, last = _reach(points, domain)
    parts = tuple(
        Part(rows[place], _words(points, place, kind))
        for place in range(first, last + 1)
        if not _hollow(points, place, kind)
    )
    return Axis(_bisecting(points, rows), parts)


def _points(spans: Iterable[Span]) -> list[Any]:
    return sorted({end for span in spans for end in (span.low, span.high) if end is not None})


def _reach(points: list[Any], span: Span) -> tuple[int, int]:
    """Return the first and the last part of a span: part 2i+1 is the point i itself, part 2i what lies before it."""
    low, high = 0, 2 * len(points)
    if span.low is not None:
        low = 2 * bisect_left(points, span.low) + (1 if span.low_in else 2)
    if span.high is not None:
        high = 2 * bisect_left(points, span.high) + (1 if span.high_in else 0)
    return low, high


def _rows_by_part(points: list[Any], spans: Sequence[tuple[Span, ...]]) -> list[int]:
    """Return for each part the rows that hold in it; one sweep, so that a long table is compiled at once."""
    parts = 2 * len(points) + 1
    begins, ends = [0] * (parts + 1), [0] * (parts + 1)
    for row, of_row in enumerate(spans):
        for low, high in _merged([_reach(points, span) for span in of_row]):
            begins[low] |= 1 << row
            ends[high + 1] |= 1 << row
    found, now = [], 0
    for place in range(parts):
        now = now & ~ends[place] | begins[place]
        found.append(now)
    return found


def _merged(reaches: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for low, high in sorted(reaches):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        elif low <= high:
            merged.append((low, high))
    return merged


def _hollow(points: list[Any], place: int, kind: Kind) -> bool:
    """Tell whether nothing can lie in a part: between 3 and 4 there is no whole number, between two days no day."""
    if place % 2 or place in {0, 2 * len(points)} or kind not in {INT, TIMESTAMP, DATE}:
        return False
    before, after = points[place // 2 - 1], points[place // 2]
    return bool(_count(after) - _count(before) <= 1)


def _count(point: Any) -> Any:
    import datetime as dt

    return dt.date.fromisoformat(point).toordinal() if isinstance(point, str) else point


def _words(points: list[Any], place: int, kind: Kind) -> str:
    shown = [
        iso(point) if kind == TIMESTAMP else f"{point:g}" if isinstance(point, float) else point for point in points
    ]
    if place % 2:
        return f"= {shown[place // 2]}"
    low, high = place // 2 - 1, place // 2
    if not points:
        return "anything"
    if low < 0:
        return f"< {shown[high]}"
    return f"> {shown[low]}" if high == len(points) else f"in ({shown[low]}..{shown[high]})"


def _bisecting(points: list[Any], rows: list[int]) -> Place:
    count = len(points)

    def place(value: Any) -> int:
        found = bisect_left(points, value)
        if found < count and points[found] == value:
            return rows[2 * found + 1]
        # NaN is in no range: it compares with nothing, so the bisection would call it the least of all.
        return rows[2 * found] if value == value else 0  # noqa: PLR0124

    return place


def _bits(rows: Iterable[int]) -> int:
    found = 0
    for row in rows:
        found |= 1 << row
    return found
