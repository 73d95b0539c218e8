"""Every record of the log, sealed or not, each once: by id, by what people ask by, or all of them for a job."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tenure.adapters.decision_log import parquet
from tenure.adapters.decision_log.chain import last_sealing
from tenure.adapters.decision_log.heads import document_of, head_of
from tenure.adapters.decision_log.index import Index, Sought, has_index
from tenure.adapters.decision_log.sealer import rebuild_index, sealer_lock
from tenure.adapters.decision_log.tail import Tail

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from tenure.adapters.decision_log.tail import Entry

_JOB_ROWS = 4096


@dataclass(frozen=True, slots=True)
class Whole:
    """The whole log at one moment: its sealed files in the order of their leaves, then what is not sealed yet."""

    files: tuple[Path, ...]
    #: the leaf at which each file begins
    firsts: tuple[int, ...]
    ending: int
    unsealed: tuple[Entry, ...]


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
            return (self._fetch(index, leaves)[0] or None) if leaves else None

    def several(self, record_ids: Collection[str]) -> dict[str, bytes]:
        """Return the records with these ids, each file opened once; unknown ids are left out."""
        wanted = frozenset(record_ids)
        with Index(self._decisions) as index:
            found = {entry.head.id: entry.record for entry in self._view(index) if entry.head.id in wanted}
            leaves = {name: leaf for name in wanted - found.keys() for leaf in index.leaves_of(name)}
            found.update(zip(leaves, self._fetch(index, list(leaves.values())), strict=True))
        return {name: record for name, record in found.items() if record}

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
    ) -> list[bytes]:
        """Return the records that fit everything asked, newest first; `after` is the last id of the page before.

        `entity` is the pseudonym; `since` and `until` (UTC microseconds) bound the arrival as [since, until); `model`
        and `version` mean the version whose output was used; `decision` finds the outcomes of a decision.
        """
        sought = Sought(application, entity, since, until, rule, decided_by, model, version, kind, decision, after)
        with Index(self._decisions) as index:
            unsealed = {entry.head.id: entry.record for entry in self._view(index) if sought.holds(entry.head)}
            places = dict(index.places(sought, limit))
            chosen = sorted({*unsealed, *places}, reverse=True)[:limit]
            sealed = [name for name in chosen if name not in unsealed]
            fetched = dict(zip(sealed, self._fetch(index, [places[name] for name in sealed]), strict=True))
        both = (unsealed.get(name) or fetched[name] for name in chosen)
        return [record for record in both if record]

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
            found.update(zip(places, self._fetch(index, list(places.values())), strict=True))
        return [found[name] for name in sorted(found) if found[name]]

    def unresolved(self, application: str | None = None) -> list[str]:
        """Return the ids of decisions left to a person about which there is no resolution yet, oldest first."""
        with Index(self._decisions) as index:
            heads = [entry.head for entry in self._view(index)]
            resolved = {head.decision for head in heads if head.kind == "resolution"}
            pending = {head.id for head in heads if head.is_pending and application in {None, head.application}}
            # What is pending in the tail cannot be resolved in the index: a resolution comes after its decision, but
            # another stream's may be sealed first.
            known = pending | set(index.unresolved(application))
            sealed = index.places_about(pending, "resolution")
            resolved |= {head_of(record).decision for record in self._fetch(index, list(sealed.values()))}
        return sorted(known - resolved)

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

    def _fetch(self, index: Index, leaves: list[int]) -> list[bytes]:
        """Return the records of these leaves, in their order, opening each file once."""
        by_file: dict[str, list[tuple[int, int]]] = {}
        for leaf in leaves:
            file = index.file_of(leaf)
            by_file.setdefault(file.path, []).append((leaf, leaf - file.first))
        found: dict[int, bytes] = {}
        for path, places in by_file.items():
            rows = parquet.records_at(self._decisions / path, [row for _, row in places])
            found.update(zip((leaf for leaf, _ in places), rows, strict=True))
        return [found[leaf] for leaf in leaves]
