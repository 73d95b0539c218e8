"""The decision log and the registry as each reader needs them: the ports of decisions, replay, decommissioning."""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import msgspec

from tenure.accountability.ports import PastVersion
from tenure.adapters.decision_log.heads import head_of
from tenure.adapters.decision_log.persons import PersonErased
from tenure.adapters.decision_log.writer import LogWriter
from tenure.app import direct_calls
from tenure.application.decisions.reading import NoSuchDecision
from tenure.application.revisions.revision import UnknownApplication, UnknownRevision
from tenure.contract.records import (
    DecisionRecord,
    EventRecord,
    OutcomeRecord,
    ResolutionRecord,
    ShadowRecord,
    encode,
)
from tenure.kit.errors import Kind, TenureError
from tenure.model.decommissioning.tombstone import Traffic
from tenure.model.monitoring.performance import latest_truths
from tenure.model.version import AliasRef, UnknownModel, UnknownVersion, VersionRef

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from tenure.adapters.decision_log.persons import Persons
    from tenure.adapters.decision_log.reader import LogReader
    from tenure.adapters.features.store import SqliteFeatures
    from tenure.adapters.sql.registry import SqlRegistry
    from tenure.adapters.sql.revisions import SqlRevisions
    from tenure.application.decisions.reading import Search
    from tenure.application.revisions.terms import Definition, ModelUse
    from tenure.kit.clock import Clock
    from tenure.model.registry.record import VersionRecord
    from tenure.serving.oneshot import Oneshot

    #: a package's digest and its version's number → its worker, started, and when its environment stood
    Start = Callable[[str, int], AbstractContextManager[tuple[Oneshot, float]]]

_DECISION = msgspec.json.Decoder(DecisionRecord)
_OUTCOME = msgspec.json.Decoder(OutcomeRecord)
_RESOLUTION = msgspec.json.Decoder(ResolutionRecord)
_SHADOW = msgspec.json.Decoder(ShadowRecord)
_EVENT = msgspec.json.Decoder(EventRecord)
_STREAM = "control"
#: more live requests than this are not counted
_MANY = 1000


class _Kind(msgspec.Struct, frozen=True):
    """Of a record, what it is and when it was made."""

    id: str
    at: int
    kind: str


class UnreadableRecord(TenureError):
    """A record that says it is a decision has not the shape of one."""

    code = "unreadable-record"
    kind = Kind.CORRUPT
    message = "the record of decision {decision} cannot be read: {why}"
    next_step = "`tenure verify` tells whether the log was changed; a newer Tenure may have written it"


def _decision(record: bytes) -> DecisionRecord:
    """Return the record as a decision; raise `UnreadableRecord`."""
    try:
        return _DECISION.decode(record)
    except msgspec.DecodeError as error:
        raise UnreadableRecord(decision=head_of(record).id or "without an id", why=error) from error


