"""The decision log as people's work needs it (application/decisions/ports.py), and what applications declare for exports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenure.adapters.analytics.training import Columns

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tenure.adapters.analytics.analytics import Analytics
    from tenure.adapters.decision_log.reader import LogReader
    from tenure.adapters.sql.revisions import SqlRevisions
    from tenure.app.evidence import ReadLog
    from tenure.application.revisions.terms import Definition
    from tenure.contract.records import DecisionRecord, ResolutionRecord
    from tenure.contract.schema import Field


class WorkedLog:
    """The decision log, for who works off what people have to say about decisions."""

    def __init__(self, log: ReadLog, reader: LogReader, analytics: Analytics) -> None:
        self._log = log
        self._reader = reader
        self.decision = log.decision
        self.resolutions = log.resolutions
        self.append_resolution = log.append_resolution
        self.all_resolutions = log.all_resolutions
        self.made = analytics.made

    def open(self, application: str) -> list[tuple[DecisionRecord, list[ResolutionRecord]]]:
        """Return the decisions that may wait for a person, those made first first, with their resolutions."""
        proposed = _newest_pending(self._log.all_resolutions(application))
        waiting = sorted({*self._reader.unresolved(application or None), *proposed})
        said = self._log.resolutions_among(waiting)
        return [(record, said.get(record.id, [])) for record in self._log.several(waiting)]


def _newest_pending(resolutions: Iterable[ResolutionRecord]) -> list[str]:
    """Return the decisions whose newest resolution waits for a second person."""
    newest = {one.decision: one for one in resolutions}
    return [decision for decision, one in newest.items() if one.pending]


class DeclaredColumns:
    """The columns of training sets, as all revisions of every application declare them."""

    def __init__(self, revisions: SqlRevisions) -> None:
        self._revisions = revisions

    def __call__(self) -> Mapping[str, Columns]:
        """Return them by application."""
        names = [one.application for one in self._revisions.all_active()]
        return {name: declared([one.definition for one in self._revisions.revisions(name)]) for name in names}


def declared(newest_first: Iterable[Definition]) -> Columns:
    """Return the columns of all revisions; one whose type was changed gets the type that holds both, if need be text."""
    request: dict[str, str] = {}
    features: dict[str, str] = {}
    outcomes: dict[str, str] = {}
    for definition in newest_first:
        hidden = {*definition.personal, definition.entity}
        _join(request, {field.name: _kind(field) for field in definition.request if field.name not in hidden})
        for use in definition.features:
            if use.each:  # as many rows as the model's list has items: in `features_used`, in no column of a decision
                continue
            _join(features, {f"{use.view}.{column.name}": _kind(column) for column in use.columns})
        if definition.outcome is not None:
            _join(outcomes, {definition.outcome.name: definition.outcome.type})
    return Columns(request, features, outcomes)


def _kind(field: Field) -> str:
    return "string" if field.shape else field.type


def _join(known: dict[str, str], more: Mapping[str, str]) -> None:
    for name, kind in more.items():
        before = known.get(name, kind)
        known[name] = kind if before == kind else "float" if {before, kind} == {"int", "float"} else "string"
