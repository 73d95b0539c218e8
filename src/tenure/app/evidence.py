"""What a home kept about its decisions, as replays need it (accountability/ports.py)."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import msgspec

from tenure.accountability.ports import PastVersion
from tenure.accountability.replay import UnknownDecision
from tenure.adapters.decision_log.persons import PersonErased
from tenure.application.revisions.revision import UnknownRevision
from tenure.contract.records import DecisionRecord
from tenure.kit.ids import parse_id
from tenure.model.version import VersionRef
from tenure.serving import oneshot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tenure.adapters.decision_log.persons import Persons
    from tenure.adapters.decision_log.reader import LogReader
    from tenure.application.revisions.ports import RevisionStore
    from tenure.application.revisions.terms import Definition
    from tenure.model.registry.ports import RegistryStore
    from tenure.model.registry.record import VersionRecord
    from tenure.serving.snapshot import VersionEntry, WorkerEntry

#: of how many of the newest matching decisions a sample is drawn, so that a log of any length answers at once
_NEWEST = 100_000


class HomeEvidence:
    """The evidence of one home."""

    def __init__(
        self,
        log: LogReader,
        persons: Persons,
        revisions: RevisionStore,
        registry: RegistryStore,
        ensure_runnable: Callable[[str], tuple[WorkerEntry, VersionEntry]],
    ) -> None:
        self._log = log
        self._persons = persons
        self._revisions = revisions
        self._registry = registry
        self._ensure = ensure_runnable

    def decision(self, decision_id: str) -> DecisionRecord:
        """Return the record; raise `UnknownDecision`."""
        found = self._log.get(parse_id(decision_id))
        if found is None or b'"kind":"decision"' not in found[:64]:
            raise UnknownDecision(decision=decision_id)
        return msgspec.json.decode(found, type=DecisionRecord)

    def sample(self, count: int, application: str, model: str, version: int | None) -> list[DecisionRecord]:
        """Return up to `count` decisions, evenly spread over the newest that match."""
        found = self._log.find(
            kind="decision", application=application or None, model=model or None, version=version, limit=_NEWEST
        )
        step = max(1.0, len(found) / max(1, count))
        chosen = [found[int(place * step)] for place in range(min(count, len(found)))]
        return [msgspec.json.decode(record, type=DecisionRecord) for record in chosen]

    def personal(self, record: DecisionRecord) -> Mapping[str, Any] | None:
        """Return the entity and the personal fields, or None when that person was erased."""
        if not record.personal or record.entity is None:
            return {}
        try:
            return self._persons.decrypt(record.entity, record.personal)
        except PersonErased:
            return None

    def definition(self, application: str, revision: int) -> Definition:
        """Return the revision's definition; raise `UnknownRevision`."""
        found = self._revisions.get(application, revision)
        if found is None:
            raise UnknownRevision(application=application, number=revision)
        return found.definition

    def version(self, model: str, number: int) -> PastVersion:
        """Return the version, whatever its stage; raise `UnknownVersion`."""
        return _past(self._registry.get(VersionRef(model, number)))

    def versions(self, model: str) -> list[PastVersion]:
        """Return all versions of the model, newest first."""
        known = self._registry.versions(model)
        return [_past(record) for record in sorted(known, key=lambda record: -record.ref.number)]

    @contextlib.contextmanager
    def asking(self, model: str, number: int) -> Iterator[oneshot.Oneshot]:
        """Start the version in its own environment, rebuilt from its own blobs if need be."""
        worker, entry = self._ensure(self._registry.get(VersionRef(model, number)).digest)
        with oneshot.started(worker, entry, model, number) as asked:
            yield asked


def _past(record: VersionRecord) -> PastVersion:
    manifest = record.manifest
    return PastVersion(
        ref=str(record.ref),
        digest=record.digest,
        inputs=manifest.inputs,
        outputs=manifest.outputs,
        tolerance=manifest.golden.tolerance if manifest.golden else 0.0,
        cpu=manifest.golden.cpu if manifest.golden else "",
    )
