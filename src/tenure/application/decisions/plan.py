"""A definition compiled for one version of its model: every expression typed, or every problem found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from tenure.application.decisions.inputs import map_inputs
from tenure.application.decisions.scopes import after_model, before_model
from tenure.application.revisions.problems import Problem
from tenure.application.revisions.tables import cell_problem
from tenure.application.rules.answers import compile_answer
from tenure.application.rules.changes import compile_changes
from tenure.application.rules.errors import BrokenExpression
from tenure.application.rules.expressions import compile_condition, compile_expression
from tenure.application.rules.kinds import DATE, INT, STRING, nearest
from tenure.application.rules.rule import ALWAYS
from tenure.application.rules.ruleset import Effect, ReadyRule
from tenure.application.rules.tables import compile_table
from tenure.contract.records import Reason

if TYPE_CHECKING:
    from tenure.application.decisions.inputs import RowMaker
    from tenure.application.revisions.problems import Path
    from tenure.application.revisions.terms import Answering, Definition
    from tenure.application.rules.answers import Make
    from tenure.application.rules.kinds import Scope
    from tenure.application.rules.operators import Run
    from tenure.application.rules.rule import Rule, Table
    from tenure.contract.schema import Schema


@dataclass(frozen=True, slots=True)
class ReadyAnswer:
    """A default or fallback answer, ready to be made."""

    answer: Make
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that a decision runs; `row` is None where no model is asked."""

    before: tuple[ReadyRule, ...]
    after: tuple[ReadyRule, ...]
    row: RowMaker | None
    default: ReadyAnswer
    fallback: ReadyAnswer | None


def plan(definition: Definition, inputs: Schema | None, outputs: Schema | None) -> tuple[Plan, list[Problem]]:
    """Return the compiled definition and all that is wrong with it; the plan may be used only if nothing is."""
    return _Planner(definition, inputs, outputs).whole()


class _Planner:
    """Compiles the parts and collects the problems of all of them."""

    def __init__(self, definition: Definition, inputs: Schema | None, outputs: Schema | None) -> None:
        self._definition = definition
        self._inputs = inputs
        self._problems: list[Problem] = []
        self._before = before_model(definition)
        self._after = after_model(definition, outputs or ()) if definition.model else self._before

    def whole(self) -> tuple[Plan, list[Problem]]:
        definition = self._definition
        self._unknown_lists()
        rules = [(self._rule(place, rule), rule.phase) for place, rule in enumerate(definition.rules)]
        fallback = definition.fallback
        plan = Plan(
            before=tuple(rule for rule, phase in rules if phase == "before"),
            after=tuple(rule for rule, phase in rules if phase == "after"),
            row=self._row(),
            default=self._answering("default", definition.default, self._after),
            fallback=self._answering("fallback", fallback, self._before) if fallback else None,
        )
        return plan, self._problems

    def _row(self) -> RowMaker | None:
        if self._definition.model is None:
            return None
        maker, missing = map_inputs(self._definition, self._inputs or ())
        for need in missing:
            path: Path = ("inputs", need.name) if need.name in self._definition.inputs else ("model",)
            self._problems.append(Problem(path, need.why, need.at if len(path) > 1 else None, need.add))
        self._unknown_inputs()
        return maker

    def _unknown_lists(self) -> None:
        """Find views that are read for each item of an output that has none."""
        outputs = self._after.places.get("output", {})
        for place, use in enumerate(self._definition.features if self._definition.model else ()):
            known = outputs.get(use.each)
            if not use.each or (known and known.length and known.kind.item in {INT, STRING, DATE}):
                continue
            is_what = f"output.{use.each} is {known.kind}" if known else f"the model has no output {use.each!r}"
            why = f"{is_what}; a view is read by items that are text or whole numbers"
            self._problems.append(Problem(("features", place, "each"), why))

    def _unknown_inputs(self) -> None:
        """Find broken entries for inputs that this version does not have.

        A later version may need one, and goes live only after the application supplies it; so it must be right by
        itself, and may not look like a slip of the pen for an input that the version does have.
        """
        known = {field.name for field in self._inputs or ()}
        for name, written in self._definition.inputs.items():
            if name in known:
                continue
            if near := nearest(name, known):
                self._problems.append(Problem(("inputs", name), f"the model has no input {name!r}{near}"))
                continue
            try:
                compile_expression(written, self._before, lenient=True)
            except BrokenExpression as error:
                self._problems.append(Problem(("inputs", name), str(error), error.facts["at"]))

    def _rule(self, place: int, rule: Rule) -> ReadyRule:
        scope = self._before if rule.phase == "before" else self._after
        path: Path = ("rules", place)
        when = self._condition(rule, scope, (*path, "when"))
        return ReadyRule(
            place=place,
            id=rule.id,
            when=when if rule.table is None else self._table(rule, rule.table, when, scope, path),
            skips=rule.on_missing == "skip",
            effect=self._effect(rule, scope, path) if rule.table is None else None,
        )

    def _effect(self, rule: Rule, scope: Scope, path: Path) -> Effect:
        return Effect(
            answer=None if rule.answer is None else self._answer(rule.answer, scope, (*path, "answer")),
            reason=self._reason(rule.reason, "rule"),
            reviews=rule.review is not None,
            change=self._change(rule, scope, path),
            model=rule.model or "",
        )

    def _change(self, rule: Rule, scope: Scope, path: Path) -> Any:
        change = compile_changes(rule, scope)
        if not isinstance(change, list):
            return change
        self._problems += [Problem((*path, *broken.path), broken.why, broken.at) for broken in change]
        return None

    def _table(self, rule: Rule, table: Table, when: Run, scope: Scope, path: Path) -> Run:
        """Return what gives the effect of the row that holds, or something false."""
        ready = compile_table(rule, table, scope, self._coded)
        if isinstance(ready, list):
            self._problems += [cell_problem(table, path, broken) for broken in ready]
            return lambda _: None
        find = ready.finder()
        return find if rule.when == ALWAYS else lambda facts: when(facts) and find(facts)

    def _coded(self, code: str) -> Reason:
        reasons = self._definition.reasons
        if code not in reasons:
            raise BrokenExpression(why=f"there is no reason {code!r}{nearest(code, reasons)}", at=0)
        return Reason(code, reasons[code], "rule")

    def _condition(self, rule: Rule, scope: Scope, path: Path) -> Any:
        try:
            return compile_condition(rule.when, scope, lenient=rule.on_missing is not None).run
        except BrokenExpression as error:
            self._problems.append(Problem(path, str(error), error.facts["at"]))
            return lambda _: False

    def _answer(self, answer: dict[str, Any], scope: Scope, path: Path) -> Make:
        made = compile_answer(answer, scope)
        if callable(made):
            return made
        self._problems += [Problem((*path, *broken.path), broken.why, broken.at) for broken in made]
        return lambda _: {}

    def _answering(self, source: Literal["default", "fallback"], part: Answering, scope: Scope) -> ReadyAnswer:
        reason = self._reason(part.reason, source)
        return ReadyAnswer(self._answer(part.answer, scope, (source, "answer")), (reason,) if reason else ())

    def _reason(self, code: str | None, source: Literal["rule", "default", "fallback"]) -> Reason | None:
        return None if code is None else Reason(code, self._definition.reasons.get(code, ""), source)
