"""One question in SQL from outside: only reading, only the views, bounded in rows, memory and time."""

from __future__ import annotations

import datetime as dt
import decimal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import msgspec

from tenure.application.decisions.data_out import Rows
from tenure.kit.errors import Kind, TenureError

if TYPE_CHECKING:
    from collections.abc import Iterator

_BATCH_ROWS = 2048


class BadQuery(TenureError):
    """The text is no single SELECT that DuckDB understands and may do here."""

    code = "bad-query"
    kind = Kind.BAD_INPUT
    message = "{why}"
    next_step = "docs/data-out.md lists every view and column; one SELECT at a time, and nothing but the views"


class QueryTooSlow(TenureError):
    """The question took longer than it may."""

    code = "query-too-slow"
    kind = Kind.TOO_LARGE
    message = "the query was stopped after {seconds} s"
    next_step = "ask about a span of made_at, or export (tenure decisions export) and ask there"


class QueryTooLarge(TenureError):
    """The question needs more memory than it may."""

    code = "query-too-large"
    kind = Kind.TOO_LARGE
    message = "the query needs more memory than it may take: {why}"
    next_step = "ask about a span of made_at, or export (tenure decisions export) and ask there"


def ask(connection: Any, sql: str, limit: int, seconds: float) -> Rows:
    """Return at most `limit` rows; raise `BadQuery`, `QueryTooSlow`, `QueryTooLarge`."""
    import duckdb

    try:
        _only_reads(duckdb, sql)
        with _stopping(connection, seconds):
            return _fetched(connection.sql(sql), limit)
    except duckdb.InterruptException as error:
        raise QueryTooSlow(seconds=seconds) from error
    except duckdb.OutOfMemoryException as error:
        raise QueryTooLarge(why=_first_line(error)) from error
    except duckdb.Error as error:
        raise BadQuery(why=str(error)) from error


def _only_reads(duckdb: Any, sql: str) -> None:
    statements = duckdb.extract_statements(sql)
    if len(statements) != 1:
        raise BadQuery(why=f"one statement at a time, not {len(statements)}")
    if statements[0].type != duckdb.StatementType.SELECT:
        raise BadQuery(why=f"only SELECT is done here, not {statements[0].type.name}")


@contextmanager
def _stopping(connection: Any, seconds: float) -> Iterator[None]:
    timer = threading.Timer(seconds, connection.interrupt)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _fetched(relation: Any, limit: int) -> Rows:
    """Read no further than one row beyond the limit."""
    if relation is None:
        return Rows((), [], more=False)
    columns = tuple(zip(relation.columns, (str(kind) for kind in relation.types), strict=True))
    as_json = [kind == "JSON" for _, kind in columns]
    rows: list[list[Any]] = []
    for batch in relation.to_arrow_reader(_BATCH_ROWS):
        values = [column.to_pylist() for column in batch.columns]
        rows += [_row(each, as_json) for each in zip(*values, strict=True)]
        if len(rows) > limit:
            break
    return Rows(columns, rows[:limit], more=len(rows) > limit)


def _row(values: tuple[Any, ...], as_json: list[bool]) -> list[Any]:
    pairs = zip(values, as_json, strict=True)
    return [msgspec.json.decode(value) if is_json and value is not None else plain(value) for value, is_json in pairs]


def plain(value: Any) -> Any:
    """Return a value as JSON has it: moments as RFC 3339 in UTC, whole decimals as integers, bytes as hex."""
    match value:
        case dt.datetime():
            moment = value if value.tzinfo else value.replace(tzinfo=dt.UTC)
            return moment.astimezone(dt.UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        case decimal.Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case bytes():
            return value.hex()
        case list() | tuple():
            return [plain(each) for each in value]
        case dict():
            return {str(name): plain(each) for name, each in value.items()}
        case None | bool() | int() | float() | str():
            return value
        case _:
            return str(value)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
