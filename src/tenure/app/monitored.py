"""The decision log, the applications and the versions as monitoring reads them (model/monitoring/ports.py)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict

import msgspec

from tenure.adapters.blobs import Blobs
from tenure.app import direct_calls
from tenure.application.revisions.terms import plain
from tenure.model.monitoring.observation import facts_of, moment_of
from tenure.model.monitoring.ports import PositionUnknown, Stretch
from tenure.model.monitoring.reference import reference_of
from tenure.model.registry.record import served_at
from tenure.model.version import CHAMPION, VersionRef

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from tenure.adapters.decision_log.reader import LogReader
    from tenure.adapters.sql.registry import SqlRegistry
    from tenure.adapters.sql.revisions import SqlRevisions
    from tenure.model.monitoring.observation import Facts
    from tenure.model.monitoring.reference import Reference
    from tenure.settings import Home

#: kinds of records that say what a version did
_COUNTED = frozenset({"decision", direct_calls.KIND, "shadow"})
#: decisions that are looked up at once for those who saw them
_TOGETHER = 2000


class _ObservedPrediction(TypedDict, total=False):
    role: str
    model: str
    version: int
    output: dict[str, Any] | None
    failure: str | None


class _ObservedFeatures(TypedDict, total=False):
    values: dict[str, Any]
    defaulted: list[str]


class _Observed(TypedDict, total=False):
    """What is counted of a record (`contract/records.py`); the rest is passed over unread, which takes half as long."""

    kind: str
    id: str
    at: int
    event_time: int | None
    application: str
    entity: str | None
    decision: str
    request: dict[str, Any]
    features: list[_ObservedFeatures]
    predictions: list[_ObservedPrediction]
    decided_by: str | None
    elapsed_us: int


_OBSERVED: msgspec.json.Decoder[Mapping[str, Any]] = msgspec.json.Decoder(_Observed)


class MonitoredLog:
    """The decision log as monitoring reads it (model/monitoring/ports.py)."""

    def __init__(self, reader: LogReader, seal: Callable[[], object]) -> None:
        self._reader = reader
        self._seal = seal

    def settle(self) -> None:
        """Give all that was decided so far its place in the log."""
        self._seal()

    def stretches(self, position: int) -> Iterator[Stretch]:
        """Return what is sealed from a leaf on, file by file; raise `PositionUnknown` when so much is not sealed."""
        ending, files = self._reader.sealed_from(position, _COUNTED)
        if ending < position:
            raise PositionUnknown
        for end, groups in files:
            yield Stretch(end, map(self._counted, groups))

    def _counted(self, records: Sequence[bytes]) -> list[Mapping[str, Any]]:
        """Return of some records those that say what a version did, as decisions."""
        by_kind: dict[str, list[Mapping[str, Any]]] = {}
        for record in records:
            document = _OBSERVED.decode(record)
            by_kind.setdefault(document["kind"], []).append(document)
        return [
            *by_kind.get("decision", ()),
            *direct_calls.observed(by_kind.get(direct_calls.KIND, [])),
            *self._watched(by_kind.get("shadow", [])),
        ]

    def decisions(
        self, model: str | None, version: int | None, since: int, until: int, application: str | None = None
    ) -> Iterable[Mapping[str, Any]]:
        """Return the decision records that arrived in [since, until), in any order, direct calls of a model with them."""
        span = {"application": application, "since": since, "until": until}
        for group in self._reader.scan(kind="decision", model=model, version=version, **span):  # type: ignore[arg-type]
            yield from group
        for group in self._reader.scan(kind=direct_calls.KIND, model=model, version=version, **span):  # type: ignore[arg-type]
            yield from direct_calls.observed(group)
        for group in self._reader.scan(kind="shadow", **span):  # type: ignore[arg-type]
            yield from self._watched([one for one in group if _asks(one, model, version)])

    def _watched(self, shadows: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
        """Return the decisions that these shadows saw, each with what they said in the place of what was served."""
        for start in range(0, len(shadows), _TOGETHER):
            some = shadows[start : start + _TOGETHER]
            found = self._reader.several({one["decision"] for one in some})
            decisions = {name: msgspec.json.decode(record) for name, record in found.items()}
            for one in some:
                seen = decisions.get(one["decision"])
                if seen is not None:
                    kept = {name: one.get(name) for name in ("kind", "at", "predictions", "answer", "decided_by")}
                    yield {**seen, **kept, "event_time": moment_of(seen)}

    def outcomes(self, application: str) -> Iterable[Mapping[str, Any]]:
        """Return every outcome record of the application, in any order, corrections too."""
        for group in self._reader.scan(kind="outcome", application=application):
            yield from group


def _asks(shadow: Mapping[str, Any], model: str | None, version: int | None) -> bool:
    """Return whether the version was asked for it; with None, any."""
    asked = shadow.get("predictions") or ()
    return any(model in {None, one["model"]} and version in {None, one["version"]} for one in asked)


class MonitoredApplications:
    """What is known of the applications in the log (model/monitoring/ports.py)."""

    def __init__(self, revisions: SqlRevisions) -> None:
        self._revisions = revisions

    def facts(self, application: str) -> Facts | None:
        """Return the facts of an application's active revision; None for one that there is no more."""
        active = self._revisions.active(application)
        return None if active is None else facts_of(plain(active.definition))

    def judged(self) -> list[Facts]:
        """Return the facts of the applications that say what comes out in the end."""
        found = [facts_of(plain(one.definition)) for one in self._revisions.all_active()]
        return [one for one in found if one.outcome]


class MonitoredVersions:
    """What is known of the versions (model/monitoring/ports.py)."""

    def __init__(self, registry: SqlRegistry, home: Home) -> None:
        self._registry = registry
        self._blobs = Blobs(home.blobs, home.second_copy)

    def reference(self, model: str, version: int) -> Reference:
        """Return the reference frozen in the version's package; raise a `TenureError` when there is none to be read."""
        manifest = self._registry.get(VersionRef(model, version)).manifest
        return reference_of(manifest, lambda digest: self._blobs.verify(digest).read_bytes())

    def champion(self, model: str, at: int) -> int | None:
        """Return the number of the version that was champion at a moment, or None."""
        now = {row.alias: row.number for row in served_at(self._registry.served(model), at)}
        return now.get(CHAMPION)
