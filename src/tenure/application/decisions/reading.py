"""Decisions as they are read again: what to look for, and why one came out as it did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from tenure.governance.access import authorize
from tenure.kit.errors import Kind, TenureError

if TYPE_CHECKING:
    from tenure.application.decisions.resolutions import Standing
    from tenure.contract.records import DecisionRecord, OutcomeRecord
    from tenure.governance.access import Actor, Permission


class NoSuchDecision(TenureError):
    """The log holds no decision of this id."""

    code = "no-such-decision"
    kind = Kind.NOT_FOUND
    message = "there is no decision {decision}"
    next_step = "`tenure decisions` lists those of an application or of an entity"


def seen_by(actor: Actor, permission: Permission, decision: str, record: DecisionRecord | None) -> DecisionRecord:
    """Return the record if the actor may see it; of another's application one learns not even that it is there."""
    authorize(actor, permission, next(iter(actor.applications), None))
    if record is None or (actor.applications and record.application not in actor.applications):
        raise NoSuchDecision(decision=decision)
    return record


class SpanNeeded(TenureError):
    """A search by score or latency reads the decisions themselves, so it needs a span of time."""

    code = "span-needed"
    kind = Kind.BAD_INPUT
    message = "a search by score or latency needs a span of time"
    next_step = "say from when: --since 1h, or a moment, and --until where it need not be now"


#: the least and the greatest value meant; None: no bound
Range: TypeAlias = "tuple[float | None, float | None]"


def _within(value: object, bounds: Range) -> bool:
    low, high = bounds
    if (low, high) == (None, None):
        return True
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return (low is None or value >= low) and (high is None or value <= high)


@dataclass(frozen=True, slots=True)
class Search:
    """What to look for; what is None or empty matches everything. `after` is the last id of the page before.

    `entity` is somebody as requests name them, `pseudonym` as the log does, for who knows no other name.
    """

    application: str = ""
    entity: str = ""
    pseudonym: str = ""
    since: int | None = None
    until: int | None = None
    rule: str = ""
    decided_by: str = ""
    model: str = ""
    version: int | None = None
    limit: int = 100
    after: str = ""
    score: Range = (None, None)
    elapsed_us: Range = (None, None)

    @property
    def is_ranged(self) -> bool:
        """Return whether scores or latencies are asked for, by which no index finds anything."""
        return self.score != (None, None) or self.elapsed_us != (None, None)

    def in_ranges(self, record: DecisionRecord) -> bool:
        """Return whether score and latency lie within what is asked, both ends counted; what has no score is in none."""
        served = next((one.output for one in record.predictions if one.role == "served" and one.output), None)
        score = None if served is None else served.get("score")
        return _within(score, self.score) and _within(record.elapsed_us, self.elapsed_us)

    def fits(self, record: DecisionRecord, pseudonym: str | None) -> bool:
        """Return whether a record is meant, by all but who decided and the page; `pseudonym` is the entity's."""
        asked = [(one.model, one.version) for one in record.predictions if one.role == "served"]
        return (
            (not self.application or record.application == self.application)
            and (pseudonym is None or record.entity == pseudonym)
            and (self.since is None or record.at >= self.since)
            and (self.until is None or record.at < self.until)
            and (not self.rule or self.rule in record.rules)
            and (not self.model or any(model == self.model for model, _ in asked))
            and (self.version is None or any(version == self.version for _, version in asked))
        )


@dataclass(frozen=True, slots=True)
class Found:
    """A decision with what people and the world made of it; `personal` is None for roles that may not read it, and once it was erased."""

    record: DecisionRecord
    standing: Standing
    outcomes: tuple[OutcomeRecord, ...]
    personal: dict[str, object] | None