class ReadLog:
    """The decision log as control reads and, for outcomes, writes it."""

    def __init__(self, decisions: Path, reader: LogReader, persons: Persons, clock: Clock) -> None:
        self._decisions = decisions
        self._reader = reader
        self._persons = persons
        self._clock = clock
        self._writer: LogWriter | None = None
        self._opening = threading.Lock()

    def decision(self, decision_id: str) -> DecisionRecord | None:
        """Return a decision's record, whether sealed or written a moment ago."""
        found = self._reader.get(decision_id)
        kind = None if found is None else msgspec.json.decode(found, type=_Kind).kind
        if found is None or kind not in {"decision", direct_calls.KIND}:
            return None
        return _decision(found) if kind == "decision" else direct_calls.as_decision(found)

    def find(self, search: Search) -> list[DecisionRecord]:
        """Return the decisions that fit, newest first; those of `model:NAME` are the direct calls of a model."""
        is_direct = direct_calls.is_implicit(search.application)
        if search.decided_by == "person":
            return self._decided_by_person(search)
        found = self._reader.find(
            kind=direct_calls.KIND if is_direct else "decision",
            application=search.application or None,
            entity=self._about(search),
            since=search.since,
            until=search.until,
            rule=search.rule or None,
            decided_by=search.decided_by or None,
            model=search.model or None,
            version=search.version,
            limit=search.limit,
            after=search.after or None,
            score=search.score,
            elapsed_us=search.elapsed_us,
        )
        return [direct_calls.as_decision(record) if is_direct else _decision(record) for record in found]

    def _about(self, search: Search) -> str | None:
        """Return under which name in the log to search, None where anybody is meant."""
        return self._persons.pseudonym(search.entity) if search.entity else search.pseudonym or None

    def _decided_by_person(self, search: Search) -> list[DecisionRecord]:
        """Return the decisions whose answer in force a person gave: no record says so but that person's own."""
        pseudonym = self._about(search)
        resolved = {one.decision for one in self.all_resolutions(search.application) if not one.pending}
        found: list[DecisionRecord] = []
        for name in sorted(resolved, reverse=True):
            record = self.decision(name) if not search.after or name < search.after else None
            if record is not None and search.fits(record, pseudonym) and search.in_ranges(record):
                found.append(record)
            if len(found) == search.limit:
                break
        return found

    def several(self, decisions: Sequence[str]) -> list[DecisionRecord]:
        """Return these decisions in the order of the ids given, those that there are."""
        found = self._reader.several(decisions)
        return [_decision(found[name]) for name in decisions if name in found]

    def shadows(self, decision_id: str) -> list[ShadowRecord]:
        """Return what shadows and revisions on trial made of a decision, oldest first."""
        return [_SHADOW.decode(record) for record in self._reader.about([decision_id], "shadow")]

    def decided(self, application: str, since: int | None) -> Iterator[Mapping[str, Any]]:
        """Return the decision records of an application that arrived since a moment, in any order."""
        for group in self._reader.scan(kind="decision", application=application, since=since):
            yield from group

    def truths(self, application: str, outcome: str) -> dict[str, Any]:
        """Return the latest truth by decision id."""
        groups = self._reader.scan(kind="outcome", application=application)
        return latest_truths((one for group in groups for one in group), outcome)

    def tried(self, application: str, revision: int, since: int) -> Iterator[ShadowRecord]:
        """Return what a revision on trial made of decisions since a moment, in any order."""
        for group in self._reader.scan(kind="shadow", application=application, since=since):
            found = (one for one in group if one.get("trial") and one["revision"] == revision)
            yield from (msgspec.convert(one, ShadowRecord) for one in found)

    def answered(self, application: str, revision: int, since: int) -> int:
        """Return how many decisions a revision made since a moment."""
        groups = self._reader.scan(kind="decision", application=application, since=since)
        return sum(one["revision"] == revision for group in groups for one in group)

    def resolutions(self, decision_id: str) -> list[ResolutionRecord]:
        """Return a decision's resolutions, oldest first."""
        return [self._read(record) for record in self._reader.about([decision_id], "resolution")]

    def resolutions_among(self, decisions: Sequence[str]) -> dict[str, list[ResolutionRecord]]:
        """Return for each of these decisions that has any its resolutions, oldest first."""
        found: dict[str, list[ResolutionRecord]] = {}
        for record in self._reader.about(decisions, "resolution"):
            one = self._read(record)
            found.setdefault(one.decision, []).append(one)
        return found

    def all_resolutions(self, application: str) -> list[ResolutionRecord]:
        """Return every resolution of an application, or of all, oldest first."""
        found = self._reader.find(kind="resolution", application=application or None, limit=None)
        return [self._read(record) for record in reversed(found)]

    def append_resolution(self, record: ResolutionRecord) -> None:
        """Return when the record is durable; its note lies under the person's key, where it is about one."""
        if record.entity is not None and record.note:
            hidden = self._persons.encrypt(record.entity, {"note": record.note})
            record = msgspec.structs.replace(record, note="", personal=hidden)
        self.append([record])

    def _read(self, record: bytes) -> ResolutionRecord:
        """Return a resolution with its note, which is gone once the person is erased."""
        one = _RESOLUTION.decode(record)
        if not one.personal or one.entity is None:
            return one
        try:
            return msgspec.structs.replace(one, note=str(self._persons.decrypt(one.entity, one.personal)["note"]))
        except PersonErased:
            return one

    def spread(self, count: int, application: str, model: str, version: int | None) -> list[DecisionRecord]:
        """Return up to `count` decisions at even distances over all of an application and a version, newest first.

        Empty names match everything.
        """
        found = self._reader.spread(
            count, kind="decision", application=application or None, model=model or None, version=version
        )
        return [_decision(record) for record in found]

    def outcomes(self, decision_id: str) -> list[OutcomeRecord]:
        """Return what is known of a decision: for every name its latest record."""
        return [_OUTCOME.decode(record) for record in self._reader.outcomes_of(decision_id)]

    def append_events(self, records: Sequence[EventRecord]) -> None:
        """Return when all records are durable, and the keys of the persons in them before."""
        self.append(records)

    def protect(self, entity: str, fields: dict[str, Any]) -> tuple[str, str]:
        """Return a person's name in the log and the fields under that person's key."""
        pseudonym = self._persons.pseudonym(entity)
        return pseudonym, self._persons.encrypt(pseudonym, fields)

    def append(self, records: Sequence[OutcomeRecord | ResolutionRecord | EventRecord]) -> None:
        """Return when all records are durable."""
        with self._opening:
            if self._writer is None:
                self._writer = LogWriter.open(
                    self._decisions, _STREAM, before_sync=self._persons.sync, clock=self._clock
                )
        asyncio.run(_append(self._writer, [encode(record) for record in records]))

    def personal(self, record: DecisionRecord | EventRecord) -> Mapping[str, Any] | None:
        """Return the entity and the personal fields in the clear, None when there are none or they were erased."""
        if not record.personal or record.entity is None:
            return None
        try:
            return self._persons.decrypt(record.entity, record.personal)
        except PersonErased:
            return None

    def of(self, ref: VersionRef, since: int) -> Traffic:
        """Return what the version answered since the moment, and the last request it ever answered."""
        # Of every kind that names a version: decisions, and direct calls without an application.
        asked: dict[str, Any] = {"model": ref.model, "version": ref.number}
        recent = self._reader.find(**asked, since=since, limit=_MANY)
        last = recent[:1] or self._reader.find(**asked, limit=1)
        record = msgspec.json.decode(last[0], type=_Kind) if last else None
        return Traffic(len(recent), record.id if record else None, record.at if record else None)

    def pseudonym(self, entity: str) -> str:
        """Return the name under which the entity stands in the log."""
        return self._persons.pseudonym(entity)

    def about(self, pseudonym: str) -> list[DecisionRecord]:
        """Return every decision about a person, newest first."""
        return [_decision(one) for one in self._reader.find(kind="decision", entity=pseudonym, limit=None)]

    def told_of(self, pseudonym: str) -> list[EventRecord]:
        """Return every event about a person, newest first."""
        return [_EVENT.decode(one) for one in self._reader.find(kind="event", entity=pseudonym, limit=None)]

    def erase(self, pseudonym: str) -> bool:
        """Destroy the person's key, durably and in every process; return whether there was one."""
        return self._persons.erase(pseudonym)

    def close(self) -> None:
        """Let go of the stream."""
        if self._writer is not None:
            asyncio.run(self._writer.close())


