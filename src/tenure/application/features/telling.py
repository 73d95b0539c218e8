"""What can be done with events outside a gateway: a file of them is taken as a gateway takes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from tenure.application.features.events import EventForms
from tenure.governance.access import Permission, authorize
from tenure.governance.audit import Event

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tenure.application.features.events import Entry, Told
    from tenure.application.features.view import View
    from tenure.application.revisions.terms import Definition
    from tenure.contract.records import EventRecord
    from tenure.governance.access import Actor
    from tenure.governance.ports import Audit
    from tenure.kit.clock import Clock


class EventLog(Protocol):
    """The decision log, as far as events go there."""

    def append_events(self, records: Sequence[EventRecord]) -> None:
        """Return when all records are durable."""

    def protect(self, entity: str, fields: dict[str, Any]) -> tuple[str, str]:
        """Return a person's name in the log and the fields under that person's key."""


class FedViews(Protocol):
    """The feature store, as far as events go there."""

    def views(self) -> dict[str, View]:
        """Return every view by its name."""

    def feed(self, entries: Iterable[Entry]) -> None:
        """Take events into their views, all or none; whoever reads next sees them."""


class Definitions(Protocol):
    """The revisions."""

    def active_definition(self, application: str) -> Definition:
        """Return the definition in force; raise `UnknownApplication`."""


class Events:
    """The action on events."""

    def __init__(self, log: EventLog, views: FedViews, definitions: Definitions, audit: Audit, clock: Clock) -> None:
        self._log = log
        self._views = views
        self._definitions = definitions
        self._audit = audit
        self._clock = clock

    def tell(self, actor: Actor, application: str, told: Sequence[Told], reason: str = "") -> list[str]:
        """Record events, all or none, and return the ids of their records; the views know them when this returns."""
        authorize(actor, Permission.EVENTS_IMPORT, application)
        forms = EventForms(self._definitions.active_definition(application), self._views.views().values())
        now = self._clock.now()
        taken = [
            forms.taken(place, one, now=now, actor=actor.id, protect=self._log.protect)
            for place, one in enumerate(told, 1)
        ]
        # The log comes first: whatever a crash keeps from the views is fed to them from there.
        self._log.append_events([one.record for one in taken])
        self._views.feed([entry for one in taken for entry in one.entries])
        with self._audit.transaction():
            after = {"recorded": len(taken)}
            self._audit.write(Event(Permission.EVENTS_IMPORT, actor, now, application, reason, after=after))
        return [one.record.id for one in taken]
