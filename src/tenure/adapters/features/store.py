"""Features in one SQLite file, through the driver: a read is one look-up by primary key.

`feature_latest` answers what is known now, `feature_history` what was known when; views computed from events have those
(`fed.py`) in the place of a history. Several processes read while one writes: WAL, and a reader waits for no writer.
"""

from __future__ import annotations

import sqlite3
import threading
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

import msgspec

from tenure.adapters.features import fed
from tenure.adapters.features.fed import NEVER
from tenure.adapters.sqlite import into_wal
from tenure.application.features import feeds
from tenure.application.features.feeds import Change
from tenure.application.features.ports import Held, Watermark
from tenure.application.features.view import View

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from pathlib import Path

    from tenure.application.features.events import Entry
    from tenure.application.features.rows import Typed
    from tenure.kit.clock import Clock

_BUSY_SECONDS = 10
#: longer than any moment is after any other
_FOR_EVER = 2**62
#: states of event-fed keys that are moved on in one transaction
_MOVED_AT_ONCE = 1000
_TABLES = (
    "CREATE TABLE IF NOT EXISTS feature_views (name TEXT PRIMARY KEY, definition TEXT NOT NULL) WITHOUT ROWID",
    """CREATE TABLE IF NOT EXISTS feature_latest (
    view TEXT NOT NULL, key TEXT NOT NULL, known_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, body BLOB NOT NULL,
    written_at INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (view, key)
) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS feature_history (
    sequence INTEGER PRIMARY KEY, view TEXT NOT NULL, key TEXT NOT NULL, known_at INTEGER NOT NULL, body BLOB NOT NULL,
    written_at INTEGER NOT NULL DEFAULT 0
)""",
    """CREATE TABLE IF NOT EXISTS feature_watermarks (
    view TEXT NOT NULL, source TEXT NOT NULL, "column" TEXT NOT NULL, value TEXT NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (view, source)
) WITHOUT ROWID""",
    *fed.TABLES,
)
_INDEXES = (
    "DROP INDEX IF EXISTS feature_history_as_of",
    "CREATE INDEX IF NOT EXISTS feature_history_at ON feature_history (view, key, known_at, written_at, sequence)",
)
#: columns that a file of an earlier Tenure does not have yet
_ADDED = (
    ("feature_latest", "written_at", "INTEGER NOT NULL DEFAULT 0"),
    ("feature_history", "written_at", "INTEGER NOT NULL DEFAULT 0"),
)
_READ = "SELECT body, known_at, expires_at FROM feature_latest WHERE view = ? AND key = ?"
# Of rows for one moment the one written last counts, of those taken together the last one.
_NEWEST_FIRST = "ORDER BY known_at DESC, written_at DESC, sequence DESC LIMIT 1"
_AS_OF = f"SELECT body, known_at FROM feature_history WHERE view = ? AND key = ? AND known_at <= ? {_NEWEST_FIRST}"  # noqa: S608 - a constant
_AT = f"SELECT body FROM feature_history WHERE view = ? AND key = ? AND known_at = ? {_NEWEST_FIRST}"  # noqa: S608
_KEEP = "INSERT INTO feature_history (view, key, known_at, body, written_at) VALUES (?, ?, ?, ?, ?)"
_UPSERT = """
INSERT INTO feature_latest (view, key, known_at, expires_at, body, written_at) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (view, key) DO UPDATE SET known_at = excluded.known_at, expires_at = excluded.expires_at,
body = excluded.body, written_at = excluded.written_at
WHERE (excluded.known_at, excluded.written_at) >= (feature_latest.known_at, feature_latest.written_at)
"""
_HELD = "SELECT count(*), max(known_at), count(*) FILTER (WHERE expires_at <= ?) FROM feature_latest WHERE view = ?"
#: one row for each moment at which a key's values changed
_CHANGES = """
SELECT key, known_at, body FROM (
    SELECT key, known_at, body,
        row_number() OVER (PARTITION BY key, known_at ORDER BY written_at DESC, sequence DESC) AS place
    FROM feature_history WHERE view = ?1 AND key IN (SELECT value FROM json_each(?2))
) WHERE place = 1
"""
#: the values of view ?1 that were known at ?2, each with since when the next one of its key counts
_IN_ORDER = """SELECT sequence, key, known_at,
lead(known_at) OVER (PARTITION BY key ORDER BY known_at, written_at, sequence) AS next
FROM feature_history WHERE view = ?1 AND known_at <= ?2"""
#: … whether it was not in force any more then: replaced, or older than the time to live ?3
_IS_OVER = "next IS NOT NULL OR known_at <= ?2 - ?3"
_decode = msgspec.json.Decoder(dict[str, Any]).decode