async def _append(writer: LogWriter, records: Sequence[bytes]) -> None:
    async with asyncio.TaskGroup() as group:
        for record in records:
            group.create_task(writer.append(record, alone=False))


class KeptDefinitions:
    """The revisions, for who reads decisions."""

    def __init__(self, revisions: SqlRevisions) -> None:
        self._revisions = revisions

    def active_definition(self, application: str) -> Definition:
        """Return the definition in force; raise `UnknownApplication`."""
        active = self._revisions.active(application)
        if active is None:
            raise UnknownApplication(application=application)
        return active.definition

    def definition_of(self, application: str, revision: int) -> Definition:
        """Return the definition of any revision."""
        found = self._revisions.get(application, revision)
        if found is None:
            newest = self._revisions.newest(application)
            raise UnknownRevision(application=application, number=revision, newest=newest)
        return found.definition

    def applications(self) -> list[str]:
        """Return the name of every application that has a revision in force."""
        return [one.definition.application for one in self._revisions.all_active()]

    def ever(self, application: str) -> list[Definition]:
        """Return the definitions of every revision of an application."""
        return [one.definition for one in self._revisions.revisions(application)]


class HomeEvidence:
    """Everything that was kept about decisions (accountability/ports.py)."""

    def __init__(
        self,
        log: ReadLog,
        definitions: KeptDefinitions,
        registry: SqlRegistry,
        start: Start,
    ) -> None:
        self._log = log
        self._definitions = definitions
        self._registry = registry
        self._start = start

    def decision(self, decision_id: str) -> DecisionRecord:
        """Return the record; raise `NoSuchDecision`."""
        found = self._log.decision(decision_id)
        if found is None:
            raise NoSuchDecision(decision=decision_id)
        return found

    def sample(self, count: int, application: str, model: str, version: int | None) -> list[DecisionRecord]:
        """Return up to `count` decisions spread over all that match; empty names match everything."""
        return self._log.spread(count, application, model, version)

    def personal(self, record: DecisionRecord) -> Mapping[str, Any] | None:
        """Return the entity and the personal fields, or None when that person was erased."""
        return self._log.personal(record)

    def definition(self, application: str, revision: int) -> Definition:
        """Return the revision's definition."""
        return self._definitions.definition_of(application, revision)

    def version(self, model: str, number: int) -> PastVersion:
        """Return the version, whatever its stage."""
        return _past(self._registry.get(VersionRef(model, number)))

    def versions(self, model: str) -> list[PastVersion]:
        """Return all versions of the model, newest first."""
        return [_past(record) for record in reversed(self._registry.versions(model))]

    @contextmanager
    def asking(self, model: str, number: int) -> Iterator[Oneshot]:
        """Start the version in its own environment, rebuilt from its own blobs if need be."""
        with self._start(self._registry.get(VersionRef(model, number)).digest, number) as (running, _):
            yield running


class InService:
    """What is in service now (accountability/evaluations.py)."""

    def __init__(self, registry: SqlRegistry, features: SqliteFeatures) -> None:
        self._registry = registry
        self._features = features

    def champion(self, use: ModelUse) -> str:
        """Return the version behind a model and its alias, empty where there is none."""
        try:
            return str(self._registry.find(AliasRef(use.name, use.alias)))
        except (UnknownModel, UnknownVersion):
            return ""

    def read(self, view: str, key: str) -> tuple[Mapping[str, Any], int | None] | None:
        """Return the newest features of a key."""
        return self._features.read(view, key)


def _past(record: VersionRecord) -> PastVersion:
    manifest = record.manifest
    golden = manifest.golden
    return PastVersion(
        ref=str(record.ref),
        digest=record.digest,
        inputs=manifest.inputs,
        outputs=manifest.outputs,
        tolerance=golden.tolerance if golden else 0.0,
        cpu=golden.cpu if golden else "",
        network=manifest.network,
        explain=manifest.explain,
    )
