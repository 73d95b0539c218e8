"""A project's success in one number: an aggregate of an expression over outcomes, as `rate(left == false)`; pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tenure.application.rules.errors import BrokenExpression, Undecided
from tenure.application.rules.expressions import compile_condition, compile_expression
from tenure.application.rules.kinds import FLOAT, INT, KINDS, Known, scope_of
from tenure.kit.errors import Kind, TenureError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tenure.application.revisions.terms import OutcomeUse

_WRITTEN = re.compile(r"\s*(rate|mean|sum)\s*\((.*)\)\s*", re.DOTALL)


class BadMeasure(TenureError):
    """The text is no measure, or no measure of this outcome."""

    code = "bad-measure"
    kind = Kind.BAD_INPUT
    message = "{text!r} is no measure: {why}"
    next_step = "write rate(CONDITION), mean(NUMBER) or sum(NUMBER) over the outcome, as rate(left == false)"


@dataclass(frozen=True, slots=True)
class Measure:
    """`rate`, `mean` or `sum` of an expression that reads the outcome by its name."""

    aggregate: str
    expression: str

    def __str__(self) -> str:
        return f"{self.aggregate}({self.expression})"

    def over(self, outcome: OutcomeUse) -> Callable[[Any], float | None]:
        """Return what gives one truth's part; raise `BadMeasure` where the expression does not fit the outcome.

        The part is None where the truth has no value for it.
        """
        scope = scope_of({"outcome": [Known(f"outcome.{outcome.name}", KINDS[outcome.type], nullable=False)]})
        try:
            compiler = compile_condition if self.aggregate == "rate" else compile_expression
            compiled = compiler(self.expression, scope)
        except BrokenExpression as error:
            raise BadMeasure(text=str(self), why=str(error)) from error
        if self.aggregate != "rate" and compiled.kind not in {INT, FLOAT}:
            raise BadMeasure(text=str(self), why=f"{self.aggregate} needs a number; this is {compiled.kind}")

        def part(truth: Any) -> float | None:
            try:
                return float(compiled.run({f"outcome.{outcome.name}": truth}))
            except (Undecided, TypeError, ValueError):
                return None

        return part


def measure(text: str) -> Measure:
    """Return the measure that the text writes; raise `BadMeasure`."""
    found = _WRITTEN.fullmatch(text)
    if found is None:
        raise BadMeasure(text=text, why="it is none of rate(…), mean(…), sum(…)")
    if not found[2].strip():
        raise BadMeasure(text=text, why="it says nothing between the brackets")
    return Measure(found[1], found[2].strip())


@dataclass(frozen=True, slots=True)
class Judged:
    """One decision old enough for its truth to be known: by what it is grouped, and the truth, None while there is none."""

    period: str
    revision: int
    version: str
    truth: Any


@dataclass(slots=True)
class Value:
    """The measure over some decisions: how many there are, of how many the truth is known, and the number."""

    decisions: int = 0
    labelled: int = 0
    total: float = 0.0

    def add(self, part: float | None) -> None:
        """Count one decision."""
        self.decisions += 1
        if part is not None:
            self.labelled += 1
            self.total += part


@dataclass(frozen=True, slots=True)
class Measured:
    """The measure over all decisions of an application, and by period, revision and version."""

    whole: Value = field(default_factory=Value)
    by_period: dict[str, Value] = field(default_factory=dict)
    by_revision: dict[int, Value] = field(default_factory=dict)
    by_version: dict[str, Value] = field(default_factory=dict)


def measured(part: Callable[[Any], float | None], judged: Iterable[Judged]) -> Measured:
    """Return the measure of some decisions; adding them up in any order gives the same groups."""
    found = Measured()
    for one in judged:
        value = None if one.truth is None else part(one.truth)
        found.whole.add(value)
        found.by_period.setdefault(one.period, Value()).add(value)
        found.by_revision.setdefault(one.revision, Value()).add(value)
        found.by_version.setdefault(one.version, Value()).add(value)
    return found


def number(aggregate: str, value: Value) -> float | None:
    """Return the number: the sum of what is known, or its mean; None where nothing is known."""
    if not value.labelled:
        return None
    return value.total if aggregate == "sum" else value.total / value.labelled
