"""Old values of feature views, shown before they go: two people remove them, and nobody before their time.

A value's time begins when it was last in force: when a newer one took its place, or its time to live was over. So what a
decision reads now, and what any read as of a moment within the period gives, is the same before and after. Decisions need no
old value: what they used stands on their records.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import msgspec

from tenure.application.decisions.erasing import places_of
from tenure.application.decisions.expiring import Proposal
from tenure.application.features.view import UnknownView
from tenure.governance.access import Permission, authorize
from tenure.governance.audit import Event
from tenure.governance.holds import among, on_application, on_view, refuse
from tenure.governance.retention import after
from tenure.kit.errors import Kind, TenureError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from typing import Any

    from tenure.application.decisions.expiring import ProposalStore
    from tenure.application.features.view import View
    from tenure.application.revisions.terms import Definition
    from tenure.contract.records import DecisionRecord, EventRecord
    from tenure.governance.access import Actor
    from tenure.governance.holds import Hold
    from tenure.governance.ports import Audit, HoldStore
    from tenure.governance.retaining import Retentions
    from tenure.governance.retention import RetentionClass
    from tenure.kit.clock import Clock

_PERSON = "person:"


class KeptForEverView(TenureError):
    """Nobody said how long the view's old values are kept."""

    code = "view-kept-for-ever"
    kind = Kind.CONFLICT
    message = "the feature view {view} is under no retention class, so all that it ever held is kept"
    next_step = "say how long: tenure retain features:{view} --class NAME --reason …"


class NoValueExpired(TenureError):
    """No old value has outlived its period."""

    code = "no-value-expired"
    kind = Kind.CONFLICT
    message = "nothing in the feature view {view} has run out: {told}"
    next_step = "see `tenure retention` for what is kept how long; what is in force stays until it is replaced or stale"


class FollowsItsLog(TenureError):
    """The view is computed from events, whose records the application's log keeps."""

    code = "follows-its-log"
    kind = Kind.CONFLICT
    message = (
        "the feature view {view} is computed from events of {application}, and is kept as that application's log is"
    )
    next_step = "tenure retain {application} --class NAME, and tenure expire {application} --reason …"


class SecondPersonExpiresValues(TenureError):
    """Removing old values takes two people."""

    code = "second-person"
    kind = Kind.CONFLICT
    message = "{actor} proposed to remove these values of {view}; somebody else must do it"
    next_step = "ask another person to call: tenure features expire {view} --reason …"


class AgingViews(Protocol):
    """The feature store as whoever lets go of old values needs it."""

    def views(self) -> dict[str, View]:
        """Return every view by its name."""

    def aged(self, view: View, before: int) -> dict[str, int]:
        """Return by key how many values were last in force before a moment."""

    def expire(self, view: View, before: int, kept: Collection[str]) -> int:
        """Remove them, durably, except those of the keys `kept`; return how many they were."""


class PersonsLog(Protocol):
    """The decision log, as far as it tells which keys are a held person's."""

    def pseudonym(self, entity: str) -> str:
        """Return the name under which the entity stands in the log."""

    def about(self, pseudonym: str) -> list[DecisionRecord]:
        """Return every decision about the person."""

    def told_of(self, pseudonym: str) -> list[EventRecord]:
        """Return every event about the person."""

    def personal(self, record: DecisionRecord | EventRecord) -> Mapping[str, Any] | None:
        """Return a record's personal fields in the clear, None when there are none or they were erased."""


class Definitions(Protocol):
    """What applications are and were."""

    def applications(self) -> Sequence[str]:
        """Return the name of every application."""

    def ever(self, application: str) -> Sequence[Definition]:
        """Return the definitions of every revision of an application."""


@dataclass(frozen=True, slots=True)
class OldValues:
    """What of a view has run out by `before`: values that may go, and those that a hold keeps."""

    view: str
    held_by: tuple[Hold, ...] = ()
    kept_as: RetentionClass | None = None
    before: int = 0
    values: int = 0
    keys: int = 0
    held: int = 0
    held_keys: frozenset[str] = frozenset()
    proposal: Proposal | None = None


@dataclass(frozen=True, slots=True)
class ExpiredValues:
    """What a call did: `removed` is None after the first person's call, and where it was only asked."""

    found: OldValues
    proposal: Proposal | None
    removed: int | None


