"""An export into PostgreSQL: a table for each view, in the schema that the address leads to.

Each portion and how far the export goes are one transaction, so that a killed run leaves neither half a portion nor a
double one. `tenure_export` has the one row that says how far.
"""

from __future__ import annotations

import base64
import io
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tenure.entrypoints.cli.exporting_folder import WHOLE, State
from tenure.entrypoints.cli.rows import parquet
from tenure.kit.errors import Kind, TenureError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tenure.entrypoints.cli.exporting_folder import Keeping, Table

#: columns that hold JSON text in Parquet
_JSON = frozenset({"answer", "request", "output", "value", "before", "after", "evidence"})
_TYPES = {"int64": "bigint", "double": "double precision", "bool": "boolean", "string": "text", "large_string": "text"}
_STATE = """CREATE TABLE IF NOT EXISTS tenure_export (
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    format bigint NOT NULL, ending bigint NOT NULL, application text NOT NULL, since text NOT NULL
)"""
_LOCK = 0x74656E757265


class NeedsPsycopg(TenureError):
    """The driver is not installed."""

    code = "needs-psycopg"
    kind = Kind.UNAVAILABLE
    message = "an export to PostgreSQL needs psycopg, which is not installed"
    next_step = "pip install 'tenure[server,postgresql]'"


class DatabaseFailed(TenureError):
    """The database refused, or does not answer."""

    code = "database-failed"
    kind = Kind.UNAVAILABLE
    message = "{target}: {why}"
    next_step = "mend it there, then run the same command with --since last; what is in the tables is whole"


class TableInTheWay(TenureError):
    """The schema has a table of that name that no export made."""

    code = "table-in-the-way"
    kind = Kind.CONFLICT
    message = "{target} has a table {table} that is not of an export"
    next_step = (
        "export into a schema of its own: postgresql://…?options=-csearch_path%3Dtenure, after CREATE SCHEMA tenure"
    )


class Postgres:
    """A database (exporting.py: Target). Every use opens its own connection."""

    def __init__(self, url: str) -> None:
        try:
            import psycopg
        except ImportError as error:
            raise NeedsPsycopg from error
        self._driver: Any = psycopg
        self._url = url

    @property
    def name(self) -> str:
        """Return the address without its password."""
        try:
            known = self._driver.conninfo.conninfo_to_dict(self._url)
        except self._driver.Error:
            return "postgresql://…"
        return f"postgresql://{known.get('host', '')}/{known.get('dbname', '')}"

    def read(self) -> State | None:
        """Return how far the export goes; raise `TableInTheWay` where a first one would meet tables of somebody else."""
        with self._transaction() as connection:
            if connection.execute("SELECT to_regclass('tenure_export')").fetchone()[0] is None:
                return None
            row = connection.execute("SELECT format, ending, application, since FROM tenure_export").fetchone()
        return None if row is None else State(*row)

    def keep(self, first: int, tables: Sequence[Table], state: State) -> None:
        """Keep the portion and how far the export goes, both or neither; what another run kept meanwhile is left."""
        with self._transaction() as connection:
            if not self._is_next(connection, first):
                return
            for table in tables:
                if table["name"] in WHOLE:
                    connection.execute(f'DROP TABLE IF EXISTS "{table["name"]}"')
                _copy(connection, table["name"], _unpacked(table))
            connection.execute("DELETE FROM tenure_export")
            connection.execute(
                "INSERT INTO tenure_export (format, ending, application, since) VALUES (%s, %s, %s, %s)",
                (state.format, state.ending, state.application, state.since),
            )

    def _is_next(self, connection: Any, first: int) -> bool:
        """Return whether nobody kept this portion before; two runs at once take turns."""
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        is_new = connection.execute("SELECT to_regclass('tenure_export')").fetchone()[0] is None
        connection.execute(_STATE)
        row = connection.execute("SELECT ending FROM tenure_export").fetchone()
        if is_new and (taken := _taken(connection)):
            raise TableInTheWay(target=self.name, table=taken)
        return row is None or row[0] <= first

    @contextmanager
    def training(self) -> Iterator[Keeping]:
        """Make `training_<application>` anew in one transaction: readers see the former ones until it ends."""
        with self._transaction() as connection:
            yield _Training(connection)

    @contextmanager
    def _transaction(self) -> Iterator[Any]:
        try:
            with self._driver.connect(self._url, application_name="tenure export") as connection:
                connection.execute("SET TIME ZONE 'UTC'")
                yield connection
        except self._driver.Error as error:
            raise DatabaseFailed(target=self.name, why=str(error).partition("\n")[0]) from error


class _Training:
    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._begun: set[str] = set()

    def keep(self, _: int, table: Table) -> None:
        name = f"training_{table['name']}"
        if name not in self._begun:
            self._begun.add(name)
            self._connection.execute(f"DROP TABLE IF EXISTS {_quoted(name)}")
        _copy(self._connection, name, _unpacked(table))


def _taken(connection: Any) -> str:
    """Return a table that stands where an export's would, empty when there is none."""
    names = ["decisions", "rules_fired", "reasons", "features_used", "resolutions", "outcomes", "alerts"]
    rows = connection.execute(
        "SELECT name FROM unnest(%s::text[]) AS name WHERE to_regclass(name) IS NOT NULL", (names,)
    )
    return next((name for (name,) in rows), "")


def _copy(connection: Any, name: str, table: Any) -> None:
    """Add an Arrow table's rows; the table and columns that are new are made."""
    kinds = {field.name: _kind(field) for field in table.schema}
    columns = ", ".join(f"{_quoted(column)} {kind}" for column, kind in kinds.items())
    connection.execute(f"CREATE TABLE IF NOT EXISTS {_quoted(name)} ({columns})")
    for column, kind in kinds.items():
        connection.execute(f"ALTER TABLE {_quoted(name)} ADD COLUMN IF NOT EXISTS {_quoted(column)} {kind}")
    named = ", ".join(map(_quoted, kinds))
    with connection.cursor().copy(f"COPY {_quoted(name)} ({named}) FROM STDIN") as copy:
        for batch in table.to_batches(max_chunksize=5000):
            for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                copy.write_row([_storable(value) for value in row])


def _kind(field: Any) -> str:
    if field.name in _JSON:
        return "jsonb"
    return "timestamptz" if str(field.type).startswith("timestamp") else _TYPES.get(str(field.type), "text")


def _storable(value: Any) -> Any:
    """Return a value without the one character that PostgreSQL's text cannot hold."""
    if isinstance(value, str) and ("\0" in value or "\\u0000" in value):
        return value.replace("\0", "\ufffd").replace("\\u0000", "\\ufffd")
    return value


def _unpacked(table: Table) -> Any:
    return parquet().read_table(io.BytesIO(base64.b64decode(table["parquet"])))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
