"""Erasing a person: their key is destroyed, so that what was personal is noise, and every proof still holds.

What feature views keep under a key of theirs is deleted with it; what left the home before is named, for it is out of reach.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import msgspec

from tenure.application.features.rows import key_text
from tenure.application.revisions.revision import UnknownApplication
from tenure.governance.access import Permission, authorize
from tenure.governance.audit import Event
from tenure.governance.holds import among, on_application, on_person, refuse
from tenure.kit.clock import iso
from tenure.kit.errors import Kind, TenureError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from tenure.application.features.view import View
    from tenure.application.revisions.terms import Definition
    from tenure.contract.records import DecisionRecord, EventRecord
    from tenure.governance.access import Actor
    from tenure.governance.audit import Entry
    from tenure.governance.ports import AuditLog, HoldStore
    from tenure.kit.clock import Clock

#: a view and a key in it
Place: TypeAlias = tuple[str, str]
#: what the person's records say of them, by application: the fields of each, decrypted
Known: TypeAlias = dict[str, list[dict[str, Any]]]
#: actions by which data leave a home, each with what its event says about where it went
_LEFT: dict[str, str] = {
    Permission.BACKUP: "folder",
    Permission.DECISIONS_EXPORT: "application",
    Permission.DECISIONS_DOSSIER: "digest",
    Permission.MODELS_DOSSIER: "digest",
    Permission.FEATURES_JOIN: "views",
}


class UnknownPerson(TenureError):
    """Nothing in the home is about this entity."""

    code = "unknown-person"
    kind = Kind.NOT_FOUND
    message = "{application} has no decision, event or feature about this entity"
    next_step = "see `tenure decisions --application {application} --entity …`; is it written as in the request?"


class PersonalLog(Protocol):
    """The decision log as whoever erases needs it."""

    def pseudonym(self, entity: str) -> str:
        """Return the name under which the entity stands in the log."""

    def about(self, pseudonym: str) -> list[DecisionRecord]:
        """Return every decision about the person."""

    def told_of(self, pseudonym: str) -> list[EventRecord]:
        """Return every event about the person."""

    def personal(self, record: DecisionRecord | EventRecord) -> Mapping[str, Any] | None:
        """Return a record's entity and personal fields in the clear, None when there are none or they were erased."""

    def erase(self, pseudonym: str) -> bool:
        """Destroy the person's key, durably and in every process; return whether there was one."""


class PersonalViews(Protocol):
    """The feature store as whoever erases needs it."""

    def views(self) -> dict[str, View]:
        """Return every view by its name."""

    def erase(self, places: Collection[Place]) -> Counter[str]:
        """Delete all that is and was kept under these keys; return how many rows of which view."""


class Definitions(Protocol):
    """What applications are and were."""

    def ever(self, application: str) -> Sequence[Definition]:
        """Return the definitions of every revision of an application."""