class ViewExpiries:
    """Collection of actions on old values of feature views."""

    def __init__(
        self,
        views: AgingViews,
        log: PersonsLog,
        definitions: Definitions,
        retentions: Retentions,
        proposals: ProposalStore,
        holds: HoldStore,
        audit: Audit,
        clock: Clock,
    ) -> None:
        self._views, self._log, self._definitions = views, log, definitions
        self._retentions, self._proposals, self._holds = retentions, proposals, holds
        self._audit, self._clock = audit, clock

    def running_out(self, view: View, before: int | None = None) -> OldValues:
        """Return what has run out of a view by now, or what was proposed to go."""
        kept_as = self._retentions.of_view(view.name)
        holds = self._holds.open()
        held_by = tuple(among(holds, [on_view(view.name), *map(on_application, self._readers(view.name))]))
        if kept_as is None:
            return OldValues(view.name, held_by)
        due = after(self._clock.now(), kept_as.keep, -1)
        cut = due if before is None else min(before, due)
        aged = self._views.aged(view, cut)
        held_keys = self._held_keys(view, aged, holds)
        held = sum(aged[key] for key in held_keys)
        return OldValues(
            view.name,
            held_by,
            kept_as,
            cut,
            sum(aged.values()) - held,
            len(aged) - len(held_keys),
            held,
            held_keys,
            self._proposals.proposal(on_view(view.name)),
        )

    def all(self) -> list[OldValues]:
        """Return for every view that rows are written into what has run out of it."""
        return [self.running_out(view) for view in self._views.views().values() if view.feed is None]

    def expire(self, actor: Actor, name: str, reason: str, *, dry_run: bool = False) -> ExpiredValues:
        """Propose to remove what has run out, or remove what another person proposed; with `dry_run` only say what.

        Refused under a hold on the view or on an application that reads it; the values of a held person stay while the
        rest goes.
        """
        authorize(actor, Permission.FEATURES_EXPIRE)
        view = self._views.views().get(name)
        if view is None:
            raise UnknownView(view=name)
        if view.feed is not None:
            raise FollowsItsLog(view=name, application=view.feed.application)
        proposal = self._proposals.proposal(on_view(name))
        found = self.running_out(view, proposal.before if proposal else None)
        if found.kept_as is None:
            raise KeptForEverView(view=name)
        if dry_run:
            return ExpiredValues(found, proposal, None)
        refuse(f"the feature view {name}", found.held_by)
        if not found.values:
            raise NoValueExpired(view=name, told=found.kept_as.told)
        if proposal is None:
            return self._propose(actor, found, reason)
        if proposal.by == actor.id:
            raise SecondPersonExpiresValues(actor=actor.id, view=name)
        return self._remove(actor, view, found, proposal, reason)

    def _propose(self, actor: Actor, found: OldValues, reason: str) -> ExpiredValues:
        now = self._clock.now()
        proposal = Proposal(on_view(found.view), found.before, now, actor.id, found.values)
        with self._audit.transaction():
            self._proposals.propose(proposal)
            self._write(actor, found, reason, now, {"proposed": found.values})
        return ExpiredValues(found, proposal, None)

    def _remove(self, actor: Actor, view: View, found: OldValues, proposal: Proposal, reason: str) -> ExpiredValues:
        now = self._clock.now()
        with self._audit.transaction():
            # Inside the transaction: an event that could not be written removes nothing.
            self._write(actor, found, reason, now, {"removed": found.values, "proposed_by": proposal.by})
            self._proposals.propose(msgspec.structs.replace(proposal, done=True))
            removed = self._views.expire(view, found.before, found.held_keys)
        return ExpiredValues(found, proposal, removed)

    def _write(self, actor: Actor, found: OldValues, reason: str, now: int, what: dict[str, object]) -> None:
        assert found.kept_as is not None, "it was asked before"
        told = {**what, "keys": found.keys, "held": found.held, "before": found.before, "class": found.kept_as.name}
        self._audit.write(Event(Permission.FEATURES_EXPIRE, actor, now, on_view(found.view), reason, after=told))

    def _readers(self, view: str) -> Iterator[str]:
        """Return the applications that read the view in any revision."""
        for name in self._definitions.applications():
            if any(use.view == view for one in self._definitions.ever(name) for use in one.features):
                yield name

    def _held_keys(self, view: View, aged: Mapping[str, int], holds: Sequence[Hold]) -> frozenset[str]:
        """Return which of these keys are a held person's: their own name, or what a record of theirs says of them."""
        held = {one.target.removeprefix(_PERSON) for one in holds if one.target.startswith(_PERSON)}
        if not held:
            return frozenset()
        keys = {key for key in aged if self._log.pseudonym(key) in held}
        return frozenset(keys | {key for one in held for key in self._said(view, one) if key in aged})

    def _said(self, view: View, pseudonym: str) -> Iterator[str]:
        records: list[DecisionRecord | EventRecord] = [*self._log.about(pseudonym), *self._log.told_of(pseudonym)]
        for record in records:
            known = [self._log.personal(record) or {}]
            for definition in self._definitions.ever(record.application):
                yield from (key for name, key in places_of(definition, [view], known) if name == view.name)
