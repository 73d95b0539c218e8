"""Events of an application: checked against the views that are fed by them, then a record and what each view takes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from tenure.application.decisions.request import BadRequest, RequestForm
from tenure.application.features.feeds import Happened
from tenure.application.features.rows import key_text
from tenure.application.rules.kinds import nearest
from tenure.contract.records import FORMAT, EventRecord
from tenure.kit.clock import SECOND, parse_iso
from tenure.kit.digests import digest_of
from tenure.kit.errors import Kind, TenureError
from tenure.kit.ids import new_id

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tenure.application.features.view import View
    from tenure.application.revisions.terms import Definition
    from tenure.contract.schema import Field

#: (entity, personal fields) → (pseudonym, ciphertext)
Protect: TypeAlias = Callable[[str, dict[str, Any]], tuple[str, str]]
#: clocks of callers go wrong by so much; what is later than now is taken as now
_AHEAD = 60 * SECOND
_LONGEST_ID = 255


class EventRefused(TenureError):
    """An event says too little or the wrong thing."""

    code = "event-refused"
    kind = Kind.BAD_INPUT
    message = "event {place}: {why}"
    next_step = "correct it and send all of them again; nothing was recorded"


class Told(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An event as it is sent. `id` is the caller's own: the same one counts once. `at` is RFC 3339, else now."""

    event: str
    values: dict[str, Any]
    id: str = ""
    at: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """An event as one view takes it."""

    view: View
    key: str
    happened: Happened


@dataclass(frozen=True, slots=True)
class Taken:
    """An event checked: its record, and what each view takes of it."""

    record: EventRecord
    entries: list[Entry]


class EventForms:
    """The events of one application, by the views that are fed by them."""

    def __init__(self, definition: Definition, views: Iterable[View]) -> None:
        self._application = definition.application
        self._entity = definition.entity
        self._hidden = frozenset((*definition.personal, *((definition.entity,) if definition.entity else ())))
        self._views: dict[str, list[View]] = {}
        for view in views:
            if view.feed is not None and view.feed.application == definition.application:
                self._views.setdefault(view.feed.event, []).append(view)
        self._forms = {event: RequestForm(self._application, fields_of(fed)) for event, fed in self._views.items()}

    def taken(self, place: int, told: Told, *, now: int, actor: str, protect: Protect) -> Taken:
        """Return the event's record and what the views take of it; raise `EventRefused` naming the event's place."""
        form = self._forms.get(told.event)
        if form is None:
            known = f"{nearest(told.event, self._forms)}" or f"; there are {', '.join(self._forms) or 'none'}"
            raise EventRefused(
                place=place, why=f"no feature view is fed by {told.event!r} of {self._application}{known}"
            )
        if len(told.id) > _LONGEST_ID:
            raise EventRefused(place=place, why=f"an id has at most {_LONGEST_ID} characters")
        try:
            values = form.convert(told.values)
        except BadRequest as error:
            raise EventRefused(place=place, why=str(error)) from error
        pseudonym, personal = self._protected(place, values, protect)
        record = EventRecord(
            format=FORMAT,
            kind="event",
            id=new_id(now),
            at=now,
            application=self._application,
            entity=pseudonym,
            name=told.event,
            values={name: value for name, value in values.items() if value is not None and name not in self._hidden},
            personal=personal,
            event_time=_moment(place, told.at, now),
            key=digest_of(f"{self._application}/{told.event}/{told.id}".encode()) if told.id else "",
            actor=actor,
        )
        return Taken(record, self.entries(record, values))

    def entries(self, record: EventRecord, fields: Mapping[str, Any]) -> list[Entry]:
        """Return what each view takes of a record, given all its fields; nothing where its key is missing."""
        happened = record.at if record.event_time is None else min(record.event_time, record.at)
        found = []
        for view in self._views.get(record.name, ()):
            assert view.feed is not None
            if (key := fields.get(view.key)) is not None:
                told = {field.name: fields.get(field.name) for field in view.feed.fields if field.name != view.key}
                found.append(Entry(view, key_text(key), Happened(happened, record.key or record.id, told)))
        return found

    def _protected(self, place: int, values: Mapping[str, Any], protect: Protect) -> tuple[str | None, str]:
        fields = {name: value for name, value in values.items() if name in self._hidden and value is not None}
        if not fields:
            return None, ""
        if self._entity not in fields:
            why = f"{', '.join(sorted(fields))} is personal, so the event must name its {self._entity}"
            raise EventRefused(place=place, why=why)
        return protect(str(fields[self._entity]), fields)


def fields_of(views: Iterable[View]) -> tuple[Field, ...]:
    """Return the fields of an event that feeds several views: all that any of them names."""
    found: dict[str, Field] = {}
    for view in views:
        for field in view.feed.fields if view.feed else ():
            found.setdefault(field.name, field)
    return tuple(found.values())


def _moment(place: int, text: str | None, now: int) -> int | None:
    if not text:
        return None
    try:
        moment = parse_iso(text)
    except ValueError as error:
        raise EventRefused(place=place, why=f"`at` is no RFC 3339 time: {text!r}") from error
    if moment > now + _AHEAD:
        raise EventRefused(place=place, why=f"it has not happened yet: {text}")
    return moment
