"""What runs out in an application's log, shown before it goes: two people remove it, and nobody before its time.

Removed are the records' bytes; their leaves stay, so every proof about another record, and every checkpoint, still holds.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import msgspec

from tenure.governance.access import Permission, authorize
from tenure.governance.audit import Event
from tenure.governance.holds import among, on_application, on_model, on_person, on_version, refuse
from tenure.governance.retention import after
from tenure.kit.clock import DAY
from tenure.kit.errors import Kind, TenureError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tenure.governance.access import Actor
    from tenure.governance.holds import Hold
    from tenure.governance.ports import Audit, HoldStore
    from tenure.governance.retaining import Retentions
    from tenure.governance.retention import RetentionClass
    from tenure.kit.clock import Clock

#: what runs out within so long is shown beside what has run out
SOON = 30 * DAY


class KeptForEver(TenureError):
    """Nobody said how long the application's records are kept."""

    code = "kept-for-ever"
    kind = Kind.CONFLICT
    message = "the log of {application} is under no retention class, so all of it is kept"
    next_step = "say how long: tenure retain {application} --class NAME --reason …"


class NothingExpired(TenureError):
    """No record is older than its period."""

    code = "nothing-expired"
    kind = Kind.CONFLICT
    message = "nothing in the log of {application} has run out: {told}"
    next_step = "see `tenure retention` for what runs out next"


class SecondPersonExpires(TenureError):
    """Removing records takes two people."""

    code = "second-person"
    kind = Kind.CONFLICT
    message = "{actor} proposed to remove these records of {application}; somebody else must do it"
    next_step = "ask another person to call: tenure expire {application} --reason …"


class Aged(Protocol):
    """An old record, as far as it is known by its place."""

    @property
    def kind(self) -> str:
        """Return what kind of record it is."""

    @property
    def entity(self) -> str | None:
        """Return the pseudonym of whom it is about."""

    @property
    def model(self) -> str | None:
        """Return which model answered."""

    @property
    def version(self) -> int | None:
        """Return which version of it."""


class Removed(Protocol):
    """What was removed."""

    @property
    def records(self) -> int:
        """Return how many records."""

    @property
    def files(self) -> int:
        """Return how many files were written again."""

    @property
    def open(self) -> int:
        """Return how many still stand in a segment that is being written."""


class AgingLog(Protocol):
    """The log as whoever lets go of it needs it."""

    def aged(self, application: str, before: int) -> Sequence[Aged]:
        """Return the sealed records of an application that arrived before a moment."""

    def oldest(self, application: str) -> int | None:
        """Return when its oldest record arrived."""

    def remove(self, application: str, before: int, kept: Callable[[Aged], bool], now: int) -> Removed:
        """Remove them, except those `kept`."""


class Proposal(msgspec.Struct, frozen=True):
    """What somebody proposed to remove: all of an application that arrived before a moment."""

    application: str
    before: int
    at: int
    by: str
    records: int
    done: bool = False


class ProposalStore(Protocol):
    """Where proposals are kept."""

    def propose(self, proposal: Proposal) -> None:
        """Keep one in the place of an earlier one."""

    def proposal(self, application: str) -> Proposal | None:
        """Return the one that was not carried out yet."""


@dataclass(frozen=True, slots=True)
class RunningOut:
    """An application's log: its class, its oldest record, what has run out by kind, what does within 30 days, what a hold keeps."""

    application: str
    held_by: tuple[Hold, ...]
    kept_as: RetentionClass | None
    oldest: int | None = None
    before: int = 0
    expired: tuple[tuple[str, int], ...] = ()
    soon: int = 0
    held: int = 0
    proposal: Proposal | None = None

    @property
    def records(self) -> int:
        """Return how many records would go now."""
        return sum(count for _, count in self.expired)


@dataclass(frozen=True, slots=True)
class Expired:
    """What a call did: `removed` is None after the first person's call, and where it was only asked."""

    found: RunningOut
    proposal: Proposal | None
    removed: Removed | None


