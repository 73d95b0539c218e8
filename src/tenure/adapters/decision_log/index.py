"""`index.db`: from what people ask by (entity, application, version, rule, …) to the place of a sealed record.

Written by the sealer alone, one transaction for each sealed file, and rebuildable from the chain and the Parquet files.
Its `positions` say what readers find here; everything later they read from the segments.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, TypeAlias

from tenure.adapters.decision_log import parquet
from tenure.adapters.decision_log.heads import EXPIRED, head_of
from tenure.adapters.decision_log.pages import Page, pages_of
from tenure.adapters.sqlite import into_wal
from tenure.kit.clock import SECOND
from tenure.kit.ids import sorts_before

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from pathlib import Path

    from tenure.adapters.decision_log.chain import Sealing
    from tenure.adapters.decision_log.heads import Head

_TABLES = """
CREATE TABLE IF NOT EXISTS files (
    first INTEGER PRIMARY KEY, count INTEGER NOT NULL, path TEXT NOT NULL, since INTEGER NOT NULL, until INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS records (
    id TEXT NOT NULL, leaf INTEGER NOT NULL, kind TEXT NOT NULL, at INTEGER NOT NULL, application TEXT NOT NULL,
    entity TEXT, decided_by TEXT, model TEXT, version INTEGER, decision TEXT, PRIMARY KEY (id, leaf)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS records_entity ON records (entity, id) WHERE entity IS NOT NULL;
CREATE INDEX IF NOT EXISTS records_application ON records (application, id);
CREATE INDEX IF NOT EXISTS records_version ON records (model, version, id) WHERE model IS NOT NULL;
CREATE INDEX IF NOT EXISTS records_decision ON records (decision, id) WHERE decision IS NOT NULL;
CREATE INDEX IF NOT EXISTS records_resolution ON records (id) WHERE kind = 'resolution';
CREATE INDEX IF NOT EXISTS records_fallback ON records (application, id) WHERE decided_by = 'fallback';
CREATE TABLE IF NOT EXISTS pending (id TEXT PRIMARY KEY, application TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS rules (rule TEXT NOT NULL, id TEXT NOT NULL, PRIMARY KEY (rule, id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS pages (leaf INTEGER PRIMARY KEY, place INTEGER NOT NULL, size INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS combinations (
    kind TEXT, application TEXT, decided_by TEXT, model TEXT, version INTEGER, rule TEXT,
    since INTEGER NOT NULL, until INTEGER NOT NULL, PRIMARY KEY (kind, application, decided_by, model, version, rule)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS state (only INTEGER PRIMARY KEY CHECK (only = 1), ending INTEGER, positions TEXT);
"""

#: written into the file; an index of another version is made again
_VERSION = 2
#: an id is made from the record's own moment, or for the rows of one call from a few milliseconds later
_SLACK = 60 * SECOND
#: values that have an index of their own, which SQLite uses only where the question names them without a variable
_RARE = {"records.kind = ?": "resolution", "records.decided_by = ?": "fallback"}
#: the least and the greatest value
Bounds: TypeAlias = "tuple[float | None, float | None]"
#: stands among the combinations where those of all files are there
_ALL_NOTED = ("", "", "", "", 0, "")
_COMBINE = (
    "INSERT INTO combinations VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT DO UPDATE SET since = min(since, excluded.since), until = max(until, excluded.until)"
)
#: from so many values on it is asked whether they ever came together
_COMBINED = 2
#: sorts after every id
_LAST = "~"
#: values in one question; SQLite takes 999 at least
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Sought:
    """What a search asks for; None asks nothing. `since` and `until` bound `at` as [since, until)."""

    application: str | None = None
    entity: str | None = None
    since: int | None = None
    until: int | None = None
    rule: str | None = None
    decided_by: str | None = None
    model: str | None = None
    version: int | None = None
    kind: str | None = None
    decision: str | None = None
    after: str | None = None
    #: both ends counted; None: no bound
    score: Bounds = (None, None)
    elapsed_us: Bounds = (None, None)

    @property
    def is_ranged(self) -> bool:
        """Return whether something is asked for that only the files' columns know."""
        return self.score != (None, None) or self.elapsed_us != (None, None)

    def holds(self, head: Head) -> bool:
        """Return whether a record with this head is meant; the same question as `_where`."""
        served = head.served
        facts = (
            (self.application, head.application),
            (self.entity, head.entity),
            (self.decided_by, head.decided_by),
            (self.model, served.model if served else None),
            (self.version, served.version if served else None),
            (self.kind, head.kind),
            (self.decision, head.decision),
        )
        return (
            all(wanted is None or wanted == found for wanted, found in facts)
            and (self.rule is None or self.rule in head.rules)
            and (self.since is None or head.at >= self.since)
            and (self.until is None or head.at < self.until)
            and (self.after is None or head.id < self.after)
            and _within(head.score, self.score)
            and _within(head.elapsed_us, self.elapsed_us)
        )


def _within(value: float | None, bounds: Bounds) -> bool:
    low, high = bounds
    if value is None:
        return bounds == (None, None)
    return (low is None or value >= low) and (high is None or value <= high)


@dataclass(frozen=True, slots=True)
class SealedFile:
    """One Parquet file of the order."""

    first: int
    count: int
    path: str


@dataclass(frozen=True, slots=True)
class Aged:
    """An old record: its place, what it is, whom it is about, and which version answered."""

    leaf: int
    kind: str
    entity: str | None
    model: str | None
    version: int | None


def index_file(decisions: Path) -> Path:
    """Return where the index is."""
    return decisions / "index.db"


class Index:
    """One connection; readers open their own for each question."""

    def __init__(self, decisions: Path) -> None:
        self._decisions = decisions
        self._connection = sqlite3.connect(index_file(decisions), isolation_level=None, timeout=10.0)
        into_wal(self._connection)
        self._connection.executescript(_TABLES)
        if not self._version() and not self.ending:
            self._connection.execute(f"PRAGMA user_version = {_VERSION}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def _version(self) -> int:
        version: int = self._connection.execute("PRAGMA user_version").fetchone()[0]
        return version

    @property
    def ending(self) -> int:
        """Return the number of leaves indexed."""
        return self.state()[0]

    def state(self) -> tuple[int, dict[str, int]]:
        """Return the number of leaves indexed and, for every stream, the sequence after the last indexed record."""
        row = self._connection.execute("SELECT ending, positions FROM state").fetchone()
        return (row[0], json.loads(row[1])) if row else (0, {})

    def begin(self) -> None:
        """Let all following questions see one state."""
        self._connection.execute("BEGIN")

    def end(self) -> None:
        """Let the next question see the newest state again."""
        self._connection.execute("ROLLBACK")

    def add(self, sealing: Sealing, heads: Sequence[Head]) -> None:
        """Index one sealed file; all of it or nothing."""
        pages = pages_of(self._decisions / sealing.file)
        with self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            insert(self._connection, sealing, heads, pages)

    def turn(self, sealing: Sealing) -> None:
        """Note anew where the records of a file lie, after it was written again."""
        pages = pages_of(self._decisions / sealing.file)
        with self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            _insert_pages(self._connection, sealing, pages)

    def rebuild(self, decisions: Path, sealings: Iterable[Sealing]) -> None:
        """Make the whole index again in one transaction, so that readers never see half of it."""
        with self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            for table in ("files", "records", "rules", "pending", "pages", "combinations", "state"):
                self._connection.execute(f"DELETE FROM {table}")  # noqa: S608  names of our own
            for sealing in sealings:
                insert(self._connection, sealing, heads_in(decisions, sealing), pages_of(decisions / sealing.file))
            self._connection.execute(f"PRAGMA user_version = {_VERSION}")

    def places(self, sought: Sought, limit: int | None) -> list[tuple[str, int]]:
        """Return (id, leaf) of what is sought, newest first."""
        span = self._span(sought)
        return self._sought(sought, limit, span).fetchall() if span else []

    def _span(self, sought: Sought) -> tuple[str, str] | None:
        """Return the ids between which all lies that is sought, None where no file holds such a record.

        Of values that are each common but never came together, all of one of them would be looked through.
        """
        tests = _combined(sought)
        if (
            len(tests.keys() - {"kind", "version"}) < _COMBINED
            or sought.entity
            or sought.decision
            or not self._is_noted()
        ):
            return "", _LAST
        where = " AND ".join(f"{name} = ?" for name in tests)
        query = f"SELECT min(since), max(until) FROM combinations WHERE {where}"  # noqa: S608  names of our own
        since, until = self._connection.execute(query, list(tests.values())).fetchone()
        return None if since is None else (sorts_before(since - _SLACK), sorts_before(until + _SLACK))

    def _is_noted(self) -> bool:
        """Return whether the combinations of all files are noted: those of files indexed by an earlier Tenure are not."""
        return bool(self._connection.execute("SELECT 1 FROM combinations WHERE kind = ''").fetchone())

    def count(self, sought: Sought) -> int:
        """Return how many records are sought."""
        where, values = _where(sought)
        query = f"SELECT count(*) FROM {_source(sought)[0]} WHERE {where}"  # noqa: S608  names of our own
        return int(self._connection.execute(query, values).fetchone()[0])

    def ranked(self, sought: Sought, ranks: Collection[int]) -> list[tuple[str, int]]:
        """Return (id, leaf) of what is sought at these places of the list, newest first; no list of all is made."""
        wanted = frozenset(ranks)
        cursor = self._sought(sought, max(wanted, default=-1) + 1)
        return [place for rank, place in enumerate(cursor) if rank in wanted]

    def _sought(self, sought: Sought, limit: int | None, span: tuple[str, str] = ("", _LAST)) -> sqlite3.Cursor:
        where, values = _where(sought)
        source, name = _source(sought)
        query = (
            f"SELECT records.id, records.leaf FROM {source} WHERE {where} AND {name} >= ? AND {name} < ?"  # noqa: S608  names of our own
            f" ORDER BY {name} DESC LIMIT ?"
        )
        return self._connection.execute(query, (*values, *span, -1 if limit is None else limit))

    def unresolved(self, application: str | None) -> list[tuple[str, str, int]]:
        """Return (id, application, at) of the decisions left to a person about which nobody has said anything yet."""
        # CROSS: from the few that wait to their records. Left to itself SQLite walked all ten million records (18 s for 0.2).
        query = (
            "SELECT pending.id, pending.application, own.at FROM pending CROSS JOIN records AS own ON own.id = pending.id"
            " WHERE (?1 IS NULL OR pending.application = ?1) AND NOT EXISTS"
            " (SELECT 1 FROM records WHERE records.decision = pending.id AND records.kind = 'resolution')"
        )
        return self._connection.execute(query, (application,)).fetchall()

    def places_about(self, decisions: Collection[str], kind: str) -> dict[str, int]:
        """Return id → leaf of the records of a kind about these decisions."""
        asked = list(decisions)
        found: dict[str, int] = {}
        for start in range(0, len(asked), _AT_ONCE):
            some = asked[start : start + _AT_ONCE]
            places = ", ".join("?" * len(some))
            query = f"SELECT id, leaf FROM records WHERE decision IN ({places}) AND kind = ?"  # noqa: S608  question marks
            found.update(self._connection.execute(query, (*some, kind)).fetchall())
        return found

    def leaves_of(self, record_id: str) -> list[int]:
        """Return the leaves under which a record id is sealed: one or none."""
        rows = self._connection.execute("SELECT leaf FROM records WHERE id = ?", (record_id,)).fetchall()
        return [leaf for (leaf,) in rows]

    def aged(self, application: str, before: int) -> list[Aged]:
        """Return the records of an application that arrived before a moment, in the order of their leaves."""
        query = (
            "SELECT leaf, kind, entity, model, version FROM records"
            " WHERE application = ? AND id < ? AND at < ? ORDER BY leaf"
        )
        rows = self._connection.execute(query, (application, sorts_before(before + _SLACK), before))
        return [Aged(*row) for row in rows]

    def oldest(self, application: str) -> int | None:
        """Return when the oldest record of an application arrived."""
        query = "SELECT at FROM records WHERE application = ? ORDER BY id LIMIT 1"
        row = self._connection.execute(query, (application,)).fetchone()
        return row[0] if row else None

    def forget(self, leaves: Collection[int]) -> None:
        """Let nothing be found any more of records that were removed."""
        self._connection.execute("PRAGMA secure_delete = ON")
        with self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.execute("CREATE TEMP TABLE gone (leaf INTEGER PRIMARY KEY)")
            self._connection.executemany("INSERT OR IGNORE INTO gone VALUES (?)", ((leaf,) for leaf in leaves))
            ids = "(SELECT id FROM records WHERE leaf IN (SELECT leaf FROM gone))"
            for table in ("rules", "pending"):
                self._connection.execute(f"DELETE FROM {table} WHERE id IN {ids}")  # noqa: S608  names of our own
            self._connection.execute("DELETE FROM records WHERE leaf IN (SELECT leaf FROM gone)")
            self._connection.execute("DROP TABLE gone")

    def file_of(self, leaf: int) -> SealedFile:
        """Return the file that holds a leaf."""
        query = "SELECT first, count, path FROM files WHERE first <= ? ORDER BY first DESC LIMIT 1"
        return SealedFile(*self._connection.execute(query, (leaf,)).fetchone())

    def page_of(self, leaf: int, file: SealedFile) -> Page | None:
        """Return the page of this file that holds a leaf, None where its pages are not noted."""
        query = "SELECT leaf, place, size FROM pages WHERE leaf <= ? ORDER BY leaf DESC LIMIT 1"
        row = self._connection.execute(query, (leaf,)).fetchone()
        return Page(row[0] - file.first, row[1], row[2]) if row and row[0] >= file.first else None

    def files(self, since: int | None = None, until: int | None = None) -> list[SealedFile]:
        """Return the files that may hold records of [since, until), in the order of their leaves."""
        rows = self._connection.execute(
            "SELECT first, count, path FROM files WHERE (?1 IS NULL OR until >= ?1) AND (?2 IS NULL OR since < ?2)"
            " ORDER BY first",
            (since, until),
        ).fetchall()
        return [SealedFile(*row) for row in rows]

    def newest_files(self, since: int | None, until: int | None) -> list[tuple[SealedFile, str]]:
        """Return the files that may hold records of [since, until), each with an id that is greater than all of its own.

        Those with the greatest ids come first.
        """
        rows = self._connection.execute(
            "SELECT first, count, path, until FROM files WHERE (?1 IS NULL OR until >= ?1) AND (?2 IS NULL OR since < ?2)"
            " ORDER BY until DESC",
            (since, until),
        ).fetchall()
        return [(SealedFile(first, count, path), sorts_before(last + _SLACK)) for first, count, path, last in rows]


def insert(connection: sqlite3.Connection, sealing: Sealing, heads: Sequence[Head], pages: Sequence[Page]) -> None:
    """Index one sealed file, within the caller's transaction."""
    _insert_pages(connection, sealing, pages)
    # Of a record that was removed nothing is left to be found by.
    present = [(leaf, head) for leaf, head in enumerate(heads, sealing.first) if head.id or head.kind != EXPIRED]
    moments = [head.at for _, head in present] or [0]
    connection.execute(
        "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?)",
        (sealing.first, sealing.count, sealing.file, min(moments), max(moments)),
    )
    together = _combinations(head for _, head in present)
    if sealing.first == 0:
        together.add(_ALL_NOTED)
    values = ((*one, min(moments), max(moments)) for one in together)
    connection.executemany(_COMBINE, values)
    rows = (_row(leaf, head) for leaf, head in present)
    connection.executemany("INSERT OR REPLACE INTO records VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
    fired = ((rule, head.id) for head in heads for rule in head.rules)
    connection.executemany("INSERT OR IGNORE INTO rules VALUES (?, ?)", fired)
    pending = ((head.id, head.application) for head in heads if head.is_pending)
    connection.executemany("INSERT OR IGNORE INTO pending VALUES (?, ?)", pending)
    connection.execute("INSERT OR REPLACE INTO state VALUES (1, ?, ?)", (sealing.end, json.dumps(sealing.positions)))


def _insert_pages(connection: sqlite3.Connection, sealing: Sealing, pages: Sequence[Page]) -> None:
    connection.execute("DELETE FROM pages WHERE leaf >= ? AND leaf < ?", (sealing.first, sealing.end))
    rows = ((sealing.first + page.row, page.place, page.size) for page in pages)
    connection.executemany("INSERT INTO pages VALUES (?, ?, ?)", rows)


def _combinations(heads: Iterable[Head]) -> set[tuple[Any, ...]]:
    """Return which values stand together in records, as far as people ask for them together; `_combined` asks."""
    found = set()
    for head in heads:
        served = head.served
        model, version = (served.model, served.version) if served else ("", 0)
        one = (head.kind, head.application, head.decided_by or "", model, version)
        found |= {(*one, rule) for rule in head.rules or ("",)}
    return found


def _combined(sought: Sought) -> dict[str, Any]:
    """Return what is sought of values that files have noted together."""
    asked = {
        "kind": sought.kind,
        "application": sought.application,
        "decided_by": sought.decided_by,
        "model": sought.model,
        "version": sought.version,
        "rule": sought.rule,
    }
    return {name: value for name, value in asked.items() if value is not None}


def _row(leaf: int, head: Head) -> tuple[Any, ...]:
    served = head.served
    model, version = (served.model, served.version) if served else (None, None)
    return (
        head.id,
        leaf,
        head.kind,
        head.at,
        head.application,
        head.entity,
        head.decided_by,
        model,
        version,
        head.decision,
    )


def _source(sought: Sought) -> tuple[str, str]:
    """Return the tables to look in, and the column by which what is found is in order."""
    if sought.rule is None:
        return "records", "records.id"
    if sought.entity is None:
        # From the rule's own list, newest first: a page is found without looking at all that ever fired.
        return "rules CROSS JOIN records ON records.id = rules.id", "rules.id"
    # From the entity's own list, which its index holds alone; a record is looked at only where the rule fired. Each
    # record looked at in vain was a page read from anywhere in the file.
    of_both = "own.id = rules.id CROSS JOIN records ON records.id = own.id AND records.leaf = own.leaf"
    return f"records AS own CROSS JOIN rules ON {of_both}", "own.id"


def _where(sought: Sought) -> tuple[str, list[Any]]:
    """Return the SQL condition and its values; the same question as `Sought.holds`.

    Moments are asked of ids too, by which the records are in order: so a span of time is not searched for in all.
    """
    place = _source(sought)[1]
    tests = {
        "records.application = ?": sought.application,
        f"{'records' if sought.rule is None else 'own'}.entity = ?": sought.entity,
        "records.decided_by = ?": sought.decided_by,
        "records.model = ?": sought.model,
        "records.version = ?": sought.version,
        "records.kind = ?": sought.kind,
        "records.decision = ?": sought.decision,
        "records.at >= ?": sought.since,
        "records.at < ?": sought.until,
        f"{place} >= ?": None if sought.since is None else sorts_before(sought.since - _SLACK),
        f"{place} < ?": _earlier(sought.after, None if sought.until is None else sorts_before(sought.until + _SLACK)),
        "rules.rule = ?": sought.rule,
    }
    for test, rare in _RARE.items():
        if tests[test] == rare:
            del tests[test]
            tests[test.replace("?", f"'{rare}'") + " AND 1 = ?"] = 1
    asked = {test: value for test, value in tests.items() if value is not None}
    return " AND ".join(asked) or "1", list(asked.values())


def _earlier(one: str | None, other: str | None) -> str | None:
    return min((bound for bound in (one, other) if bound is not None), default=None)


def heads_in(decisions: Path, sealing: Sealing) -> list[Head]:
    """Return the heads of a sealed file's records."""
    return [head_of(record) for group in parquet.records(decisions / sealing.file) for record in group]


def has_index(decisions: Path) -> bool:
    """Return whether the index can be opened and read, and is of this version."""
    if not index_file(decisions).exists():
        return False
    try:
        with closing(sqlite3.connect(index_file(decisions))) as connection:
            connection.execute("SELECT ending FROM state").fetchone()
            version = connection.execute("PRAGMA user_version").fetchone()[0]
    except sqlite3.DatabaseError:
        return False
    return bool(version == _VERSION)
