"""What each rule of a revision came to in an old decision, computed again from what was logged: truth, values, parts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import msgspec

from tenure.application.decisions.scopes import after_model, before_model
from tenure.application.rules import syntax
from tenure.application.rules.changes import compile_changes
from tenure.application.rules.errors import Undecided
from tenure.application.rules.expressions import compile_condition, compile_expression
from tenure.application.rules.lists import EACH
from tenure.application.rules.ruleset import FALSE, MISSING, NOT_REACHED, TRUE
from tenure.application.rules.tables import ReadyTable, compile_table
from tenure.application.rules.written import written
from tenure.contract.records import Reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tenure.application.revisions.terms import Definition
    from tenure.application.rules.kinds import Scope
    from tenure.application.rules.rule import Rule, Table
    from tenure.application.rules.tables import Column
    from tenure.application.rules.typed import Expression
    from tenure.contract.records import DecisionRecord
    from tenure.contract.schema import Schema

#: stands for a value that only some roles may read
HIDDEN = "(personal)"
_TRUTHS = {True: TRUE, False: FALSE, None: MISSING}


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a condition, or a cell of a table: is it true (None: a value is missing), and what did it read?"""

    text: str
    true: bool | None
    values: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Changed:
    """An output before a rule and after it."""

    name: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Judged:
    """One rule and what it came to. `verdict` is the record's, `again` what the logged values give now.

    `row` is the row of its table that holds, 0 for none; `parts` are those of the condition, and of that row; `changed`
    are the outputs that it made other ones.
    """

    rule: Rule
    verdict: str
    again: str
    values: dict[str, Any]
    parts: tuple[Part, ...]
    row: int = 0
    changed: tuple[Changed, ...] = ()


def facts_of(definition: Definition, record: DecisionRecord, personal: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return what the rules could read before the model: the request and the features as logged."""
    found = {**record.request, **(personal or {})}
    facts: dict[str, Any] = {f"request.{field.name}": found.get(field.name) for field in definition.request}
    each = {use.view for use in definition.features if use.each}
    for read in record.features:
        if read.view in each:
            facts.setdefault(f"{EACH}{read.view}", {})[read.key] = read.values
        else:
            facts |= {f"{read.view}.{name}": value for name, value in read.values.items()}
    return facts


def judged(
    definition: Definition,
    outputs: Schema,
    facts: Mapping[str, Any],
    output: Mapping[str, Any] | None,
    verdicts: str,
    rows: Mapping[str, int] | None = None,
) -> list[Judged]:
    """Return every rule of the revision, in order. `rows` names rows of tables to be looked at besides the one that holds."""
    judge = _Judge(definition, outputs, rows or {})
    now = dict(facts)
    said = {f"output.{name}": value for name, value in (output or {}).items()}
    found = []
    for place, rule in enumerate(definition.rules):
        seen = {**said, **now} if rule.phase == "after" else now
        verdict = verdicts[place : place + 1] or NOT_REACHED
        asked = rule.phase == "before" or output is not None
        one = judge.judged(rule, verdict, seen) if asked else Judged(rule, verdict, NOT_REACHED, {}, ())
        if verdict == TRUE:
            after = judge.changed(rule, {**said, **now}, said)
            one = replace(one, changed=tuple(_changes(said, after)))
            said = after
        found.append(one)
    return found


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterable[Changed]:
    return (Changed(key, value, after[key]) for key, value in before.items() if after[key] != value)


class _Judge:
    """Looks at one rule after another."""

    def __init__(self, definition: Definition, outputs: Schema, rows: Mapping[str, int]) -> None:
        self._scopes = {"before": before_model(definition), "after": after_model(definition, outputs)}
        names = {*definition.personal, definition.entity}
        self._hidden = frozenset(f"request.{name}" for name in names)
        self._rows = rows

    def judged(self, rule: Rule, verdict: str, facts: Mapping[str, Any]) -> Judged:
        scope = self._scopes[rule.phase]
        condition = compile_condition(rule.when, scope, lenient=True)
        true = _truth(condition, facts)
        if rule.table is not None:
            return self._by_table(rule, rule.table, verdict, facts, guard=true)
        parts = tuple(self._part(node, scope, facts) for node in _parts(syntax.parse(rule.when)))
        return Judged(rule, verdict, _TRUTHS[true], self._values(condition.reads, facts), parts)

    def changed(self, rule: Rule, facts: dict[str, Any], said: dict[str, Any]) -> dict[str, Any]:
        """Return the outputs as they are after a rule that fired."""
        change = compile_changes(rule, self._scopes[rule.phase])
        if not callable(change):
            return said
        change(facts)
        return {key: facts[key] for key in said}

    def _part(self, node: syntax.Node, scope: Scope, facts: Mapping[str, Any]) -> Part:
        text = written(node)
        part = compile_expression(text, scope, lenient=True)
        return Part(text, _truth(part, facts), self._values(part.reads, facts))

    def _values(self, reads: Iterable[str], facts: Mapping[str, Any]) -> dict[str, Any]:
        return {key.removeprefix("request."): self._shown(key, facts.get(key)) for key in sorted(reads)}

    def _shown(self, key: str, value: Any) -> Any:
        return HIDDEN if key in self._hidden and value is not None else value

    # ---- tables

    def _by_table(
        self, rule: Rule, table: Table, verdict: str, facts: Mapping[str, Any], *, guard: bool | None
    ) -> Judged:
        lenient = _lenient(rule)
        ready = compile_table(lenient, table, self._scopes[rule.phase], lambda code: Reason(code, "", "rule"))
        if isinstance(ready, list):  # a kept revision was checked, so this cannot be
            return Judged(rule, verdict, NOT_REACHED, {}, ())
        row = _row(ready, facts)
        true = None if row is None else bool(row) and guard
        reads = frozenset[str]().union(*(column.head.reads for column in ready.columns))
        shown = self._rows.get(rule.id) or row or 0
        parts = tuple(self._cell(table, column, shown - 1, facts) for column in ready.columns) if shown else ()
        return Judged(rule, verdict, _TRUTHS[true], self._values(reads, facts), parts, row or 0)

    def _cell(self, table: Table, column: Column, row: int, facts: Mapping[str, Any]) -> Part:
        try:
            true = bool(column.axis.place(column.head.run(facts)) >> row & 1)
        except Undecided:
            true = None
        text = f"{table.columns[column.place]}: {table.rows[row][column.place] or '-'}"
        return Part(text, true, self._values(column.head.reads, facts))


def _lenient(rule: Rule) -> Rule:
    return msgspec.structs.replace(rule, on_missing=rule.on_missing or "error")


def _row(ready: ReadyTable, facts: Mapping[str, Any]) -> int | None:
    """Return the row that holds, 0 where none does, None where a value is missing."""
    try:
        effect = ready.finder()(facts)
    except Undecided:
        return None
    return 0 if effect is None else effect.row


def _truth(condition: Expression, facts: Mapping[str, Any]) -> bool | None:
    try:
        return bool(condition.run(facts))
    except (Undecided, TypeError, KeyError):  # a value is missing, or was erased
        return None


def _parts(node: syntax.Node) -> list[syntax.Node]:
    """Return what && and || join, from left to right."""
    if isinstance(node, syntax.Binary) and node.operator in {"&&", "||"}:
        return _parts(node.left) + _parts(node.right)
    return [node]