class Expiries:
    """Collection of actions on what has run out."""

    def __init__(
        self,
        log: AgingLog,
        retentions: Retentions,
        proposals: ProposalStore,
        holds: HoldStore,
        audit: Audit,
        clock: Clock,
    ) -> None:
        self._log, self._retentions, self._proposals = log, retentions, proposals
        self._holds, self._audit, self._clock = holds, audit, clock

    def running_out(self, application: str, before: int | None = None) -> RunningOut:
        """Return what has run out of an application by now, or what was proposed to go, and what does soon."""
        kept_as = self._retentions.of_application(application)
        holds = tuple(self._holds.open())
        held_by = tuple(among(holds, [on_application(application)]))
        if kept_as is None:
            return RunningOut(application, held_by, None, self._log.oldest(application))
        now = self._clock.now()
        due = after(now, kept_as.keep, -1)
        cut = due if before is None else min(before, due)
        aged = self._log.aged(application, cut)
        free = [one for one in aged if not is_held(one, holds)]
        return RunningOut(
            application,
            held_by,
            kept_as,
            self._log.oldest(application),
            cut,
            tuple(sorted(Counter(one.kind for one in free).items())),
            len(self._log.aged(application, after(now + SOON, kept_as.keep, -1))) - len(aged),
            len(aged) - len(free),
            self._proposals.proposal(application),
        )

    def expire(self, actor: Actor, application: str, reason: str, *, dry_run: bool = False) -> Expired:
        """Propose to remove what has run out, or remove what another person proposed; with `dry_run` only say what.

        Refused under a hold on the application, which is named; what is under a hold of a person, a version or a model
        stays while the rest goes.
        """
        authorize(actor, Permission.RETENTION_EXPIRE, application)
        proposal = self._proposals.proposal(application)
        found = self.running_out(application, proposal.before if proposal else None)
        if found.kept_as is None:
            raise KeptForEver(application=application)
        if dry_run:
            return Expired(found, proposal, None)
        refuse(application, found.held_by)
        if not found.records:
            raise NothingExpired(application=application, told=found.kept_as.told)
        if proposal is None:
            return self._propose(actor, found, reason)
        if proposal.by == actor.id:
            raise SecondPersonExpires(actor=actor.id, application=application)
        return self._remove(actor, found, proposal, reason)

    def _propose(self, actor: Actor, found: RunningOut, reason: str) -> Expired:
        now = self._clock.now()
        proposal = Proposal(found.application, found.before, now, actor.id, found.records)
        with self._audit.transaction():
            self._proposals.propose(proposal)
            self._write(actor, found, reason, now, {"proposed": found.records})
        return Expired(found, proposal, None)

    def _remove(self, actor: Actor, found: RunningOut, proposal: Proposal, reason: str) -> Expired:
        now = self._clock.now()
        holds = self._holds.open()
        with self._audit.transaction():
            # Inside the transaction: an event that could not be written removes nothing.
            self._write(actor, found, reason, now, {"removed": found.records, "proposed_by": proposal.by})
            self._proposals.propose(msgspec.structs.replace(proposal, done=True))
            removed = self._log.remove(found.application, found.before, lambda one: is_held(one, holds), now)
        return Expired(found, proposal, removed)

    def _write(self, actor: Actor, found: RunningOut, reason: str, now: int, what: dict[str, object]) -> None:
        assert found.kept_as is not None, "it was asked before"
        after = {**what, "by_kind": dict(found.expired), "before": found.before, "class": found.kept_as.name}
        self._audit.write(Event(Permission.RETENTION_EXPIRE, actor, now, found.application, reason, after=after))


def is_held(one: Aged, holds: Sequence[Hold]) -> bool:
    """Return whether a hold on the person, the version or the model keeps a record."""
    targets = [] if one.entity is None else [on_person(one.entity)]
    if one.model is not None:
        targets += [on_model(one.model), *([on_version(one.model, one.version)] if one.version is not None else [])]
    return bool(among(holds, targets))
