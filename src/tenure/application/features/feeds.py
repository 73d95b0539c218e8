"""A view's values out of events: exact, whatever the order they arrive in, and for any moment.

A sum is kept as a fraction, so that it does not depend on the order of its parts, and what has left a window is taken out
again without a rest. An event of moment t counts at a moment m if t <= m, and within a window w if m < t + w.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import msgspec

from tenure.application.features.view import MOST_LISTED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tenure.application.features.view import Aggregate, Feed


class Happened(NamedTuple):
    """An event as one key's columns see it: when, its id (which orders events of one moment), its fields."""

    at: int
    id: str
    values: dict[str, Any]


class Change(NamedTuple):
    """From `since` on a key had these values, known since `known_at`."""

    key: str
    since: int
    values: dict[str, Any]
    known_at: int


#: the events of one key in (after, until], in any order
Between: TypeAlias = Callable[[int, int], Iterable[Happened]]


class Cell(msgspec.Struct, array_like=True):
    """What one column stands on: how many values, their sum as a fraction, and the newest with its moment and id.

    `items` are the distinct values of a list, each with its newest moment and id, oldest first.
    """

    count: int = 0
    total: str = "0"
    last: tuple[int, str, Any] | None = None
    items: list[tuple[int, str, Any]] = []


class State(msgspec.Struct, array_like=True):
    """What a key's columns stand on as of a moment, and the newest event."""

    as_of: int
    newest: int
    cells: list[Cell]


def empty(feed: Feed, moment: int) -> State:
    """Return the state of a key before its first event."""
    return State(moment, 0, [Cell() for _ in feed.columns])


def add(state: State, feed: Feed, event: Happened) -> None:
    """Take in an event that is not later than the state; one that is older than a column's window does not count there."""
    state.newest = max(state.newest, event.at)
    for column, cell in zip(feed.columns, state.cells, strict=True):
        if column.window_us is None or event.at > state.as_of - column.window_us:
            _count(column, cell, event, 1)


def advance(state: State, feed: Feed, moment: int, between: Between) -> None:
    """Move the state on to a later moment: events that have left a column's window since count no more."""
    for column, cell in zip(feed.columns, state.cells, strict=True):
        if column.window_us is None:
            continue
        for event in between(state.as_of - column.window_us, moment - column.window_us):
            _count(column, cell, event, -1)
        if cell.last is not None and cell.last[0] <= moment - column.window_us:
            cell.last = None
        cell.items = [one for one in cell.items if one[0] > moment - column.window_us]
    state.as_of = max(state.as_of, moment)


def _count(column: Aggregate, cell: Cell, event: Happened, sign: int) -> None:
    value = event.values.get(column.of) if column.of else 1
    if value is None:
        return
    cell.count += sign
    if column.how in {"sum", "mean"}:
        cell.total = str(Fraction(cell.total) + sign * Fraction(value))
    elif column.how == "last" and sign > 0 and (cell.last is None or (event.at, event.id) >= tuple(cell.last[:2])):
        cell.last = (event.at, event.id, value)
    elif column.how == "list" and sign > 0:
        _remember(cell, (event.at, event.id, value))


def _remember(cell: Cell, one: tuple[int, str, Any]) -> None:
    """Keep a value at its newest moment; which ones are kept depends on the moments alone, not on the order of arrival."""
    known = next((place for place, other in enumerate(cell.items) if other[2] == one[2]), None)
    if known is not None:
        if cell.items[known][:2] >= one[:2]:
            return
        del cell.items[known]
    insort(cell.items, one, key=lambda other: other[:2])
    del cell.items[:-MOST_LISTED]


def values(state: State, feed: Feed) -> dict[str, Any]:
    """Return the columns' values; a mean or a last of nothing is missing."""
    kinds = {field.name: field.type for field in feed.fields}
    pairs = zip(feed.columns, state.cells, strict=True)
    return {column.name: _value(column, cell, kinds.get(column.of, "int")) for column, cell in pairs}


def _value(column: Aggregate, cell: Cell, kind: str) -> Any:
    match column.how:
        case "count":
            return cell.count
        case "sum":
            return int(cell.total) if kind == "int" else float(Fraction(cell.total))
        case "mean":
            return float(Fraction(cell.total) / cell.count) if cell.count else None
        case "last":
            return cell.last[2] if cell.last else None
        case "list":
            return [value for _, _, value in reversed(cell.items)]


def windows(feed: Feed) -> list[int]:
    """Return the lengths of the feed's windows, each once."""
    return sorted({column.window_us for column in feed.columns if column.window_us is not None})


def changes(feed: Feed, key: str, events: Sequence[Happened]) -> Iterator[Change]:
    """Return what a key's values are from each moment on at which they change, in their order."""
    told = sorted(events, key=lambda event: (event.at, event.id))
    moments = sorted({event.at + after for event in told for after in (0, *windows(feed))})
    state, place = empty(feed, moments[0] if moments else 0), 0
    for moment in moments:
        entering = place
        while place < len(told) and told[place].at <= moment:
            place += 1
        # Only what has entered before can leave.
        advance(state, feed, moment, _among(told[:entering]))
        for event in told[entering:place]:
            add(state, feed, event)
        yield Change(key, moment, values(state, feed), state.newest)


def _among(events: Sequence[Happened]) -> Between:
    return lambda after, until: [event for event in events if after < event.at <= until]
