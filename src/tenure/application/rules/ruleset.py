"""The rules of one phase, in order: each gets a verdict, and the first that is true and has an answer settles."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import msgspec

from tenure.application.rules.errors import Undecided
from tenure.contract.records import Reason

TRUE, FALSE, MISSING, NOT_REACHED = "t", "f", "m", "-"

Facts: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Effect:
    """What follows when a rule, or a `row` of its table, holds. `change` writes outputs anew for all that comes after.

    `model` is the one to be asked, by its name in the definition.
    """

    answer: Callable[[Facts], Any] | None = None
    reason: Reason | None = None
    reviews: bool = False
    change: Callable[[dict[str, Any]], None] | None = None
    row: int = 0
    model: str = ""


@dataclass(frozen=True, slots=True)
class ReadyRule:
    """A rule ready to run; `place` is its number among all rules of the revision.

    `when` gives its truth. A rule with a table has no `effect` of its own: `when` gives that of the row that holds.
    """

    place: int
    id: str
    when: Callable[[Facts], Any]
    skips: bool
    effect: Effect | None


class Trace(msgspec.Struct):
    """What the rules said so far: a verdict for each rule, the ids of those that fired, their reasons, and reviews.

    `rows` are the rows of tables that held, by the rule's id; `model` is the one that a rule chose, empty for the usual one.
    """

    verdicts: list[str]
    fired: list[str] = []
    reasons: list[Reason] = []
    pending: bool = False
    rows: dict[str, int] | None = None
    model: str = ""

    def copy(self) -> Trace:
        """Return a trace that can go on without changing this one."""
        return Trace(self.verdicts.copy(), self.fired.copy(), self.reasons.copy(), self.pending, self.rows, self.model)


def walk(rules: tuple[ReadyRule, ...], facts: dict[str, Any], trace: Trace) -> dict[str, Any] | None:
    """Return the answer of the first rule that settles, None if none does; the trace is written on the way.

    Outputs that a rule sets or bounds are changed in `facts`. Raises `Undecided` where a value is missing and the rule does not say `on_missing: skip`.
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
        effect: Effect = rule.effect or true
        _note(rule.id, effect, trace)
        if effect.change is not None:
            effect.change(facts)
        if effect.answer is not None:
            answer: dict[str, Any] = effect.answer(facts)
            return answer
    return None


def _note(rule: str, effect: Effect, trace: Trace) -> None:
    trace.fired.append(rule)
    trace.pending = trace.pending or effect.reviews
    trace.model = trace.model or effect.model
    if effect.row:
        trace.rows = {**(trace.rows or {}), rule: effect.row}
    if effect.reason is not None:
        trace.reasons.append(effect.reason)
