"""What a dossier is written from beside the decision itself (accountability/dossiers.py, `Files`)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import msgspec

from tenure.accountability.dossier import Asked, Day, Place
from tenure.adapters.blobs import Blobs
from tenure.adapters.decision_log.proofs import NotSealed, Proofs
from tenure.application.decisions.figures import Span
from tenure.application.revisions.revision import UnknownRevision
from tenure.contract.records import OutcomeRecord
from tenure.kit.clock import SECOND
from tenure.kit.digests import digest_of
from tenure.model.version import VersionRef

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tenure.adapters.decision_log.reader import LogReader
    from tenure.adapters.sql.lives import SqlLives
    from tenure.adapters.sql.monitoring import SqlMonitoring
    from tenure.adapters.sql.registry import SqlRegistry
    from tenure.adapters.sql.revisions import SqlRevisions
    from tenure.app.evidence import ReadLog
    from tenure.application.decisions.figures import Counting
    from tenure.application.revisions.life import Approved
    from tenure.application.revisions.revision import Activation, Revision
    from tenure.contract.records import DecisionRecord, PredictionRecord, ResolutionRecord
    from tenure.model.monitoring.alert import Alert
    from tenure.settings import Home


class HomeShelf:
    """Where attached files are kept: beside the packages, and at once in the second copy too."""

    def __init__(self, home: Home) -> None:
        self._first, self._second = Blobs(home.blobs, home.second_copy), Blobs(home.second_copy)

    def keep(self, content: bytes) -> str:
        """Store a content in both copies and return its digest."""
        self._second.add(content)
        return self._first.add(content).digest

    def read(self, digest: str) -> bytes:
        """Return a content that has its digest; raise what is wrong with it."""
        return self._first.verify(digest).read_bytes()


class HomeFiles:
    """Revisions, versions, alerts and the log of one home."""

    def __init__(
        self,
        home: Home,
        reader: LogReader,
        applications: tuple[SqlRevisions, SqlLives],
        registry: SqlRegistry,
        monitoring: SqlMonitoring,
        counting: Counting,
    ) -> None:
        self._proofs = Proofs(home.decisions)
        self._reader = reader
        self._revisions, self._lives = applications
        self._registry = registry
        self._monitoring = monitoring
        self._counting = counting

    def revision(self, record: DecisionRecord) -> tuple[Revision, Activation | None, Approved | None]:
        """Return the revision that decided, the activation that had put it in force, and its approval."""
        name, number = record.application, record.revision
        revision = self._revisions.get(name, number)
        if revision is None:
            raise UnknownRevision(application=name, number=number, newest=self._revisions.newest(name))
        then = (one for one in self._revisions.activations(name) if one.number == number and one.at <= record.at)
        seen = (one for one in self._lives.approvals(name) if one.number == number)
        return revision, next(then, None), next(seen, None)

    def day(self, record: DecisionRecord) -> Day:
        """Return what the application decided on the decision's day, midnight to midnight in its time zone."""
        revision = self._revisions.get(record.application, record.revision)
        zone = ZoneInfo(revision.definition.time_zone if revision else "UTC")
        first = datetime.fromtimestamp(record.at // SECOND, tz=zone).replace(hour=0, minute=0, second=0, microsecond=0)
        since, until = (int(one.timestamp()) * SECOND for one in (first, first + timedelta(days=1)))
        found = self._counting.figures(Span(since, until, until - since), record.application)
        return Day(since, until, next(iter(found), None))

    def asked(self, prediction: PredictionRecord) -> Asked:
        """Return the version that was asked, whatever its stage."""
        ref = VersionRef(prediction.model, prediction.version)
        return Asked(
            prediction=prediction,
            record=self._registry.get(ref),
            attestations=self._registry.attestations(ref),
            served=self._registry.served(ref.model),
            alerts=self._monitoring.alerts(ref.model, ref.number),
        )

    def place(self, decision_id: str) -> Place:
        """Return the record's leaf, its position once sealed, and the proof once a signed checkpoint covers it."""
        leaf = digest_of(self._reader.get(decision_id) or b"")
        try:
            position, _ = self._proofs.record(decision_id)
        except NotSealed:
            return Place(leaf, None, None)
        try:
            return Place(leaf, position, self._proofs.inclusion(decision_id))
        except NotSealed:
            return Place(leaf, position, None)


class ModelFiles:
    """What the log and monitoring keep about a model (accountability/packing.py, `Kept`)."""

    def __init__(self, reader: LogReader, log: ReadLog, monitoring: SqlMonitoring) -> None:
        self._reader = reader
        self._log = log
        self._monitoring = monitoring

    def decisions(self, model: str, since: int, until: int) -> Iterator[Mapping[str, Any]]:
        """Return the decision records in [since, until) in which a version of the model was asked."""
        for group in self._reader.scan(kind="decision", since=since, until=until, model=model):
            yield from group

    def outcomes(self, application: str) -> list[OutcomeRecord]:
        """Return every outcome of an application, the latest of each decision and name."""
        latest: dict[tuple[str, str], OutcomeRecord] = {}
        for group in self._reader.scan(kind="outcome", application=application):
            for one in msgspec.convert(group, list[OutcomeRecord]):
                known = latest.get((one.decision, one.name))
                if known is None or known.id < one.id:
                    latest[one.decision, one.name] = one
        return list(latest.values())

    def resolutions(self, application: str) -> list[ResolutionRecord]:
        """Return every resolution of an application, oldest first."""
        return self._log.all_resolutions(application)

    def alerts(self, model: str) -> list[Alert]:
        """Return the alerts of a model, newest first."""
        return self._monitoring.alerts(model)
