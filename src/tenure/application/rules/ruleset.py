"""The rules of one phase, in order: each gets a verdict, and the first that is true and has an answer settles."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from tenure.application.rules.errors import Undecided

if TYPE_CHECKING:
    from tenure.contract.records import Reason

TRUE, FALSE, MISSING, NOT_REACHED = "t", "f", "m", "-"

Facts: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ReadyRule:
    """A rule ready to run; `place` is its number among all rules of the revision."""

    place: int
    id: str
    when: Callable[[Facts], Any]
    skips: bool
    answer: Callable[[Facts], Any] | None
    reason: Reason | None
    reviews: bool


@dataclass(slots=True)
class Trace:
    """What the rules said so far: a verdict for each rule, the ids of those that fired, their reasons, and reviews."""

    verdicts: list[str]
    fired: list[str] = field(default_factory=list)
    reasons: list[Reason] = field(default_factory=list)
    pending: bool = False

    def copy(self) -> Trace:
        """Return a trace that can go on without changing this one."""
        return Trace(self.verdicts.copy(), self.fired.copy(), self.reasons.copy(), self.pending)


def walk(rules: tuple[ReadyRule, ...], facts: Facts, trace: Trace) -> dict[str, Any] | None:
    """Return the answer of the first rule that settles, None if none does; the trace is written on the way.

    Raises `Undecided` where a value is missing and the rule does not say `on_missing: skip`.
    """
    verdicts = trace.verdicts
    for rule in rules:
        try:
            true = rule.when(facts)
        except Undecided:
            if not rule.skips:
                raise
            verdicts[rule.place] = MISSING
            continue
        if not true:
            verdicts[rule.place] = FALSE
            continue
        verdicts[rule.place] = TRUE
        _note(rule, trace)
        if rule.answer is not None:
            answer: dict[str, Any] = rule.answer(facts)
            return answer
    return None


def _note(rule: ReadyRule, trace: Trace) -> None:
    trace.fired.append(rule.id)
    trace.pending = trace.pending or rule.reviews
    if rule.reason is not None:
        trace.reasons.append(rule.reason)
