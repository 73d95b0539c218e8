"""The connections to the control database: one writer at a time, readers beside it that never take the write lock.

By default that is one SQLite file in the home; `TENURE_DATABASE` names a PostgreSQL instead. The stores cannot tell.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, OperationalError
from sqlalchemy.pool import QueuePool

from tenure.adapters.sqlite import Turns, into_wal
from tenure.kit.errors import Kind, TenureError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from sqlalchemy import Connection, Engine

#: how long SQLite waits for its own write lock, which who has the turn (`Turns`) finds free but for programs of others
_BUSY_MS = 60_000
POSTGRESQL = "postgresql+psycopg"
#: the advisory lock of whoever writes; any number that is always the same
_WRITER_LOCK = 0x7E4E5E


class UnusableDatabase(TenureError):
    """The control database that TENURE_DATABASE names cannot be used."""

    code = "unusable-database"
    kind = Kind.UNAVAILABLE
    message = "the database {place} cannot be used: {why}"
    next_step = (
        "set TENURE_DATABASE to postgresql+psycopg://USER:PASSWORD@HOST/NAME, or to nothing for the home's own file"
    )


class DatabaseInUse(TenureError):
    """Another home writes in the same PostgreSQL database."""

    code = "database-in-use"
    kind = Kind.UNAVAILABLE
    message = "another Tenure writes in {place}"
    next_step = "give every home a database of its own"


class Database:
    """The control database of one home. A store asks for `writing()` or `reading()` and holds neither.

    `writing()` nests within a thread: the outermost one begins and commits. Inside it `reading()` sees what was written.
    `url` is empty for the SQLite file; `place` names the database to people, without a password.
    """

    def __init__(self, file: Path, url: str = "") -> None:
        self.file = file
        self.place = place_of(url) if url else str(file)
        self._guard: Connection | None = None
        self._turns = None if url else Turns(file)
        if url:
            self._writer = create_engine(url, pool_size=1, pool_pre_ping=True)
            self._reader = create_engine(url, pool_size=5, pool_pre_ping=True, isolation_level="REPEATABLE READ")
            self._keep_others_out()
        else:
            self._writer, self._reader = _engine(file, writer=True), _engine(file, writer=False)
        #: in how many transactions this process has changed something, so that who looks for changes need not read to find none
        self.writes = 0
        self._lock = threading.RLock()
        self._open: Connection | None = None
        self._writing_thread = 0

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Return the connection of the write transaction, beginning it if this thread is in none."""
        with self._lock:
            if self._open is not None:
                yield self._open
                return
            with self._turn(), self._writer.begin() as connection:
                self._open, self._writing_thread = connection, threading.get_ident()
                before = self._changes(connection)
                try:
                    yield connection
                finally:
                    self._open = None
                # A dry run writes nothing: counted, every console with a draft would ask anew, and so try it again.
                changed = self._changes(connection) != before
            self.writes += changed

    def _changes(self, connection: Connection) -> int:
        """Return a number that is another one once the transaction has changed a row."""
        if self.is_file:
            return int(connection.connection.driver_connection.total_changes)  # type: ignore[union-attr] # SQLite's own
        # PostgreSQL gives a transaction its number with the first thing that it writes.
        return int(connection.exec_driver_sql("SELECT txid_current_if_assigned() IS NOT NULL").scalar_one())

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Return a connection to read from: one consistent moment, or the own write transaction's view."""
        if self._open is not None and self.is_writing():
            yield self._open
            return
        with self._reader.connect() as connection:
            yield connection

    def is_writing(self) -> bool:
        """Return whether this thread is inside a write transaction."""
        return self._open is not None and self._writing_thread == threading.get_ident()

    @property
    def is_file(self) -> bool:
        """Return whether the database is the SQLite file."""
        return self._writer.dialect.name == "sqlite"

    def faults(self) -> list[str]:
        """Return what SQLite finds wrong with the file's structure; PostgreSQL looks after its own."""
        if not self.is_file:
            return []
        with self.reading() as connection:
            found = connection.exec_driver_sql("PRAGMA integrity_check").scalars().all()
        return [str(line) for line in found if line != "ok"]

    def close(self) -> None:
        """Close every connection; a SQLite database can be copied as one file afterwards."""
        if self._guard is not None:
            # Not back into the pool: the lock belongs to this very connection.
            self._guard.invalidate()
            self._guard.close()
        self._reader.dispose()
        self._writer.dispose()
        if self._turns is not None:
            self._turns.close()

    def _turn(self) -> AbstractContextManager[None]:
        """Return the wait for the turn to write, which PostgreSQL needs none of: a home is alone in its database."""
        return nullcontext() if self._turns is None else self._turns.taken()

    def _keep_others_out(self) -> None:
        """Hold a lock for as long as this is open: two homes in one database would number their revisions apart."""
        try:
            self._guard = self._reader.connect().execution_options(isolation_level="AUTOCOMMIT")
        except OperationalError as error:
            raise UnusableDatabase(place=self.place, why=str(error.orig).strip()) from error
        if not self._guard.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": _WRITER_LOCK}).scalar():
            self.close()
            raise DatabaseInUse(place=self.place)


def place_of(url: str) -> str:
    """Return a PostgreSQL URL without its password; raise `UnusableDatabase` for any other."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise UnusableDatabase(place="", why="TENURE_DATABASE is no database URL") from error
    place = parsed.render_as_string(hide_password=True)
    if parsed.drivername != POSTGRESQL:
        raise UnusableDatabase(place=place, why=f"it begins with {parsed.drivername}:// and not with {POSTGRESQL}://")
    try:
        import psycopg  # noqa: F401 - only whether it is there
    except ImportError as error:
        raise UnusableDatabase(place=place, why="psycopg is missing: pip install 'tenure[postgresql]'") from error
    return place


def _engine(file: Path, *, writer: bool) -> Engine:
    engine = create_engine(f"sqlite:///{file}", poolclass=QueuePool, pool_size=1 if writer else 5)
    event.listen(engine, "connect", _prepare)
    # Only writers begin with BEGIN IMMEDIATE: a reader that did would hold the write lock (research/application.md 22).
    begin = "BEGIN IMMEDIATE" if writer else "BEGIN"
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(begin))
    return engine


def _prepare(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver would begin on its own, and late
    into_wal(connection)
    for pragma in ("synchronous=FULL", "foreign_keys=ON", f"busy_timeout={_BUSY_MS}"):
        connection.execute(f"PRAGMA {pragma}")
