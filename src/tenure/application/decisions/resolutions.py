"""What people make of decisions: which answer is in force, who owes a second opinion, and how often answers change.

A resolution is a record of its own and the decision is never edited, so everything here follows from records alone.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from tenure.contract.records import FORMAT, ResolutionRecord
from tenure.governance.approvals import Policy
from tenure.kit.errors import Kind, TenureError
from tenure.kit.ids import new_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tenure.application.revisions.terms import Definition
    from tenure.application.rules.rule import Rule
    from tenure.contract.records import DecidedBy, DecisionRecord, Status


class NothingResolved(TenureError):
    """A resolution says too little to be one."""

    code = "nothing-resolved"
    kind = Kind.BAD_INPUT
    message = "a resolution of {decision} needs {what}"
    next_step = "tenure resolve ID --answer JSON --code CODE --reason …; without --answer the answer stays as it is"


class NoProposal(TenureError):
    """Nothing waits for a second person."""

    code = "no-proposal"
    kind = Kind.CONFLICT
    message = "no override of {decision} waits to be confirmed"
    next_step = "`tenure reviews` lists those that do"


class OwnProposal(TenureError):
    """The second person has to be another one."""

    code = "own-proposal"
    kind = Kind.FORBIDDEN
    message = "{who} proposed this override and may not confirm it: this home's policy is four-eyes"
    next_step = "ask another person who may resolve decisions"


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a decision stands: the answer in force, who gave it, and all that people said, oldest first."""

    record: DecisionRecord
    answer: dict[str, Any]
    decided_by: DecidedBy
    status: Status
    history: tuple[ResolutionRecord, ...] = ()
    #: what waits for a second person
    proposal: ResolutionRecord | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """What a person says about a decision; `answer` is None where it stays as it is."""

    answer: dict[str, Any] | None
    code: str
    note: str
    confirm: bool = False


def standing(record: DecisionRecord, resolutions: Iterable[ResolutionRecord]) -> Standing:
    """Return where the decision stands after these resolutions of it, in whatever order they come."""
    history = tuple(sorted(resolutions, key=lambda one: one.id))
    held = [one for one in history if not one.pending]
    proposal = history[-1] if history and history[-1].pending else None
    if not held:
        return Standing(record, record.answer, record.decided_by, record.status, history, proposal)
    return Standing(record, held[-1].after, "person", "final", history, proposal)


def resolution(now: Standing, said: Said, policy: Policy, *, at: int, who: str) -> ResolutionRecord:
    """Return the record of what a person says about a decision that stands as `now`.

    Under four-eyes a change of a final answer is pending until another person confirms it. Raises `NothingResolved`,
    `NoProposal`, `OwnProposal`.
    """
    record = now.record
    if not said.note.strip():
        raise NothingResolved(decision=record.id, what="a reason")
    if said.confirm:
        return _confirmation(now, said, policy, at=at, who=who)
    if not said.code.strip():
        raise NothingResolved(decision=record.id, what="a code")
    if said.answer is not None and not said.answer:
        raise NothingResolved(decision=record.id, what="an answer that is not empty")
    after = now.answer if said.answer is None else said.answer
    changes_final = now.status == "final" and after != now.answer
    return ResolutionRecord(
        format=FORMAT,
        kind="resolution",
        id=_next_id(at, now),
        at=at,
        application=record.application,
        decision=record.id,
        who=who,
        before=now.answer,
        after=after,
        code=said.code.strip(),
        note=said.note.strip(),
        pending=changes_final and policy is Policy.FOUR_EYES,
        entity=record.entity,
    )


def _confirmation(now: Standing, said: Said, policy: Policy, *, at: int, who: str) -> ResolutionRecord:
    if now.proposal is None:
        raise NoProposal(decision=now.record.id)
    if policy is Policy.FOUR_EYES and now.proposal.who == who:
        raise OwnProposal(who=who)
    return msgspec.structs.replace(
        now.proposal,
        id=_next_id(at, now),
        at=at,
        who=who,
        before=now.answer,
        note=said.note.strip(),
        pending=False,
        confirms=now.proposal.id,
    )


