"""Makes a SQLite database's latest commits durable together with the log's records, in the same breath.

A database in WAL mode with `synchronous=NORMAL` does not sync its commits. What a record relies on must be durable
before the record is acknowledged, so the log's group commit calls `sync` of it: one fdatasync for all that wait.
"""

from __future__ import annotations

import os
import sqlite3
from typing import TYPE_CHECKING

from tenure.adapters.sqlite import into_wal

if TYPE_CHECKING:
    from pathlib import Path


def connect(path: Path) -> sqlite3.Connection:
    """Return a connection in WAL mode; every statement is a transaction of its own unless one is begun."""
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, isolation_level=None, timeout=5.0, check_same_thread=False)
    into_wal(connection)
    connection.execute("PRAGMA synchronous=NORMAL")
    return connection


class Wal:
    """The write-ahead file of one open database; commits are marked, then synced at most once for all of them."""

    def __init__(self, path: Path) -> None:
        self._path = path.with_name(path.name + "-wal")
        self._descriptor: int | None = None
        self._marks = 0
        self._synced = 0

    def mark(self) -> None:
        """Remember that something was committed which is not known to be durable."""
        self._marks += 1

    @property
    def is_dirty(self) -> bool:
        """Return whether a sync is due."""
        return self._marks != self._synced

    def sync(self) -> None:
        """Return when everything marked before the call is durable; raises `OSError` and stays dirty when it is not."""
        marks = self._marks
        if marks == self._synced:
            return
        if self._descriptor is None:
            # The file exists as long as any connection is open; no lock of SQLite's stands on it, so closing it is safe.
            self._descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        os.fdatasync(self._descriptor)
        self._synced = marks

    def close(self) -> None:
        """Close the descriptor."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
