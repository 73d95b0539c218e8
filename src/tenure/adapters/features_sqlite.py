"""Features in one SQLite file, through the driver: a read is one look-up by primary key.

`feature_latest` answers what is known now, `feature_history` what was known when. Several processes read while control
writes: WAL, and a reader waits for no writer.
"""

from __future__ import annotations

import sqlite3
import threading
from typing import TYPE_CHECKING, Any

import msgspec

from tenure.application.features.view import View

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tenure.kit.clock import Clock

_BUSY_SECONDS = 10
_NEVER = 2**63 - 1
_TABLES = """
CREATE TABLE IF NOT EXISTS feature_views (name TEXT PRIMARY KEY, definition TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS feature_latest (
    view TEXT NOT NULL, key TEXT NOT NULL, known_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (view, key)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS feature_history (
    sequence INTEGER PRIMARY KEY, view TEXT NOT NULL, key TEXT NOT NULL, known_at INTEGER NOT NULL, body BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS feature_history_as_of ON feature_history (view, key, known_at, sequence);
"""
_READ = "SELECT body, known_at, expires_at FROM feature_latest WHERE view = ? AND key = ?"
# A row written later with the same moment corrects the earlier one.
_AS_OF = """
SELECT body, known_at FROM feature_history WHERE view = ? AND key = ? AND known_at <= ?
ORDER BY known_at DESC, sequence DESC LIMIT 1
"""
_KEEP = "INSERT INTO feature_history (view, key, known_at, body) VALUES (?, ?, ?, ?)"
_UPSERT = """
INSERT INTO feature_latest (view, key, known_at, expires_at, body) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (view, key) DO UPDATE
SET known_at = excluded.known_at, expires_at = excluded.expires_at, body = excluded.body
WHERE excluded.known_at >= feature_latest.known_at
"""
_decode = msgspec.json.Decoder(dict[str, Any]).decode


class SqliteFeatures:
    """The feature store (application/features/ports.py). One object serves several threads; writes wait for each other."""

    def __init__(self, file: Path, clock: Clock) -> None:
        self._clock = clock
        self._write_lock = threading.Lock()
        self._writer = _connected(file)
        self._writer.executescript(_TABLES)
        self._reader = _connected(file)
        self._reader.execute("PRAGMA query_only = ON")

    def close(self) -> None:
        """Close the file."""
        self._reader.close()
        self._writer.close()

    def define(self, view: View) -> None:
        """Keep a view's definition; a new time to live counts for the values that are there too."""
        with self._write_lock, self._writer as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(
                "INSERT OR REPLACE INTO feature_views VALUES (?, ?)", (view.name, msgspec.json.encode(view))
            )
            expiry = "known_at + ?" if view.ttl_us is not None else "?"
            connection.execute(
                f"UPDATE feature_latest SET expires_at = {expiry} WHERE view = ?",  # noqa: S608 - one of two constants
                (_NEVER if view.ttl_us is None else view.ttl_us, view.name),
            )

    def views(self) -> dict[str, View]:
        """Return every view by its name."""
        rows = self._reader.execute("SELECT name, definition FROM feature_views ORDER BY name").fetchall()
        return {name: msgspec.json.decode(definition, type=View) for name, definition in rows}

    def ingest(self, view: View, rows: Iterable[tuple[str, int, dict[str, Any]]]) -> int:
        """Keep rows of (key, known_at, values), all or none, and return how many."""
        bodies = [(key, known_at, msgspec.json.encode(values)) for key, known_at, values in rows]
        with self._write_lock, self._writer as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(_KEEP, [(view.name, *row) for row in bodies])
            connection.executemany(
                _UPSERT, [(view.name, key, known_at, _expiry(view, known_at), body) for key, known_at, body in bodies]
            )
        return len(bodies)

    def read(self, view: str, key: str) -> tuple[dict[str, Any], int] | None:
        """Return the newest values and when they became known; None where there are none or they are too old."""
        row = self._reader.execute(_READ, (view, key)).fetchone()
        if row is None or (row[2] != _NEVER and row[2] <= self._clock.now()):
            return None
        return _decode(row[0]), row[1]

    def read_as_of(self, view: str, key: str, moment: int) -> tuple[dict[str, Any], int] | None:
        """Return what was known at a moment, None where nothing was or it was too old by then."""
        row = self._reader.execute(_AS_OF, (view, key, moment)).fetchone()
        definition = self.views().get(view)
        if row is None or (definition is not None and _expiry(definition, row[1]) <= moment):
            return None
        return _decode(row[0]), row[1]

    def size(self, view: str) -> tuple[int, int | None]:
        """Return how many keys a view has, and when its newest value became known."""
        query = "SELECT count(*), max(known_at) FROM feature_latest WHERE view = ?"
        keys, newest = self._reader.execute(query, (view,)).fetchone()
        return keys, newest


def _expiry(view: View, known_at: int) -> int:
    return _NEVER if view.ttl_us is None else known_at + view.ttl_us


def _connected(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(file, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    return connection
