"""What people do about decisions: resolve one, see which wait for somebody, see how often answers were changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenure.application.decisions.reading import seen_by
from tenure.application.decisions.resolutions import Overrides, overrides, resolution, standing, waiting
from tenure.governance.access import Permission, authorize
from tenure.governance.audit import Event
from tenure.kit.ids import parse_id

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tenure.application.decisions.ports import Definitions, Place, ResolutionLog
    from tenure.application.decisions.resolutions import Said, Waiting
    from tenure.application.revisions.terms import Definition
    from tenure.contract.records import ResolutionRecord
    from tenure.governance.access import Actor
    from tenure.governance.ports import Audit, PolicyStore
    from tenure.kit.clock import Clock


class Resolutions:
    """Collection of actions by which people review decisions and override them."""

    def __init__(
        self, log: ResolutionLog, definitions: Definitions, policy: PolicyStore, audit: Audit, clock: Clock
    ) -> None:
        self._log = log
        self._definitions = definitions
        self._policy = policy
        self._audit = audit
        self._clock = clock

    def resolve(self, actor: Actor, decision: str, said: Said) -> ResolutionRecord:
        """Record what a person says about a decision and return the record, once it is durable.

        Where it is `pending`, the answer in force is still the one before: a second person has to confirm it.
        """
        record = seen_by(actor, Permission.DECISIONS_RESOLVE, decision, self._log.decision(parse_id(decision)))
        # The one write transaction also keeps two people from resolving the same decision at once.
        with self._audit.transaction():
            now = standing(record, self._log.resolutions(record.id))
            policy = self._policy.get()
            made = resolution(now, said, policy, at=self._clock.now(), who=actor.id)
            # The log comes first: an event without its record would claim what is not so.
            self._log.append_resolution(made)
            self._audit.write(_event(actor, made))
        return made

    def reviews(self, actor: Actor, application: str = "", after: Place = ()) -> Iterator[Waiting]:
        """Give the decisions that wait for a person, by application, those that wait longest first, from behind a place.

        Only as much is read as is taken.
        """
        authorize(actor, Permission.DECISIONS_REVIEWS, application or None)
        return self._waiting(application, after)

    def _waiting(self, application: str, after: Place) -> Iterator[Waiting]:
        definitions: dict[tuple[str, int], Definition] = {}
        for record, said in self._log.open(application, after):
            which = record.application, record.revision
            if which not in definitions:
                definitions[which] = self._definitions.definition_of(*which)
            if (one := waiting(record, definitions[which], said)) is not None:
                yield one

    def overrides(
        self, actor: Actor, application: str = "", since: int | None = None, until: int | None = None
    ) -> tuple[Overrides, int]:
        """Return how people changed answers in [since, until), and how many decisions were made then."""
        authorize(actor, Permission.DECISIONS_OVERRIDES, application or None)
        known = self._log.all_resolutions(application)
        chosen = [one for one in known if (since is None or one.at >= since) and (until is None or one.at < until)]
        return overrides(chosen, {one.id: one for one in known}), self._log.made(application, since, until)


def _event(actor: Actor, made: ResolutionRecord) -> Event:
    before = {"answer": made.before}
    after = {"answer": made.after, "code": made.code, "pending": made.pending, "resolution": made.id}
    # The trail is never edited, so what a person wrote about a person stands in the log alone, where it can be erased.
    note = made.note if made.entity is None else made.code
    return Event(Permission.DECISIONS_RESOLVE, actor, made.at, f"decision/{made.decision}", note, before, after)
