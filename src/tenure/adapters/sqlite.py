"""What every SQLite file of a home has in common: readers beside one writer, by the write-ahead log."""

from __future__ import annotations

import sqlite3
import time

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
