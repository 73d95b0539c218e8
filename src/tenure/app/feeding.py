"""Feeds views from the log: what a crash kept from them, and all that ever happened to a view that is new."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tenure.adapters.decision_log import parquet
from tenure.adapters.decision_log.persons import PersonErased
from tenure.application.features.events import EventForms
from tenure.contract.records import EventRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tenure.adapters.decision_log.persons import Persons
    from tenure.adapters.decision_log.reader import LogReader, Whole
    from tenure.adapters.features.store import SqliteFeatures
    from tenure.application.features.events import Entry
    from tenure.application.features.view import View
    from tenure.application.revisions.terms import Definition

_RECORD = msgspec.json.Decoder(EventRecord)
#: entries that are taken into the views at once
_AT_ONCE = 5000


class Feeding:
    """Feeds views from the sealed log: what a crash kept from them, and all of it to a view that is new."""

    def __init__(
        self,
        reader: LogReader,
        views: SqliteFeatures,
        persons: Persons,
        definitions: Callable[[], Sequence[Definition]],
    ) -> None:
        self._reader = reader
        self._views = views
        self._persons = persons
        self._definitions = definitions

    def tick(self) -> None:
        """Feed every view up to the end of the sealed log, and move windows on; may be killed at any place."""
        fed = [view for view in self._views.views().values() if view.feed is not None]
        if not fed:
            return
        known = self._views.positions()
        whole = self._reader.whole()
        behind = [view for view in fed if known.get(view.name, 0) < whole.ending]
        if behind:
            self._feed(behind, min(known.get(view.name, 0) for view in behind), whole)
        self._views.move_on()

    def _feed(self, behind: list[View], start: int, whole: Whole) -> None:
        names = [view.name for view in behind]
        forms = {one.application: EventForms(one, behind) for one in self._definitions()}
        entries: list[Entry] = []
        ends = [*whole.firsts[1:], whole.ending]
        for file, end in zip(whole.files, ends, strict=True):
            if end <= start:
                continue
            for group in parquet.matching_records(file, {"kind": "event"}, None, None):
                for record in group:
                    entries += self._entries(forms, _RECORD.decode(record))
            if len(entries) >= _AT_ONCE:
                self._views.feed(entries, (names, end))
                entries = []
        self._views.feed(entries, (names, whole.ending))

    def _entries(self, forms: dict[str, EventForms], record: EventRecord) -> list[Entry]:
        form = forms.get(record.application)
        if form is None:
            return []
        try:
            hidden = self._persons.decrypt(record.entity, record.personal) if record.personal and record.entity else {}
        except PersonErased:
            return []
        return form.entries(record, {**record.values, **hidden})