class SqliteFeatures:
    """The feature store (application/features/ports.py). One object serves several threads; writes wait for each other."""

    def __init__(self, file: Path, clock: Clock) -> None:
        self._clock = clock
        self._write_lock = threading.Lock()
        self._one_state = threading.Lock()
        self._writer = _connected(file)
        _prepare(self._writer)
        self._reader = _connected(file)
        self._reader.execute("PRAGMA query_only = ON")
        #: how often a view was read with what result (`value`, `stale`, `nothing`) since this object was made
        self.reads: defaultdict[tuple[str, str], int] = defaultdict(int)

    def close(self) -> None:
        """Close the file."""
        self._reader.close()
        self._writer.close()

    def define(self, view: View) -> None:
        """Keep a view's definition; a new time to live counts for the values that are there too."""
        with self._write_lock, self._writer as connection:
            connection.execute("BEGIN IMMEDIATE")
            if (old := _defined(connection, view.name)) is not None and old.feed != view.feed:
                fed.empty(connection, view.name)
            connection.execute(
                "INSERT OR REPLACE INTO feature_views VALUES (?, ?)", (view.name, msgspec.json.encode(view))
            )
            expiry = "known_at + ?" if view.ttl_us is not None else "?"
            expiry = f"min({expiry}, {fed.DUE})" if view.feed is not None else expiry
            connection.execute(
                f"UPDATE feature_latest SET expires_at = {expiry} WHERE view = ?",  # noqa: S608 - one of few constants
                (NEVER if view.ttl_us is None else view.ttl_us, view.name),
            )

    def views(self) -> dict[str, View]:
        """Return every view by its name."""
        rows = self._reader.execute("SELECT name, definition FROM feature_views ORDER BY name").fetchall()
        return {name: msgspec.json.decode(definition, type=View) for name, definition in rows}

    def ingest(self, view: View, rows: Iterable[Typed], watermark: Watermark | None = None) -> int:
        """Keep rows and how far their source was read, all or none, and return how many were new."""
        new = 0
        with self._write_lock, self._writer as connection:
            connection.execute("BEGIN IMMEDIATE")
            for key, known_at, values, written_at in rows:
                new += _kept(connection, view, key, known_at, msgspec.json.encode(values), written_at)
            if watermark is not None:
                connection.execute(
                    "INSERT OR REPLACE INTO feature_watermarks VALUES (?, ?, ?, ?, ?)",
                    (view.name, watermark.source, watermark.column, _text(watermark.value), watermark.at),
                )
        return new

    def read(self, view: str, key: str) -> tuple[dict[str, Any], int] | None:
        """Return the newest values and when they became known; None where there are none or they are too old."""
        row = self._reader.execute(_READ, (view, key)).fetchone()
        if row is None:
            self.reads[view, "nothing"] += 1
            return None
        if row[2] != NEVER and row[2] <= (now := self._clock.now()):
            found = self._passed(view, key, now)
            self.reads[view, "stale" if found is None else "value"] += 1
            return found
        self.reads[view, "value"] += 1
        return _decode(row[0]), row[1]

    def _passed(self, view: str, key: str, now: int) -> tuple[dict[str, Any], int] | None:
        """Return what is known once the kept values' time is over: what is left in the windows of events, else nothing."""
        definition = _defined(self._reader, view)
        if definition is None or definition.feed is None:
            return None
        with self._one_state:
            # State and events must be of one moment, or an event could leave that was never counted.
            self._reader.execute("BEGIN")
            try:
                state = fed.state_at(self._reader, definition, key, now)
            finally:
                self._reader.execute("ROLLBACK")
        if _expiry(definition, state.newest) <= now:
            return None
        return feeds.values(state, definition.feed), state.newest

    def read_as_of(self, view: str, key: str, moment: int) -> tuple[dict[str, Any], int] | None:
        """Return what was known at a moment, None where nothing was or it was too old by then."""
        definition = _defined(self._reader, view)
        if definition is not None and definition.feed is not None:
            return self._fed_as_of(definition, key, moment)
        row = self._reader.execute(_AS_OF, (view, key, moment)).fetchone()
        if row is None or (definition is not None and _expiry(definition, row[1]) <= moment):
            return None
        return _decode(row[0]), row[1]

    def _fed_as_of(self, view: View, key: str, moment: int) -> tuple[dict[str, Any], int] | None:
        assert view.feed is not None
        state = feeds.empty(view.feed, moment)
        for event in fed.between(self._reader, view, key)(-NEVER, moment):
            feeds.add(state, view.feed, event)
        if not state.newest or _expiry(view, state.newest) <= moment:
            return None
        return feeds.values(state, view.feed), state.newest

    def feed(self, entries: Iterable[Entry], position: tuple[Sequence[str], int] | None = None) -> None:
        """Take events into their views, all or none; whoever reads next sees them. One that is known changes nothing.

        `position` says up to which leaf of the log these views have been fed now.
        """
        with self._write_lock, self._writer as connection:
            connection.execute("BEGIN IMMEDIATE")
            fed.take(connection, entries, self._clock.now())
            for view in position[0] if position else ():
                connection.execute(
                    "INSERT OR REPLACE INTO feature_feeds VALUES (?, ?)", (view, position[1] if position else 0)
                )

    def erase(self, places: Collection[tuple[str, str]]) -> Counter[str]:
        """Delete all that is and was kept under keys, each named with its view; return how many rows of which view.

        When this returns nothing of it is in the file or beside it.
        """
        gone: Counter[str] = Counter()
        with self._write_lock:
            with self._writer as connection:
                connection.execute("BEGIN IMMEDIATE")
                for view, key in places:
                    gone[view] += _forgotten(connection, view, key)
            # The write-ahead file still holds the pages as they were; a full checkpoint empties it.
            self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return +gone

    def aged(self, view: View, before: int) -> dict[str, int]:
        """Return by key how many values were last in force before a moment."""
        query = f"SELECT key, count(*) FROM ({_IN_ORDER}) WHERE {_IS_OVER} GROUP BY key"  # noqa: S608 - constants
        return dict(self._reader.execute(query, (view.name, before, _ttl(view))).fetchall())

    def expire(self, view: View, before: int, kept: Collection[str]) -> int:
        """Remove the values that were last in force before a moment, except of the keys `kept`; return how many.

        When this returns nothing of them is in the file or beside it.
        """
        spared = "key NOT IN (SELECT value FROM json_each(?4))"
        given = (view.name, before, _ttl(view), _text(sorted(kept)))
        with self._write_lock:
            with self._writer as connection:
                connection.execute("BEGIN IMMEDIATE")
                over = f"SELECT sequence FROM ({_IN_ORDER}) WHERE ({_IS_OVER}) AND {spared}"  # noqa: S608
                gone = connection.execute(
                    f"DELETE FROM feature_history WHERE sequence IN ({over})",  # noqa: S608
                    given,
                ).rowcount
                # The newest value of a key is over only by its age.
                connection.execute(
                    f"DELETE FROM feature_latest WHERE view = ?1 AND known_at <= ?2 - ?3 AND {spared}",  # noqa: S608
                    given,
                )
            self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return gone

    def positions(self) -> dict[str, int]:
        """Return up to which leaf of the log each view has been fed."""
        return dict(self._reader.execute("SELECT view, leaf FROM feature_feeds").fetchall())

    def move_on(self) -> None:
        """Write down what has left its windows, so that nobody has to work it out at each read."""
        views, more = self.views(), True
        while more:
            with self._write_lock, self._writer as connection:
                connection.execute("BEGIN IMMEDIATE")
                more = fed.move_on(connection, views, self._clock.now(), _MOVED_AT_ONCE) == _MOVED_AT_ONCE

    def held(self, view: str) -> Held:
        """Return how much a view holds and how fresh it is."""
        return Held(*self._reader.execute(_HELD, (self._clock.now(), view)).fetchone())

    def missing(self, view: View) -> dict[str, int]:
        """Return for every column how many keys have no value in it now."""
        if not view.columns:
            return {}
        asked = [_absent(column.name) for column in view.columns]
        counted = ", ".join(f"sum({condition})" for condition, _ in asked)
        query = f"SELECT {counted} FROM (SELECT CAST(body AS TEXT) AS text FROM feature_latest WHERE view = ?)"  # noqa: S608
        paths = [path for _, path in asked]
        counts = self._reader.execute(query, (*paths, view.name)).fetchone()
        return {column.name: count or 0 for column, count in zip(view.columns, counts, strict=True)}

    def watermarks(self, view: str) -> list[Watermark]:
        """Return how far each source was read into the view."""
        query = 'SELECT source, "column", value, at FROM feature_watermarks WHERE view = ? ORDER BY source'
        rows = self._reader.execute(query, (view,)).fetchall()
        return [Watermark(source, column, msgspec.json.decode(value), at) for source, column, value, at in rows]

    def changes(self, view: View, keys: Sequence[str]) -> Iterator[Change]:
        """Return every moment at which what is known of these keys changed, in any order."""
        if view.feed is not None:
            yield from self._fed_changes(view, keys)
            return
        for key, known_at, body in self._reader.execute(_CHANGES, (view.name, _text(list(keys)))):
            yield Change(key, known_at, _decode(body), known_at)

    def _fed_changes(self, view: View, keys: Sequence[str]) -> Iterator[Change]:
        assert view.feed is not None
        for key in keys:
            events = list(fed.between(self._reader, view, key)(-NEVER, NEVER))
            yield from feeds.changes(view.feed, key, events)


