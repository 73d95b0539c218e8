"""Training sets: rows of a table beside what feature views knew at each row's own moment, by DuckDB's ASOF LEFT JOIN.

Every row carries its place through the join, and a view's changes are unique by (key, moment) before it, so that no
row can be lost or multiplied.
"""

from __future__ import annotations

import io
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Protocol

from tenure.application.features.joining import BadJoin
from tenure.application.features.rows import key_text
from tenure.kit.clock import SECOND, parse_iso

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tenure.application.features.feeds import Change
    from tenure.application.features.joining import Joining
    from tenure.application.features.view import View
    from tenure.contract.schema import FieldType

# An inequality picks the newest change at or before the row's moment; what was too old by then counts as missing.
_JOIN = """
SELECT asked.place, changes.place AS change
FROM asked ASOF LEFT JOIN changes ON asked.key = changes.key AND asked.at >= changes.since
ORDER BY asked.place
"""


class Changes(Protocol):
    """Where views' changes are read."""

    def changes(self, view: View, keys: Sequence[str]) -> Iterator[Change]:
        """Return every moment at which what is known of these keys changed, each once for a key."""


class DuckJoin:
    """Joins tables in time (application/features/ports.py)."""

    def __init__(self, store: Changes) -> None:
        self._store = store

    def join(self, table: bytes, at_column: str, joinings: Sequence[Joining]) -> tuple[int, bytes]:
        """Return the rows in their order, each once, with `<view>.<column>` and `<view>.known_at`; and how many."""
        from pyarrow import parquet

        try:
            rows = parquet.read_table(io.BytesIO(table))
        except (OSError, ValueError) as error:
            raise BadJoin(why=f"the rows are no Parquet file: {error}") from error
        moments = _moments(_column(rows, at_column), at_column)
        for one in joinings:
            rows = self._with_view(rows, moments, one)
        content = io.BytesIO()
        parquet.write_table(rows, content, compression="zstd")
        return rows.num_rows, content.getvalue()

    def _with_view(self, rows: Any, moments: list[int], one: Joining) -> Any:
        import pyarrow as pa

        keys = [None if key is None else key_text(key) for key in _column(rows, one.key).to_pylist()]
        changes = list(self._store.changes(one.view, sorted({key for key in keys if key is not None})))
        found = [
            None if place is None else _still(changes[place], one.view, at)
            for place, at in zip(_joined(keys, moments, changes), moments, strict=True)
        ]
        for column in one.view.columns:
            fill = one.fills.get(column.name)
            kind = pa.list_(_arrow(column.type)) if column.shape else _arrow(column.type)
            values = [each.values.get(column.name) if each else None for each in found]
            values = [fill if value is None else value for value in values]
            rows = _appended(rows, f"{one.view.name}.{column.name}", pa.array(values, kind))
        known = [each.known_at if each else None for each in found]
        return _appended(rows, f"{one.view.name}.known_at", pa.array(known, _arrow("timestamp")))


def _still(change: Change, view: View, moment: int) -> Change | None:
    """Return the change unless it was too old by then."""
    return None if view.ttl_us is not None and change.known_at + view.ttl_us <= moment else change


def _joined(keys: list[str | None], moments: list[int], changes: list[Change]) -> list[int | None]:
    """Return for each row the place of the change that held at its moment."""
    import duckdb
    import pyarrow as pa

    number, text = pa.int64(), pa.string()
    asked = pa.table({
        "place": pa.array(range(len(keys)), number), "key": pa.array(keys, text), "at": pa.array(moments, number),
    })  # fmt: skip
    known = pa.table({
        "place": pa.array(range(len(changes)), number),
        "key": pa.array([change.key for change in changes], text),
        "since": pa.array([change.since for change in changes], number),
    })  # fmt: skip
    with duckdb.connect() as connection:
        connection.execute(
            "SET enable_external_access = false; SET python_enable_replacements = false; SET threads = 2"
        )
        connection.register("asked", asked)
        connection.register("changes", known)
        found = connection.sql(_JOIN).to_arrow_table()
    places: list[int | None] = found.column("change").to_pylist()
    return places


def _column(rows: Any, name: str) -> Any:
    if name not in rows.column_names:
        raise BadJoin(why=f"the rows have no column {name!r}; they have {', '.join(rows.column_names)}")
    return rows.column(name)


def _appended(rows: Any, name: str, values: Any) -> Any:
    if name in rows.column_names:
        raise BadJoin(why=f"the rows have a column {name!r} already")
    return rows.append_column(name, values)


def _moments(column: Any, name: str) -> list[int]:
    moments = []
    for place, value in enumerate(column.to_pylist(), start=1):
        try:
            moments.append(_moment(value))
        except (ValueError, TypeError):
            raise BadJoin(why=f"row {place}, column {name!r}: {value!r} is no moment") from None
    return moments


def _moment(value: Any) -> int:
    if isinstance(value, datetime):
        moment = value if value.tzinfo else value.replace(tzinfo=UTC)
        return parse_iso(moment.isoformat())
    if isinstance(value, date):
        return parse_iso(value.isoformat())
    if isinstance(value, int) and not isinstance(value, bool) and value > SECOND:
        return value
    return parse_iso(value)


def _arrow(kind: FieldType) -> Any:
    import pyarrow as pa

    return {
        "int": pa.int64(), "float": pa.float64(), "bool": pa.bool_(), "string": pa.string(), "date": pa.string(),
        "timestamp": pa.timestamp("us", "UTC"),
    }[kind]  # fmt: skip
