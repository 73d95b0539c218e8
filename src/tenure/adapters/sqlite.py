"""What every SQLite file of a home has in common: readers beside one writer, by the write-ahead log."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_TRIES = 1000
_PAUSE = 0.01


def into_wal(connection: sqlite3.Connection) -> None:
    """Put the database into WAL mode, where it stays; raise `sqlite3.OperationalError` after ten seconds.

    SQLite does not wait for a lock while it changes the mode (the busy time-out is not asked), so of several that open
    a new file at once all but one are refused: they look again until the one is through.
    """
    for _ in range(_TRIES):
        try:
            mode = connection.execute("PRAGMA journal_mode").fetchone()[0]
            if mode == "wal" or connection.execute("PRAGMA journal_mode=WAL").fetchone()[0] == "wal":
                return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF not in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
                raise
        time.sleep(_PAUSE)
    raise sqlite3.OperationalError("database is locked: it could not be put into WAL mode")


class Turns:
    """Whose turn it is to write in a SQLite file, among all processes that do: those who wait sleep, and are woken.

    SQLite's own wait looks again after longer and longer pauses, so of many who write without a pause it lets in whoever
    looks at the right moment, and one can wait for ever. The lock is the kernel's (flock) on a file beside the database,
    which ends with its process; on the database itself it would be dropped whenever SQLite closes that.
    """

    def __init__(self, database: Path) -> None:
        self._path = turns_file(database)
        self._file: int | None = None

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Wait for the turn, however long that is, and have it for as long as the block lasts; not for several threads."""
        if self._file is None:
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def close(self) -> None:
        """Close the file; the next turn opens it again."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def turns_file(database: Path) -> Path:
    """Return the file beside a database by which those who write in it take turns; it never holds anything."""
    return database.with_name(f"{database.name}.turns")
