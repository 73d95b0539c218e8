"""The decision log as people's work needs it (application/decisions/ports.py), and what applications declare for exports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenure.adapters.analytics.training import Columns
from tenure.kit.clock import iso

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from tenure.adapters.analytics.analytics import Analytics
    from tenure.adapters.decision_log.reader import LogReader
    from tenure.adapters.sql.revisions import SqlRevisions
    from tenure.app.evidence import ReadLog
    from tenure.application.decisions.ports import Place
    from tenure.application.revisions.terms import Definition
    from tenure.contract.records import DecisionRecord, ResolutionRecord
    from tenure.contract.schema import Field

#: records of the queue that are read together
_AT_ONCE = 128


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

    def open(self, application: str, after: Place) -> Iterator[tuple[DecisionRecord, list[ResolutionRecord]]]:
        """Give the decisions that may wait for a person, from behind the place `after`, with their resolutions.

        They come in the order of their places: application, since when (RFC 3339), id. What is read of the log is where
        all of them stand, and of their records only as many as are taken, a few more at most.
        """
        places = [(one.application, iso(one.at), one.id) for one in self._reader.unresolved(application or None)]
        proposed = _newest_pending(self._log.all_resolutions(application))
        places += [(one.application, iso(one.at), one.decision) for one in proposed]
        waiting = [name for _, _, name in sorted(place for place in places if place > after)]
        for start in range(0, len(waiting), _AT_ONCE):
            some = waiting[start : start + _AT_ONCE]
            said = self._log.resolutions_among(some)
            yield from ((record, said.get(record.id, [])) for record in self._log.several(some))


def _newest_pending(resolutions: Iterable[ResolutionRecord]) -> list[ResolutionRecord]:
    """Return the proposals that wait for a second person: of each decision the newest resolution, if it is one."""
    newest = {one.decision: one for one in resolutions}
    return [one for one in newest.values() if one.pending]


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
