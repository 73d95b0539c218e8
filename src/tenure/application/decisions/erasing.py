"""Erasing a person: their key is destroyed, so that what was personal is noise, and every proof still holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from tenure.governance.access import Permission, authorize
from tenure.governance.audit import Event
from tenure.governance.holds import among, on_application, on_person, refuse
from tenure.kit.errors import Kind, TenureError

if TYPE_CHECKING:
    from tenure.governance.access import Actor
    from tenure.governance.ports import Audit, HoldStore
    from tenure.kit.clock import Clock


class UnknownPerson(TenureError):
    """Nothing in the log is about this entity."""

    code = "unknown-person"
    kind = Kind.NOT_FOUND
    message = "{application} has no decision about this entity"
    next_step = "see `tenure decisions --application {application} --entity …`; is it written as in the request?"


class PersonalLog(Protocol):
    """The decision log as whoever erases needs it."""

    def pseudonym(self, entity: str) -> str:
        """Return the name under which the entity stands in the log."""

    def applications_of(self, pseudonym: str) -> dict[str, int]:
        """Return how many decisions each application made about the person."""

    def erase(self, pseudonym: str) -> bool:
        """Destroy the person's key, durably and in every process; return whether there was one."""


class Erasures:
    """Collection of actions on what is personal."""

    def __init__(self, log: PersonalLog, holds: HoldStore, audit: Audit, clock: Clock) -> None:
        self._log = log
        self._holds = holds
        self._audit = audit
        self._clock = clock

    def erase(self, actor: Actor, application: str, entity: str, reason: str) -> dict[str, Any]:
        """Destroy the key of a person and return what was made unreadable; refused under a hold, which is named.

        A person has one key in a home, so their personal fields go in every application that decided about them, and
        a hold on any of these stands in the way. Records, leaves and proofs stay as they are.
        """
        authorize(actor, Permission.PERSONS_ERASE, application)
        pseudonym = self._log.pseudonym(entity)
        decisions = self._log.applications_of(pseudonym)
        if application not in decisions:
            raise UnknownPerson(application=application)
        targets = [on_person(pseudonym), *map(on_application, decisions)]
        refuse("this person", among(self._holds.open(), targets))
        return self._erase(actor, application, pseudonym, {"decisions": decisions}, reason)

    def _erase(
        self, actor: Actor, application: str, pseudonym: str, facts: dict[str, Any], reason: str
    ) -> dict[str, Any]:
        now = self._clock.now()
        with self._audit.transaction():
            after = {"person": pseudonym, **facts}
            self._audit.write(Event(Permission.PERSONS_ERASE, actor, now, application, reason, after=after))
            # Inside the transaction: an event that could not be written destroys nothing.
            had_key = self._log.erase(pseudonym)
        return {"person": pseudonym, "erased": had_key, **facts}