class Erasures:
    """Collection of actions on what is personal."""

    def __init__(
        self,
        log: PersonalLog,
        views: PersonalViews,
        definitions: Definitions,
        holds: HoldStore,
        audit: AuditLog,
        clock: Clock,
    ) -> None:
        self._log = log
        self._views = views
        self._definitions = definitions
        self._holds = holds
        self._audit = audit
        self._clock = clock

    def erase(self, actor: Actor, application: str, entity: str, reason: str) -> dict[str, Any]:
        """Destroy the key of a person, delete their features and return what went; refused under a hold, which is named.

        A person has one key in a home, so their personal fields go in every application that decided about them, and
        a hold on any of these stands in the way, and whoever may not erase in one of them erases in none. Records, leaves
        and proofs stay as they are. Raises `UnknownApplication` or `UnknownPerson`.
        """
        authorize(actor, Permission.PERSONS_ERASE, application)
        if not self._definitions.ever(application):
            raise UnknownApplication(application=application)
        pseudonym = self._log.pseudonym(entity)
        decisions, events = self._log.about(pseudonym), self._log.told_of(pseudonym)
        records: list[DecisionRecord | EventRecord] = [*decisions, *events]
        concerned = {application, *(one.application for one in records)}
        for each in sorted(concerned):
            authorize(actor, Permission.PERSONS_ERASE, each)
        targets = [on_person(pseudonym), *map(on_application, sorted(concerned))]
        refuse("this person", among(self._holds.open(), targets))
        known = self._known(concerned, entity, records)
        places = self._places(known)
        facts = {
            "decisions": dict(Counter(one.application for one in decisions)),
            "events": dict(Counter(one.application for one in events)),
        }
        since = min((one.at for one in records), default=None)
        left = out_of_reach(self._audit.entries(), {one.id for one in decisions}, concerned, since)
        return self._erase(actor, application, pseudonym, places, facts, reason) | {"out_of_reach": left}

    def _known(self, concerned: Iterable[str], entity: str, records: Iterable[DecisionRecord | EventRecord]) -> Known:
        names = {each: {one.entity for one in self._definitions.ever(each) if one.entity} for each in concerned}
        known: Known = {each: [dict.fromkeys(names[each], entity)] for each in names}
        for record in records:
            known[record.application].append(dict(self._log.personal(record) or {}))
        return known

    def _places(self, known: Known) -> set[Place]:
        views = list(self._views.views().values())
        definitions = [one for application in known for one in self._definitions.ever(application)]
        return {place for one in definitions for place in places_of(one, views, known[one.application])}

    def _erase(
        self,
        actor: Actor,
        application: str,
        pseudonym: str,
        places: set[Place],
        facts: dict[str, Any],
        reason: str,
    ) -> dict[str, Any]:
        now = self._clock.now()
        with self._audit.transaction():
            rows = dict(self._views.erase(places))
            if not (rows or facts["decisions"] or facts["events"]):
                raise UnknownPerson(application=application)
            after = {"person": pseudonym, **facts, "features": rows}
            self._audit.write(Event(Permission.PERSONS_ERASE, actor, now, application, reason, after=after))
            # Inside the transaction: an event that could not be written destroys no key. Features went before: without
            # the key nobody could tell any more under which of the person's fields they were kept.
            had_key = self._log.erase(pseudonym)
        return {"person": pseudonym, "erased": had_key or bool(rows), **facts, "features": rows}


def places_of(definition: Definition, views: Iterable[View], known: Iterable[Mapping[str, Any]]) -> Iterator[Place]:
    """Return where feature views keep something about a person: under the entity, or under a personal field.

    A key that is neither (a shop, a film) stands for nobody, so what is kept under it stays.
    """
    hidden = {*definition.personal, definition.entity}
    keyed = [(use.view, use.key) for use in definition.features if use.key in hidden]
    keyed += [
        (view.name, view.key)
        for view in views
        if view.feed is not None and view.feed.application == definition.application and view.key in hidden
    ]
    for fields in known:
        yield from ((view, key_text(fields[key])) for view, key in keyed if fields.get(key) is not None)


def out_of_reach(
    entries: Iterable[Entry], decisions: Collection[str], concerned: Collection[str], since: int | None
) -> list[dict[str, Any]]:
    """Return what left the home and may hold the person, by the first time: no erasure reaches it, so somebody has to."""
    found: dict[tuple[str, str, str], dict[str, Any]] = {}
    for entry in entries:
        if since is None or entry.at < since or entry.action not in _LEFT:
            continue
        where = _where(entry, decisions, concerned)
        if where is None:
            continue
        facts = found.setdefault((entry.action, where, entry.actor), {"at": iso(entry.at), "times": 0})
        facts["times"] += 1
    return [{"what": what, "where": where, "by": by, **facts} for (what, where, by), facts in found.items()]


def _where(entry: Entry, decisions: Collection[str], concerned: Collection[str]) -> str | None:
    """Return what is known of where it went, None where this person was not in it."""
    said = msgspec.json.decode(entry.after or "{}").get(_LEFT[entry.action])
    where = ", ".join(said) if isinstance(said, list) else str(said or "")
    if entry.action == Permission.DECISIONS_EXPORT and where and where not in concerned:
        return None
    if entry.action == Permission.DECISIONS_DOSSIER and entry.target.rpartition("/")[2] not in decisions:
        return None
    return where
