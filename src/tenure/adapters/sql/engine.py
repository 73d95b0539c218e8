"""The connections to the control database: one writer at a time, readers beside it that never take the write lock."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, event
from sqlalchemy.pool import QueuePool

from tenure.adapters.sqlite import into_wal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection, Engine

_BUSY_MS = 10_000


class Database:
    """The control database of one home. A store asks for `writing()` or `reading()` and holds neither.

    `writing()` nests within a thread: the outermost one begins and commits. Inside it `reading()` sees what was written.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self._writer = _engine(file, writer=True)
        self._reader = _engine(file, writer=False)
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
            with self._writer.begin() as connection:
                self._open, self._writing_thread = connection, threading.get_ident()
                try:
                    yield connection
                finally:
                    self._open = None

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

    def faults(self) -> list[str]:
        """Return what SQLite finds wrong with the file's structure; empty when it is whole."""
        with self.reading() as connection:
            found = connection.exec_driver_sql("PRAGMA integrity_check").scalars().all()
        return [str(line) for line in found if line != "ok"]

    def close(self) -> None:
        """Close every connection; the database can be copied as one file afterwards."""
        self._reader.dispose()
        self._writer.dispose()


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
