"""What could be decided and is wrong all the same: rules that are never reached, tables with gaps or overlaps.

Only a change is refused for it. A revision that was in force before such a check existed can be replayed as it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenure.application.decisions.scopes import after_model, before_model
from tenure.application.revisions.problems import Problem
from tenure.application.revisions.tables import cell_problem
from tenure.application.rules import tables
from tenure.application.rules.rule import ALWAYS
from tenure.application.rules.syntax import parse
from tenure.application.rules.written import written
from tenure.contract.records import Reason

if TYPE_CHECKING:
    from tenure.application.revisions.terms import Definition
    from tenure.application.rules.rule import Rule, Table
    from tenure.contract.schema import Schema


def flaws(definition: Definition, outputs: Schema) -> list[Problem]:
    """Return the flaws of a definition that is typed already."""
    found = _never_reached(definition)
    for place, rule in enumerate(definition.rules):
        if rule.table is not None:
            found += _of_table(definition, place, rule, rule.table, outputs)
    return found


def _of_table(definition: Definition, place: int, rule: Rule, table: Table, outputs: Schema) -> list[Problem]:
    scope = before_model(definition) if rule.phase == "before" else after_model(definition, outputs)
    ready = tables.compile_table(rule, table, scope, lambda code: Reason(code, "", "rule"))
    broken = ready if isinstance(ready, list) else tables.flaws(table, ready)
    return [cell_problem(table, ("rules", place), one) for one in broken]


def _never_reached(definition: Definition) -> list[Problem]:
    """Return the rules behind one that settles for every value that they could fire for."""
    found: list[Problem] = []
    for phase in ("before", "after"):
        settled: dict[str, str] = {}
        complete = ""
        for place, rule in enumerate(definition.rules):
            if rule.phase != phase:
                continue
            key = _key(rule)
            if complete:
                found.append(Problem(("rules", place), f"the rule is never reached: {complete} answers before it"))
            elif key in settled:
                why = f"the rule never fires: {settled[key]} answers first, and its condition is the same"
                found.append(Problem(("rules", place, "when"), why))
            if rule.answer is not None:
                settled.setdefault(key, rule.id)
            complete = complete or (rule.id if _is_complete(rule) else "")
    return found


def _key(rule: Rule) -> str:
    return written(parse(rule.when)) if rule.table is None else f"table {rule.id}"


def _is_complete(rule: Rule) -> bool:
    """Tell whether a table answers for everything; `when: true` may: it is a switch that is set on purpose."""
    table = rule.table
    if table is None or rule.when != ALWAYS or rule.on_missing == "skip":
        return False
    return table.gaps == "refused" and tables.answers(table)
