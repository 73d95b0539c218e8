"""Rows of a file or a caller to rows of a view: typed, or refused naming row and column; a view guessed from its first rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, TypeAlias

from tenure.application.features.view import BadRow, View
from tenure.contract.schema import Field, FieldType
from tenure.kit.clock import SECOND, parse_iso
from tenure.kit.errors import Kind, TenureError

Row: TypeAlias = Mapping[str, Any]
#: key, since when it is known, the values, and when the row itself was written, which orders rows of one moment
Typed: TypeAlias = tuple[str, int, dict[str, Any], int]
_TRUTHS = {"true": True, "false": False}


class UnclearView(TenureError):
    """A view cannot be made of these rows."""

    code = "unclear-view"
    kind = Kind.BAD_INPUT
    message = "{view}: {why}"
    next_step = "name the key column, and give at least one row with a value in every column"


@dataclass(frozen=True, slots=True)
class Times:
    """When rows became known and were written: both at one moment, or as their columns of these names say."""

    known_at: int
    written_at: int
    known_column: str = ""
    written_column: str = ""


def typed_rows(view: View, rows: Sequence[Row], times: Times) -> list[Typed]:
    """Return the rows typed; raise `BadRow` for the first that does not fit."""
    return [_typed(view, place, row, times) for place, row in enumerate(rows, start=1)]


def _typed(view: View, place: int, row: Row, times: Times) -> Typed:
    known = {view.key, times.known_column, times.written_column, *(column.name for column in view.columns)}
    for name in row:
        if name not in known:
            raise BadRow(row=place, view=view.name, column=name, why="the view has no such column")
    key = row.get(view.key)
    if key is None or key == "":
        raise BadRow(row=place, view=view.name, column=view.key, why="the key is missing")
    known_at = _moment(view, place, row, times.known_column, times.known_at)
    written_at = _moment(view, place, row, times.written_column, times.written_at)
    values = {c.name: _converted(view, place, c.name, row.get(c.name), c.type) for c in view.columns}
    return key_text(key), known_at, values, written_at


def _moment(view: View, place: int, row: Row, column: str, otherwise: int) -> int:
    if not column:
        return otherwise
    moment: int | None = _converted(view, place, column, row.get(column), "timestamp")
    if moment is None:
        raise BadRow(row=place, view=view.name, column=column, why="the time is missing")
    return moment


def typed_defaults(view: View, defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Return the defaults in the types of their columns; raise `BadRow` (row 0) for one that does not fit."""
    types = {column.name: column.type for column in view.columns}
    for name in defaults:
        if name not in types:
            raise BadRow(row=0, view=view.name, column=name, why="a default for a column that the view does not have")
    return {name: _converted(view, 0, name, value, types[name]) for name, value in defaults.items()}


def key_text(value: Any) -> str:
    """Return a key as text, the same for 7, 7.0 and "7": columns of whole numbers with gaps arrive as floats."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _converted(view: View, place: int, column: str, value: Any, wanted: str) -> Any:
    if value is None or value == "" or (isinstance(value, float) and math.isnan(value)):
        return None
    try:
        return _CONVERSIONS[wanted](value)
    except (ValueError, TypeError, OverflowError, KeyError):
        raise BadRow(row=place, view=view.name, column=column, why=f"{value!r} is no {wanted}") from None


def _int(value: Any) -> int:
    if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
        raise ValueError(value)
    return int(value)


def _float(value: Any) -> float:
    if isinstance(value, bool):
        raise ValueError(value)  # noqa: TRY004 - one error for everything that does not convert
    return float(value)


def _bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    return {"true": True, "1": True, "false": False, "0": False}[str(value).lower()]


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(value)  # noqa: TRY004
    return value


def _timestamp(value: Any) -> int:
    if isinstance(value, datetime):
        moment = value if value.tzinfo else value.replace(tzinfo=UTC)
        return round(moment.timestamp() * SECOND)
    return value if isinstance(value, int) else parse_iso(value)


def _date(value: Any) -> str:
    if isinstance(value, datetime):
        return value.date().isoformat()
    return value.isoformat() if isinstance(value, date) else date.fromisoformat(value).isoformat()


_CONVERSIONS: dict[str, Callable[[Any], Any]] = {
    "int": _int, "float": _float, "bool": _bool, "string": _string, "timestamp": _timestamp, "date": _date,
}  # fmt: skip


def guessed_view(name: str, key: str, rows: Sequence[Row], times: Collection[str] = ()) -> View:
    """Return a view whose columns have the narrowest type that takes every value of these rows.

    `times` are columns that say when a row became known or was written.
    """
    names = list(dict.fromkeys(column for row in rows for column in row if column not in {key, *times}))
    if not any(key in row for row in rows):
        raise UnclearView(view=name, why=f"no row has the key column {key!r}")
    if not names:
        raise UnclearView(view=name, why="the rows have no column besides the key and their times")
    return View(name, key, tuple(_column(name, column, [row.get(column) for row in rows]) for column in names))


def _column(view: str, name: str, values: list[Any]) -> Field:
    present = [value for value in values if value is not None and value != "" and value == value]  # noqa: PLR0124 - NaN
    if not present:
        raise UnclearView(view=view, why=f"the column {name!r} has no value")
    return Field(name, _narrowest(present), nullable=len(present) < len(values))


def _narrowest(values: list[Any]) -> FieldType:
    orders: dict[type, tuple[FieldType, ...]] = {
        bool: ("bool",), int: ("int",), float: ("float",), datetime: ("timestamp",), date: ("date",),
    }  # fmt: skip
    guesses: tuple[FieldType, ...] = ("int", "float", "bool", "date", "timestamp", "string")
    kinds = {type(value) for value in values}
    if kinds == {int, float}:
        return "float"
    for wanted in orders.get(kinds.pop(), guesses) if len(kinds) == 1 else ("string",):
        if all(_takes(wanted, value) for value in values):
            return wanted
    return "string"


def _takes(wanted: FieldType, value: Any) -> bool:
    if wanted == "bool" and isinstance(value, str):
        return value.lower() in _TRUTHS
    try:
        _CONVERSIONS[wanted](value)
    except (ValueError, TypeError, OverflowError, KeyError):
        return False
    return True