def _kept(connection: sqlite3.Connection, view: View, key: str, known_at: int, body: bytes, written_at: int) -> bool:
    """Keep one row, and return whether it says anything new."""
    known = connection.execute(_AT, (view.name, key, known_at)).fetchone()
    if known is not None and known[0] == body:
        return False
    connection.execute(_KEEP, (view.name, key, known_at, body, written_at))
    connection.execute(_UPSERT, (view.name, key, known_at, _expiry(view, known_at), body, written_at))
    return True


def _forgotten(connection: sqlite3.Connection, view: str, key: str) -> int:
    """Delete a key's values and their history, or its events; return how many rows that were."""
    rows = fed.forget(connection, view, key)
    rows += connection.execute("DELETE FROM feature_history WHERE view = ? AND key = ?", (view, key)).rowcount
    connection.execute("DELETE FROM feature_latest WHERE view = ? AND key = ?", (view, key))
    return rows


def _defined(connection: sqlite3.Connection, view: str) -> View | None:
    row = connection.execute("SELECT definition FROM feature_views WHERE name = ?", (view,)).fetchone()
    return None if row is None else msgspec.json.decode(row[0], type=View)


def _ttl(view: View) -> int:
    """Return the time to live as a number that can be subtracted from any moment."""
    return _FOR_EVER if view.ttl_us is None else view.ttl_us


def _expiry(view: View, known_at: int) -> int:
    return NEVER if view.ttl_us is None else known_at + view.ttl_us


def _text(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _connected(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(file, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    into_wal(connection)
    connection.execute("PRAGMA synchronous = FULL")
    # What is replaced or deleted is overwritten: a person who is erased must not be left in free pages of the file.
    connection.execute("PRAGMA secure_delete = ON")
    return connection


def _prepare(connection: sqlite3.Connection) -> None:
    """Make what is missing in one transaction: several processes may open the file at once."""
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        for statement in _TABLES:
            connection.execute(statement)
        for table, column, kind in _ADDED:
            if column not in {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}:
                connection.execute(f"ALTER TABLE {table} ADD COLUMN {column} {kind}")
        for statement in _INDEXES:
            connection.execute(statement)


def _absent(column: str) -> tuple[str, str]:
    """Return the condition that a body has no value in a column, and the value to ask it with."""
    if '"' in column:
        # A path has no way to write this name, and would find nothing; walking the body takes twice as long.
        return "NOT EXISTS (SELECT 1 FROM json_each(text) WHERE key = ? AND type <> 'null')", column
    return "json_extract(text, ?) IS NULL", f'$."{column}"'
