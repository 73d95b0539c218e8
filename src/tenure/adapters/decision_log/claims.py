"""Idempotency keys, reserved before dispatch and shared by all gateways; the log stays the truth.

States of a claim: nothing → reserved → done, or reserved → released (nothing again). A reserved claim whose stream's
writer is dead is settled from the log: its decision is there, then the claim is done, or it never was.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

from tenure.adapters.decision_log.full import DiskFull, Space
from tenure.adapters.decision_log.wal import Wal, connect
from tenure.kit.clock import DAY, SystemClock

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from tenure.kit.clock import Clock

_TABLE = """
CREATE TABLE IF NOT EXISTS claims (
    application TEXT NOT NULL, key TEXT NOT NULL, body TEXT NOT NULL, decision TEXT NOT NULL, stream TEXT NOT NULL,
    response BLOB, at INTEGER NOT NULL, PRIMARY KEY (application, key)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS claims_unsettled ON claims (stream) WHERE response IS NULL;
CREATE INDEX IF NOT EXISTS claims_age ON claims (at) WHERE response IS NOT NULL;
"""

#: a key whose answer is too old to be given again is as good as new
_OVER_OLD = (
    "ON CONFLICT DO UPDATE SET body = excluded.body, decision = excluded.decision, stream = excluded.stream,"
    " response = NULL, at = excluded.at WHERE response IS NOT NULL AND at < ? RETURNING key"
)
_KEEP = "UPDATE claims SET response = ?, at = ? WHERE application = ? AND key = ?"
_RELEASE = "DELETE FROM claims WHERE application = ? AND key = ? AND response IS NULL"
#: rows in one statement: SQLite takes 999 values at least
_AT_ONCE = 128


@dataclass(frozen=True, slots=True)
class Reserved:
    """The key is ours: decide, append, then `finish`; or `release` when nothing was appended."""


@dataclass(frozen=True, slots=True)
class Done:
    """The key was used before for the same request: this was the answer."""

    response: bytes


@dataclass(frozen=True, slots=True)
class InFlight:
    """The same request is being decided elsewhere."""

    decision: str
    stream: str


@dataclass(frozen=True, slots=True)
class Mismatch:
    """The key was used before for another request."""

    decision: str


Claim: TypeAlias = Reserved | Done | InFlight | Mismatch


class Log(Protocol):
    """Where a dead stream's decision is looked for (`streams.UnsealedLog`)."""

    def among(self, stream: str, decision_ids: Collection[str]) -> dict[str, bytes]:
        """Return the records of those of these decisions that the stream holds."""


class Claims:
    """The claims of a home; each process opens its own. Not for several threads at once."""

    def __init__(self, path: Path, *, clock: Clock | None = None, keep: int = DAY) -> None:
        self._connection = connect(path)
        self._connection.executescript(_TABLE)
        self._wal = Wal(path)
        self._clock = clock or SystemClock()
        self._keep = keep
        self._space = Space(path)
        #: how keys ended that the full disk did not take yet: the answer, None for given back
        self._late: dict[tuple[str, str], bytes | None] = {}
        self._together: dict[tuple[str, str], bytes | None] | None = None
        #: keys whose record may be on the disk although it was refused
        self._doubted: set[tuple[str, str]] = set()

    def reserve(self, application: str, key: str, body_digest: str, decision_id: str, stream: str) -> Claim:
        """Return whether the key is now ours, and if not, what became of it. One of all who try gets `Reserved`.

        Raises `DiskFull`.
        """
        if self._late:
            self._catch_up()
        known = self._look(application, key, body_digest)
        if known is not None:
            return known
        if self._insert(application, [(key, body_digest, decision_id)], stream):
            return Reserved()
        return self._look(application, key, body_digest) or self.reserve(
            application, key, body_digest, decision_id, stream
        )

    def reserve_all(self, application: str, rows: Sequence[tuple[str, str, str]], stream: str) -> dict[str, Claim]:
        """Return key → claim for rows of (key, digest of the body, decision id): as `reserve`, in one transaction.

        Most keys of a batch are new, so all are inserted by one statement, and only those that it left are looked at.
        """
        found: dict[str, Claim] = {}
        with self.together():
            for start in range(0, len(rows), _AT_ONCE):
                some = rows[start : start + _AT_ONCE]
                ours = self._insert(application, some, stream)
                for key, body, decision in some:
                    is_ours = key in ours
                    found[key] = Reserved() if is_ours else self.reserve(application, key, body, decision, stream)
        return found

    def _insert(self, application: str, rows: Sequence[tuple[str, str, str]], stream: str) -> set[str]:
        """Return the keys that are now ours: those that were free, and those whose time is over."""
        now = self._clock.now()
        values = [each for key, body, decision in rows for each in (application, key, body, decision, stream, now)]
        places = ", ".join(["(?, ?, ?, ?, ?, NULL, ?)"] * len(rows))
        with self._space:
            made = self._connection.execute(
                f"INSERT INTO claims VALUES {places} {_OVER_OLD}",  # noqa: S608  question marks
                (*values, now - self._keep),
            ).fetchall()
        if made:
            self._wal.mark()
        return {key for (key,) in made}

    def _look(self, application: str, key: str, body_digest: str) -> Done | InFlight | Mismatch | None:
        """Return what the key stands for, or None when it is free or its time is over."""
        row = self._connection.execute(
            "SELECT body, decision, stream, response, at FROM claims WHERE application = ? AND key = ?",
            (application, key),
        ).fetchone()
        if row is None:
            return None
        body, decision, stream, response, at = row
        if response is not None and at < self._clock.now() - self._keep:
            return None
        if body != body_digest:
            return Mismatch(decision)
        return Done(response) if response is not None else InFlight(decision, stream)

    async def wait(
        self, application: str, key: str, body_digest: str, decision_id: str, stream: str, *, seconds: float
    ) -> Claim:
        """Return like `reserve`, but while another decides wait up to `seconds` for its answer or its release."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        pause = 0.002
        while True:
            claim = self.reserve(application, key, body_digest, decision_id, stream)
            if not isinstance(claim, InFlight) or loop.time() + pause > until:
                return claim
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, 0.05)

    @contextmanager
    def together(self) -> Iterator[None]:
        """Let all that is asked inside be one transaction, for many keys at once; nothing may be awaited in between."""
        if self._late:
            self._catch_up()
        self._together = {}
        try:
            with self._transaction():
                yield
        except DiskFull:
            # Nothing of it was kept. How keys ended is told later; that keys were reserved never was.
            if not self._together:
                raise
            self._late |= self._together
        finally:
            self._together = None
        # Marked inside, a sync on the log's thread may have passed before the commit was written.
        self._wal.mark()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._space:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def finish(self, application: str, key: str, response: bytes) -> None:
        """Keep the answer for whoever asks again; call it when the record is durable. On a full disk it is kept later."""
        self._end(application, key, response)

    def release(self, application: str, key: str) -> None:
        """Give an unfinished key back: nothing was decided under it. On a full disk it is given back later."""
        self._end(application, key, None)

    def end_all(self, application: str, answers: Mapping[str, bytes | None]) -> None:
        """Keep each answer under its key, and give back the keys that have none: `finish` and `release` of many at once."""
        now = self._clock.now()
        kept = [(answer, now, application, key) for key, answer in answers.items() if answer is not None]
        free = [(application, key) for key, answer in answers.items() if answer is None]
        with self.together():
            assert self._together is not None
            self._together.update(((application, key), answer) for key, answer in answers.items())
            with self._space:
                self._connection.executemany(_KEEP, kept)
                self._connection.executemany(_RELEASE, free)

    def doubt(self, application: str, key: str) -> None:
        """Keep the key until it is known whether its record, which the log failed to make durable, is there.

        A later record of this stream shows that it is not (`believe`); if this process dies before, `settle` finds out.
        """
        self._doubted.add((application, key))

    def believe(self) -> None:
        """Give the doubted keys back: the stream went on without their records."""
        while self._doubted:
            self._end(*self._doubted.pop(), None)

    def _end(self, application: str, key: str, response: bytes | None) -> None:
        if self._together is not None:
            self._together[application, key] = response
            self._write_end(application, key, response)
            return
        try:
            self._write_end(application, key, response)
        except DiskFull:
            self._late[application, key] = response

    def _write_end(self, application: str, key: str, response: bytes | None) -> None:
        with self._space:
            if response is None:
                self._connection.execute(_RELEASE, (application, key))
            else:
                self._connection.execute(_KEEP, (response, self._clock.now(), application, key))

    def _catch_up(self) -> None:
        """Write down how keys ended that a full disk did not take, as far as it does now."""
        with suppress(DiskFull):
            for (application, key), response in list(self._late.items()):
                self._write_end(application, key, response)
                del self._late[application, key]

    def settle(self, dead_streams: Iterable[str], log: Log, answer_of: Callable[[bytes], bytes]) -> int:
        """Decide the open claims of dead writers from the log, making answers from records; return how many."""
        settled = 0
        for stream in dead_streams:
            open_claims = self._connection.execute(
                "SELECT application, key, decision FROM claims WHERE stream = ? AND response IS NULL", (stream,)
            ).fetchall()
            # One pass for all of them: a gateway killed in a batch leaves hundreds.
            found = log.among(stream, {decision for _, _, decision in open_claims}) if open_claims else {}
            for application, key, decision in open_claims:
                record = found.get(decision)
                if record is None:
                    self.release(application, key)
                else:
                    self.finish(application, key, answer_of(record))
                settled += 1
        return settled

    def unsettled_streams(self) -> set[str]:
        """Return the streams that open claims wait for; the sealer keeps their segments until they are settled."""
        rows = self._connection.execute("SELECT DISTINCT stream FROM claims WHERE response IS NULL").fetchall()
        return {stream for (stream,) in rows}

    def forget_old(self) -> int:
        """Remove the answers whose time is over; return how many."""
        before = self._clock.now() - self._keep
        return self._connection.execute("DELETE FROM claims WHERE response IS NOT NULL AND at < ?", (before,)).rowcount

    def sync(self) -> None:
        """Make reservations durable: pass it to the log as `before_sync`, so that no acknowledged key is forgotten."""
        self._wal.sync()

    def close(self) -> None:
        """Close the database."""
        self._wal.close()
        self._connection.close()
