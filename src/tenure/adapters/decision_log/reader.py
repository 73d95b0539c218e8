"""Every record of the log, sealed or not, each once: by id, by what people ask by, or all of them for a job."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from tenure.adapters.decision_log import columns, parquet
from tenure.adapters.decision_log.chain import last_sealing
from tenure.adapters.decision_log.heads import document_of, head_of
from tenure.adapters.decision_log.index import Index, Sought, has_index
from tenure.adapters.decision_log.pages import read_pages
from tenure.adapters.decision_log.sealer import rebuild_index, sealer_lock
from tenure.adapters.decision_log.tail import Tail
from tenure.kit.errors import Kind, TenureError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

    from tenure.adapters.decision_log.index import Bounds, SealedFile
    from tenure.adapters.decision_log.pages import Page
    from tenure.adapters.decision_log.tail import Entry

_JOB_ROWS = 4096


class LogFileUnreadable(TenureError):
    """A sealed file of the log is gone, or is no Parquet any more."""

    code = "log-file-unreadable"
    kind = Kind.CORRUPT
    message = "{file} of the decision log cannot be read: {why}"
    next_step = "`tenure verify` names all that is missing; put the file back from a backup (`tenure up --from DIR`)"


@dataclass(frozen=True, slots=True)
class Whole:
    """The whole log at one moment: its sealed files in the order of their leaves, then what is not sealed yet."""

    files: tuple[Path, ...]
    #: the leaf at which each file begins
    firsts: tuple[int, ...]
    ending: int
    unsealed: tuple[Entry, ...]


class Unresolved(NamedTuple):
    """A decision that was left to a person, of which nobody has said anything; `at` is when it was made."""

    id: str
    application: str
    at: int


class LogReader:
    """One reader; several threads may ask it. It keeps the heads of unsealed records in memory."""

    def __init__(self, decisions: Path) -> None:
        self._decisions = decisions
        self._tail = Tail(decisions)
        self._lock = threading.Lock()
        decisions.mkdir(parents=True, exist_ok=True)
        if last_sealing(decisions) is not None and not has_index(decisions):
            with sealer_lock(decisions):
                rebuild_index(decisions)

    def get(self, record_id: str) -> bytes | None:
        """Return the record with this id, or None."""
        with Index(self._decisions) as index:
            unsealed = self._view(index)
            for entry in unsealed:
                if entry.head.id == record_id:
                    return entry.record
            leaves = index.leaves_of(record_id)
            return self._fetch(index, {record_id: leaves[0]}).get(record_id) if leaves else None

    def several(self, record_ids: Collection[str]) -> dict[str, bytes]:
        """Return the records with these ids, each file opened once; unknown ids are left out."""
        wanted = frozenset(record_ids)
        with Index(self._decisions) as index:
            found = {entry.head.id: entry.record for entry in self._view(index) if entry.head.id in wanted}
            places = {name: leaf for name in wanted - found.keys() for leaf in index.leaves_of(name)}
            return found | self._fetch(index, places)

    def find(
        self,
        *,
        application: str | None = None,
        entity: str | None = None,
        since: int | None = None,
        until: int | None = None,
        rule: str | None = None,
        decided_by: str | None = None,
        model: str | None = None,
        version: int | None = None,
        kind: str | None = None,
        decision: str | None = None,
        limit: int | None = 100,
        after: str | None = None,
        score: Bounds = (None, None),
        elapsed_us: Bounds = (None, None),
    ) -> list[bytes]:
        """Return the records that fit everything asked, newest first; `after` is the last id of the page before.

        `entity` is the pseudonym; `since` and `until` (UTC microseconds) bound the arrival as [since, until); `model`
        and `version` mean the version whose output was used; `decision` finds the outcomes of a decision. Bounds of
        `score` and `elapsed_us` are looked for in the columns of every file of the span.
        """
        sought = Sought(
            application,
            entity,
            since,
            until,
            rule,
            decided_by,
            model,
            version,
            kind,
            decision,
            after,
            score,
            elapsed_us,
        )
        with Index(self._decisions) as index:
            unsealed = {entry.head.id: entry.record for entry in self._view(index) if sought.holds(entry.head)}
            places = dict(self._ranged(index, sought, limit) if sought.is_ranged else index.places(sought, limit))
            chosen = sorted({*unsealed, *places}, reverse=True)[:limit]
            fetched = self._fetch(index, {name: places[name] for name in chosen if name not in unsealed})
        # The index is made from the records and may be damaged: what is found by it is shown only if it is what was asked for.
        found = unsealed | {name: record for name, record in fetched.items() if sought.holds(head_of(record))}
        return [found[name] for name in chosen if name in found]

    def _ranged(self, index: Index, sought: Sought, limit: int | None) -> list[tuple[str, int]]:
        """Return (id, leaf) of what is sought in the columns, newest first: only as many files are read as it takes."""
        found: list[tuple[str, int]] = []
        for file, above in index.newest_files(sought.since, sought.until):
            if limit is not None and len(found) >= limit and found[limit - 1][0] > above:
                break
            found += columns.places(self._decisions / file.path, file.first, sought)
            found.sort(reverse=True)
            found = found[:limit]
        return found

    def spread(self, count: int, **asked: Any) -> list[bytes]:
        """Return up to `count` of the records that `find` would give, newest first, at even distances: every time is met."""
        sought = Sought(**asked)
        with Index(self._decisions) as index:
            unsealed = [entry for entry in self._view(index) if sought.holds(entry.head)]
            unsealed.sort(key=lambda entry: entry.head.id, reverse=True)
            total = len(unsealed) + index.count(sought)
            ranks = {place * total // count for place in range(count)} if total > count else set(range(total))
            sealed = index.ranked(sought, {rank - len(unsealed) for rank in ranks if rank >= len(unsealed)})
            fetched = self._fetch(index, dict(sealed))
        chosen = [entry.record for rank, entry in enumerate(unsealed) if rank in ranks]
        return chosen + [fetched[name] for name, _ in sealed if name in fetched]

    def outcomes_of(self, decision_id: str) -> list[bytes]:
        """Return the outcomes known of a decision: for every name its latest record, which corrects the earlier."""
        latest: dict[str | None, bytes] = {}
        for record in self.find(decision=decision_id, kind="outcome", limit=None):
            latest.setdefault(head_of(record).name, record)
        return list(latest.values())

    def about(self, decisions: Collection[str], kind: str) -> list[bytes]:
        """Return all records of a kind (outcome, resolution) about these decisions, oldest first."""
        wanted = frozenset(decisions)
        with Index(self._decisions) as index:
            found = {
                entry.head.id: entry.record
                for entry in self._view(index)
                if entry.head.kind == kind and entry.head.decision in wanted
            }
            places = index.places_about(wanted, kind)
            found |= self._fetch(index, places)
        return [found[name] for name in sorted(found)]

    def unresolved(self, application: str | None = None) -> list[Unresolved]:
        """Return the decisions left to a person about which there is no resolution yet, oldest first; no record is read."""
        with Index(self._decisions) as index:
            heads = [entry.head for entry in self._view(index)]
            resolved = {head.decision for head in heads if head.kind == "resolution"}
            pending = [head for head in heads if head.is_pending and application in {None, head.application}]
            # What is pending in the tail cannot be resolved in the index: a resolution comes after its decision, but
            # another stream's may be sealed first.
            known = {head.id: Unresolved(head.id, head.application, head.at) for head in pending}
            known |= {one[0]: Unresolved(*one) for one in index.unresolved(application)}
            sealed = index.places_about([head.id for head in pending], "resolution")
            resolved |= {head_of(record).decision for record in self._fetch(index, sealed).values()}
        return sorted(one for one in known.values() if one.id not in resolved)

    def whole(self, since: int | None = None, until: int | None = None) -> Whole:
        """Return the log as it is at this moment, for questions over columns: all, or the files that touch a span."""
        with Index(self._decisions) as index:
            unsealed = self._view(index)
            files = index.files(since, until)
            return Whole(
                tuple(self._decisions / file.path for file in files),
                tuple(file.first for file in files),
                index.ending,
                tuple(unsealed),
            )

    def scan(
        self,
        *,
        kind: str | None = None,
        application: str | None = None,
        since: int | None = None,
        until: int | None = None,
        model: str | None = None,
        version: int | None = None,
    ) -> Iterator[list[dict[str, Any]]]:
        """Return all records that fit as plain data, in lists: first the sealed ones in the log's order, then the rest.

        What is sealed while a job reads is neither lost nor met twice. Bounds and names mean the same as in `find`.
        """
        asked = {"kind": kind, "application": application, "model": model, "version": version}
        equal = {name: value for name, value in asked.items() if value is not None}
        sought = Sought(since=since, until=until, **asked)  # type: ignore[arg-type]
        with Index(self._decisions) as index:
            rest = [entry.record for entry in self._view(index) if sought.holds(entry.head)]
            files = index.files(since, until)
        for file in files:
            for found in parquet.matching_records(self._decisions / file.path, equal, since, until):
                if found:
                    yield [document_of(record) for record in found]
        for start in range(0, len(rest), _JOB_ROWS):
            yield [document_of(record) for record in rest[start : start + _JOB_ROWS]]

    def sealed_from(self, leaf: int, kinds: frozenset[str]) -> tuple[int, Iterator[tuple[int, Iterator[list[bytes]]]]]:
        """Return how many leaves there are, and for each sealed file from `leaf` on its end and its records of some kinds.

        What was removed is left out. `leaf` must be where a file begins, or the end.
        """
        with Index(self._decisions) as index:
            index.begin()
            ending, files = index.ending, [file for file in index.files() if file.first >= leaf]
        return ending, (
            (
                file.first + file.count,
                parquet.matching_records(self._decisions / file.path, {"kind": kinds}, None, None),
            )
            for file in files
        )

    def _view(self, index: Index) -> list[Entry]:
        """Return the unsealed records, and leave `index` in the state that they complete: no record is between.

        Segments are removed only after the index has their records, so a look during which the index did not move
        missed nothing.
        """
        with self._lock:
            while True:
                _, positions = index.state()
                try:
                    entries = self._tail.refresh(positions)
                except FileNotFoundError:
                    continue
                index.begin()
                if index.state()[1] == positions:
                    return entries
                index.end()

    def _fetch(self, index: Index, places: Mapping[str, int]) -> dict[str, bytes]:
        """Return the records with these ids, which the index says are at these leaves; those removed are left out."""
        by_file: dict[SealedFile, dict[str, int]] = {}
        for name, leaf in places.items():
            by_file.setdefault(index.file_of(leaf), {})[name] = leaf
        found: dict[str, bytes] = {}
        for file, mine in by_file.items():
            try:
                found |= self._fetch_from(index, file, mine)
            except (OSError, ValueError) as error:  # pyarrow's own errors are one or the other
                why = "it is gone" if isinstance(error, FileNotFoundError) else str(error)
                raise LogFileUnreadable(file=file.path, why=why) from error
        return found

    def _fetch_from(self, index: Index, file: SealedFile, places: Mapping[str, int]) -> dict[str, bytes]:
        """Return the records of one file, each from its page; what is not there is looked for in its row group."""
        path = self._decisions / file.path
        by_page: dict[Page, list[tuple[str, int]]] = {}
        for name, leaf in places.items():
            if page := index.page_of(leaf, file):
                by_page.setdefault(page, []).append((name, leaf - file.first - page.row))
        found = read_pages(path, by_page)
        missing = [name for name in places if name not in found]
        if missing:
            rows = parquet.records_at(path, [places[name] - file.first for name in missing])
            found |= {name: record for name, record in zip(missing, rows, strict=True) if record}
        return found
