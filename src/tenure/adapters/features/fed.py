"""Views computed from events, in the features' file: the events of each key, and the running state of its columns.

Everything here happens inside a transaction of the caller. The decision log is the truth: a view whose feed has changed is
emptied, and control feeds it again from the log's beginning (`position`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from tenure.application.features import feeds
from tenure.application.features.feeds import Happened, State

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from tenure.application.features.events import Entry
    from tenure.application.features.feeds import Between
    from tenure.application.features.view import Feed, View

NEVER = 2**63 - 1
TABLES = (
    """CREATE TABLE IF NOT EXISTS feature_events (
    view TEXT NOT NULL, key TEXT NOT NULL, at INTEGER NOT NULL, id TEXT NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (view, key, at, id)
) WITHOUT ROWID""",
    "CREATE UNIQUE INDEX IF NOT EXISTS feature_events_once ON feature_events (view, id)",
    """CREATE TABLE IF NOT EXISTS feature_states (
    view TEXT NOT NULL, key TEXT NOT NULL, due INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (view, key)
) WITHOUT ROWID""",
    f"CREATE INDEX IF NOT EXISTS feature_states_due ON feature_states (due) WHERE due < {NEVER}",
    "CREATE TABLE IF NOT EXISTS feature_feeds (view TEXT PRIMARY KEY, leaf INTEGER NOT NULL) WITHOUT ROWID",
)
#: until when the kept values of a key are right, in a statement over feature_latest
DUE = """coalesce((SELECT due FROM feature_states WHERE feature_states.view = feature_latest.view
AND feature_states.key = feature_latest.key), 9223372036854775807)"""
_KNOWN = "SELECT 1 FROM feature_events WHERE view = ? AND id = ?"
_BETWEEN = "SELECT at, id, body FROM feature_events WHERE view = ? AND key = ? AND at > ? AND at <= ? ORDER BY at, id"
_DUE = "SELECT view, key FROM feature_states WHERE due < 9223372036854775807 AND due <= ? LIMIT ?"
_OLDEST = "SELECT min(at) FROM feature_events WHERE view = ? AND key = ? AND at > ?"
_decode = msgspec.json.Decoder(dict[str, Any]).decode
_state = msgspec.json.Decoder(State).decode


def take(connection: sqlite3.Connection, entries: Iterable[Entry], now: int) -> None:
    """Take events in; one that is known already changes nothing."""
    touched: dict[tuple[str, str], tuple[View, State]] = {}
    for view, key, event in ((entry.view, entry.key, entry.happened) for entry in entries):
        assert view.feed is not None
        if connection.execute(_KNOWN, (view.name, event.id)).fetchone():
            continue
        if (view.name, key) not in touched:
            touched[view.name, key] = (view, state_at(connection, view, key, now))
        _, state = touched[view.name, key]
        body = msgspec.json.encode(event.values)
        connection.execute(
            "INSERT INTO feature_events VALUES (?, ?, ?, ?, ?)", (view.name, key, event.at, event.id, body)
        )
        feeds.add(state, view.feed, event)
    for (_, key), (view, state) in touched.items():
        _keep(connection, view, key, state)


def state_at(connection: sqlite3.Connection, view: View, key: str, now: int) -> State:
    """Return the state of a key moved on to now; nothing is written."""
    feed = _feed(view)
    row = connection.execute("SELECT body FROM feature_states WHERE view = ? AND key = ?", (view.name, key)).fetchone()
    state = _state(row[0]) if row else feeds.empty(feed, now)
    feeds.advance(state, feed, now, between(connection, view, key))
    return state


def move_on(connection: sqlite3.Connection, views: dict[str, View], now: int, most: int) -> int:
    """Move the states on out of whose windows something has left, and return how many those were."""
    due = connection.execute(_DUE, (now, most)).fetchall()
    for name, key in due:
        if (view := views.get(name)) is not None and view.feed is not None:
            _keep(connection, view, key, state_at(connection, view, key, now))
    return len(due)


def between(connection: sqlite3.Connection, view: View, key: str) -> Between:
    """Return what gives the events of a key in (after, until]."""

    def found(after: int, until: int) -> list[Happened]:
        if until <= after:
            return []
        rows = connection.execute(_BETWEEN, (view.name, key, after, until)).fetchall()
        return [Happened(at, name, _decode(body)) for at, name, body in rows]

    return found


def empty(connection: sqlite3.Connection, view: str) -> None:
    """Forget all that a view was computed from: it is fed again from the log."""
    for table in ("feature_events", "feature_states", "feature_latest", "feature_feeds"):
        connection.execute(f"DELETE FROM {table} WHERE view = ?", (view,))  # noqa: S608 - names of our own


def forget(connection: sqlite3.Connection, view: str, key: str) -> int:
    """Forget a key's events; return how many there were."""
    connection.execute("DELETE FROM feature_states WHERE view = ? AND key = ?", (view, key))
    return connection.execute("DELETE FROM feature_events WHERE view = ? AND key = ?", (view, key)).rowcount


def _keep(connection: sqlite3.Connection, view: View, key: str, state: State) -> None:
    feed = _feed(view)
    due = _due(connection, view, feed, key, state)
    body = msgspec.json.encode(state)
    connection.execute("INSERT OR REPLACE INTO feature_states VALUES (?, ?, ?, ?)", (view.name, key, due, body))
    expires = due if view.ttl_us is None else min(due, state.newest + view.ttl_us)
    values = msgspec.json.encode(feeds.values(state, feed))
    connection.execute(
        "INSERT OR REPLACE INTO feature_latest (view, key, known_at, expires_at, body, written_at) VALUES (?, ?, ?, ?, ?, ?)",
        (view.name, key, state.newest, expires, values, state.as_of),
    )


def _due(connection: sqlite3.Connection, view: View, feed: Feed, key: str, state: State) -> int:
    """Return when the first event leaves a window: from then on the values are others."""
    due = NEVER
    for window in feeds.windows(feed):
        (oldest,) = connection.execute(_OLDEST, (view.name, key, state.as_of - window)).fetchone()
        due = due if oldest is None else min(due, oldest + window)
    return due


def _feed(view: View) -> Feed:
    assert view.feed is not None
    return view.feed
