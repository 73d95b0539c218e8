"""What is done with decisions once they are made: find, show, tell what became of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tenure.application.decisions.outcomes import outcome_record
from tenure.application.decisions.reading import Found, Search, SpanNeeded, seen_by
from tenure.application.decisions.resolutions import standing
from tenure.governance.access import Forbidden, Permission, authorize
from tenure.governance.audit import Event
from tenure.kit.ids import parse_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tenure.application.decisions.ports import DecisionLog, Definitions
    from tenure.application.decisions.resolutions import Standing
    from tenure.contract.records import DecisionRecord
    from tenure.governance.access import Actor
    from tenure.governance.ports import Audit
    from tenure.kit.clock import Clock


class Decisions:
    """Collection of actions on decisions made."""

    def __init__(self, log: DecisionLog, definitions: Definitions, audit: Audit, clock: Clock) -> None:
        self._log = log
        self._definitions = definitions
        self._audit = audit
        self._clock = clock

    def find(self, actor: Actor, search: Search) -> list[Standing]:
        """Return the decisions that fit, newest first, as they stand now; one is found the moment it is made."""
        authorize(actor, Permission.DECISIONS_LIST, search.application or None)
        found = self._ranged(search) if search.is_ranged else self._log.find(search)
        resolved = self._log.resolutions_among([record.id for record in found])
        return [standing(record, resolved.get(record.id, ())) for record in found]

    def _ranged(self, search: Search) -> list[DecisionRecord]:
        """Return what fits the ranges too, newest first: the log finds by them as far as it can, and each is looked at."""
        if search.since is None:
            raise SpanNeeded
        found: list[DecisionRecord] = []
        after = search.after
        while len(found) < search.limit:
            read = self._log.find(replace(search, after=after))
            found += [record for record in read if search.in_ranges(record)]
            if len(read) < search.limit:
                break
            after = read[-1].id
        return found[: search.limit]

    def show(self, actor: Actor, decision: str) -> Found:
        """Return a decision with its outcomes; personal fields only for roles that may, and that is audited."""
        record = self._get(actor, decision, Permission.DECISIONS_SHOW)
        now = standing(record, self._log.resolutions_among([record.id]).get(record.id, ()))
        return Found(record, now, tuple(self._log.outcomes(record.id)), self._personal(actor, record))

    def import_outcomes(
        self, actor: Actor, application: str, outcomes: Sequence[tuple[str, Any, str, str | None]], reason: str = ""
    ) -> int:
        """Record outcomes (decision id, value, name, observed_at), all or none, and return how many.

        Raises `OutcomeRefused` for the first that does not fit what the application declares.
        """
        authorize(actor, Permission.OUTCOMES_IMPORT, application)
        definition = self._definitions.active_definition(application)
        now = self._clock.now()
        records = [
            outcome_record(definition, place, decision, value, name, observed_at, at=now, actor=actor.id)
            for place, (decision, value, name, observed_at) in enumerate(outcomes, 1)
        ]
        # The log comes first: an event without its records would claim what is not so, and records name their actor.
        self._log.append(records)
        with self._audit.transaction():
            after = {"recorded": len(records)}
            self._audit.write(Event(Permission.OUTCOMES_IMPORT, actor, now, application, reason, after=after))
        return len(records)

    def _get(self, actor: Actor, decision: str, permission: Permission) -> DecisionRecord:
        return seen_by(actor, permission, decision, self._log.decision(parse_id(decision)))

    def _personal(self, actor: Actor, record: DecisionRecord) -> dict[str, object] | None:
        if not record.personal:
            return None
        try:
            authorize(actor, Permission.DECISIONS_PERSONAL, record.application)
        except Forbidden:
            return None
        fields = self._log.personal(record)
        now, target = self._clock.now(), f"decision/{record.id}"
        with self._audit.transaction():
            self._audit.write(Event(Permission.DECISIONS_PERSONAL, actor, now, target, "read"))
        return None if fields is None else dict(fields)