def _next_id(at: int, now: Standing) -> str:
    """Return an id that sorts after the decision's resolutions so far, though a clock were to stand still."""
    made = new_id(at)
    newest = now.history[-1].id if now.history else ""
    while made <= newest:
        at += 1
        made = new_id(at)
    return made


# ---- the queue

#: where decisions wait whose reasons did not add up
UNEXPLAINED = "unexplained"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A decision that waits for a person: for a `review` by a queue, or for the `confirmation` of a proposal."""

    record: DecisionRecord
    what: str
    queues: tuple[str, ...]
    since: int
    proposal: ResolutionRecord | None = None


def waiting(record: DecisionRecord, definition: Definition, resolutions: Sequence[ResolutionRecord]) -> Waiting | None:
    """Return what the decision waits for, None when for nobody."""
    now = standing(record, resolutions)
    queues = queues_of(definition, record)
    if now.proposal is not None:
        return Waiting(record, "confirmation", queues, now.proposal.at, now.proposal)
    return Waiting(record, "review", queues, record.at) if now.status == "pending_review" else None


def queues_of(definition: Definition, record: DecisionRecord) -> tuple[str, ...]:
    """Return the names of the queues to which the rules that fired, or reasons that failed, have sent the decision."""
    fired = frozenset(record.rules)
    rules = [rule for rule in definition.rules if rule.id in fired]
    unexplained = any(one.explained is not None and one.explained.failed for one in record.predictions)
    named = [queue for rule in rules for queue in _reviews_of(rule)]
    return tuple(dict.fromkeys([*named, *([UNEXPLAINED] if unexplained else [])]))


def _reviews_of(rule: Rule) -> list[str]:
    """Return the queues that a rule may send to; of a table all that its rows name."""
    if rule.table is not None and "review" in rule.table.columns:
        place = rule.table.columns.index("review")
        return [row[place] for row in rule.table.rows if row[place]]
    return [rule.review] if rule.review else []


# ---- how often


@dataclass(frozen=True, slots=True)
class Rate:
    """How many of the resolutions under one name changed the answer."""

    name: str
    resolved: int
    changed: int

    @property
    def share(self) -> float:
        """Return the changed ones as a share of all."""
        return self.changed / self.resolved if self.resolved else 0.0


@dataclass(frozen=True, slots=True)
class Overrides:
    """How people changed answers in a span of time. `directions` has for each `field: before → after` how often."""

    resolved: int
    changed: int
    pending: int
    directions: dict[str, int]
    by_person: tuple[Rate, ...]
    by_code: tuple[Rate, ...]


def overrides(resolutions: Iterable[ResolutionRecord], proposals: Mapping[str, ResolutionRecord]) -> Overrides:
    """Return the rates over some resolutions; a confirmed change counts for who proposed it (`proposals` by id)."""
    given = list(resolutions)
    held = [one for one in given if not one.pending]
    confirmed = {one.confirms for one in proposals.values() if one.confirms}
    directions = Counter(way for one in held for way in _ways(one))
    return Overrides(
        resolved=len(held),
        changed=sum(_changes(one) for one in held),
        pending=sum(one.pending and one.id not in confirmed for one in given),
        directions=dict(directions.most_common()),
        by_person=_rates((_person(one, proposals), _changes(one)) for one in held),
        by_code=_rates((one.code, _changes(one)) for one in held),
    )


def _person(one: ResolutionRecord, proposals: Mapping[str, ResolutionRecord]) -> str:
    return proposals[one.confirms].who if one.confirms in proposals else one.who


def _changes(one: ResolutionRecord) -> bool:
    return one.before != one.after


def _ways(one: ResolutionRecord) -> list[str]:
    names = dict.fromkeys([*one.before, *one.after])
    pairs = [(name, one.before.get(name), one.after.get(name)) for name in names]
    return [f"{name}: {_text(before)} → {_text(after)}" for name, before, after in pairs if before != after]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _rates(pairs: Iterable[tuple[str, bool]]) -> tuple[Rate, ...]:
    seen: defaultdict[str, list[bool]] = defaultdict(list)
    for name, changed in pairs:
        seen[name].append(changed)
    rates = [Rate(name, len(each), sum(each)) for name, each in seen.items()]
    return tuple(sorted(rates, key=lambda rate: (-rate.changed, -rate.resolved, rate.name)))
