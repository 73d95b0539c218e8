"""Rows of a query into a view: read where the command runs, with its user's own rights, and gone on with at a watermark.

The watermark is kept with the rows that it stands for, in one step. A later run asks again for the last value too, as rows
with it may have come since; a row that is known already is not kept twice.
"""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tenure.kit.errors import Kind, TenureError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from sqlalchemy import URL

    from tenure.entrypoints.cli.caller import Caller

    Rows = Iterator[list[dict[str, Any]]]

#: rows that are read and sent at once
PORTION = 10_000
_FILES = "files"


class SourceFailed(TenureError):
    """The source did not give the rows."""

    code = "source-failed"
    kind = Kind.BAD_INPUT
    message = "{source} did not answer the query: {why}"
    next_step = "try the query there by hand; --source is a SQLAlchemy URL, or empty for DuckDB over files"


class NoWatermark(TenureError):
    """The query's rows cannot be gone on with."""

    code = "no-watermark-column"
    kind = Kind.BAD_INPUT
    message = "the query gives no column {column!r} to go on by, or a row where it is empty"
    next_step = "select it, and leave rows without it out"


class Querying:
    """One query's rows on their way into a view."""

    def __init__(
        self, tenure: Caller, view: str, query: str, source: str, watermark: str, portion: int = PORTION
    ) -> None:
        self._tenure = tenure
        self._view = view
        self._query = query.strip().rstrip(";")
        self._source = source
        self._column = watermark
        self._portion = portion

    def run(self, options: Mapping[str, Any], say: Callable[[str], None]) -> dict[str, Any]:
        """Take all rows from the last watermark on, portion by portion; return how many were taken and were new."""
        known = {one["view"]: one for one in self._tenure.call("features:list", name=self._view)}
        columns = {column["name"] for column in known[self._view]["columns"]} if self._view in known else None
        last = self._last() if columns is not None else None
        found: dict[str, Any] = {"view": self._view, "rows": 0, "new": 0, "watermark": last}
        for rows in self._portions(last):
            given = dict(options)
            if self._column:
                found["watermark"] = self._greatest(rows)
                given["watermark"] = {"source": self.name, "column": self._column, "value": found["watermark"]}
            taken = self._tenure.call(
                "features:ingest", view=self._view, rows=self._sent(rows, columns, options), **given
            )
            found["rows"] += taken["rows"]
            found["new"] += taken["new"]
            say(f"{found['rows']} rows taken")
        return found

    @property
    def name(self) -> str:
        """Return what the watermark is kept under: the source without its password, and a digest of the query."""
        digest = hashlib.sha256(f"{self._query}\0{self._column}".encode()).hexdigest()[:12]
        return f"{_shown(self._source) if self._source else _FILES}#{digest}"

    def _last(self) -> Any:
        if not self._column:
            return None
        marks = self._tenure.call("features:show", view=self._view)["watermarks"]
        return next((mark["value"] for mark in marks if mark["source"] == self.name), None)

    def _portions(self, last: Any) -> Rows:
        asked = _asked_of_url if self._source else _asked_of_files
        with asked(self._source, self._query, self._column, last, self._portion) as portions:
            yield from portions

    def _greatest(self, rows: Sequence[Mapping[str, Any]]) -> Any:
        # The rows are in the order of the column, so its greatest value is the last one.
        value = rows[-1].get(self._column)
        if value is None or rows[0].get(self._column) is None:
            raise NoWatermark(column=self._column)
        return _marked(value)

    def _sent(
        self, rows: Sequence[Mapping[str, Any]], columns: set[str] | None, options: Mapping[str, Any]
    ) -> list[dict[str, Any]]:
        """Return the rows as JSON carries them; a watermark that is nothing else is left out."""
        is_other = self._column in {options.get("at_column"), options.get("written_column"), options.get("key")}
        drop = self._column if columns is not None and not is_other and self._column not in columns else ""
        return [{name: _plain(value) for name, value in row.items() if name != drop} for row in rows]


@contextmanager
def _asked_of_url(source: str, query: str, column: str, last: Any, portion: int) -> Iterator[Rows]:
    import sqlalchemy as sa

    try:
        engine = sa.create_engine(source)
    except sa.exc.ArgumentError as error:
        raise SourceFailed(source=_shown(source), why=str(error)) from error
    except ModuleNotFoundError as error:
        raise SourceFailed(source=_shown(source), why=f"its driver {error.name} is not installed here") from error
    _refuse_no_file(engine.url)
    quoted = engine.dialect.identifier_preparer.quote(column) if column else ""
    # A colon in the user's own text names no value of ours.
    text = _ordered(query.replace(":", r"\:"), quoted, "" if last is None else ":last")
    try:
        with engine.connect().execution_options(stream_results=True) as connection:
            found = connection.execute(sa.text(text), {} if last is None else {"last": _bound(last)}).mappings()
            yield ([dict(row) for row in rows] for rows in found.partitions(portion))
    except sa.exc.SQLAlchemyError as error:
        raise SourceFailed(source=_shown(source), why=str(error).partition("\n")[0]) from error
    finally:
        engine.dispose()


def _refuse_no_file(url: URL) -> None:
    """Raise `SourceFailed` for a file that is not there: SQLite would make an empty one of a mistyped name."""
    file = url.database if url.get_backend_name() == "sqlite" else None
    if file and not file.startswith((":memory:", "file:")) and not Path(file).exists():
        raise SourceFailed(source=_shown(str(url)), why="there is no such file")


@contextmanager
def _asked_of_files(_: str, query: str, column: str, last: Any, portion: int) -> Iterator[Rows]:
    import duckdb

    quoted = '"' + column.replace('"', '""') + '"' if column else ""
    text = _ordered(query, quoted, "" if last is None else "?")
    try:
        with duckdb.connect() as connection:
            connection.execute("SET autoinstall_known_extensions = false; SET autoload_known_extensions = false")
            found = connection.sql(text, params=[] if last is None else [_bound(last)])
            if found is None:
                raise SourceFailed(source="DuckDB", why="it is no SELECT")
            yield (batch.to_pylist() for batch in found.to_arrow_reader(portion) if batch.num_rows)
    except duckdb.Error as error:
        raise SourceFailed(source="DuckDB", why=str(error).partition("\n")[0]) from error


def _ordered(query: str, column: str, last: str) -> str:
    """Return the query in the order of the quoted column, from `last` on; as it is where there is no column."""
    if not column:
        return query
    where = f" WHERE q.{column} >= {last}" if last else ""
    return f"SELECT * FROM ({query}) q{where} ORDER BY q.{column}"  # noqa: S608 - the user's own query, with the user's own rights


def _shown(source: str) -> str:
    import sqlalchemy as sa

    try:
        return sa.make_url(source).render_as_string(hide_password=True)
    except sa.exc.ArgumentError:
        return source.partition("://")[0] + "://…"


def _plain(value: Any) -> Any:
    match value:
        case datetime() | date():
            return value.isoformat()
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case _:
            return value


def _marked(value: Any) -> Any:
    """Return a watermark as it is kept: a moment with its type, so that it is asked for as one and not as text."""
    if isinstance(value, datetime):
        return {"timestamp": value.isoformat()}
    return {"date": value.isoformat()} if isinstance(value, date) else _plain(value)


def _bound(value: Any) -> Any:
    match value:
        case {"timestamp": text}:
            return datetime.fromisoformat(text)
        case {"date": text}:
            return date.fromisoformat(text)
        case _:
            return value
