"""Changes of outputs by rules: `set` puts another value in an output's place, `bound` keeps it within limits.

`filter` and `rerank` change lists (lists.py).

What the model said stays in the record; the changed value is what later rules and answers read as `output.NAME`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from tenure.application.rules.answers import EXPR, BrokenPart
from tenure.application.rules.errors import BrokenExpression
from tenure.application.rules.expressions import compile_expression
from tenure.application.rules.kinds import BOOL, FLOAT, INT, STRING, nearest
from tenure.application.rules.lists import filtering, reranking
from tenure.application.rules.typed import constant, refuse, widened

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tenure.application.rules.kinds import Kind, Known, Scope
    from tenure.application.rules.operators import Run
    from tenure.application.rules.rule import Bound, Rule
    from tenure.application.rules.typed import Expression

Change: TypeAlias = Callable[[dict[str, Any]], None]
_KINDS: dict[type, Kind] = {bool: BOOL, int: INT, float: FLOAT, str: STRING}


def compile_changes(rule: Rule, scope: Scope) -> Change | list[BrokenPart] | None:
    """Return what changes the facts when the rule fires, None if nothing does, or everything that is wrong with it."""
    outputs = scope.places.get("output", {})
    broken: list[BrokenPart] = []
    made: dict[str, Run] = {}
    for name, value in (rule.set or {}).items():
        _note(broken, ("set", name), lambda name=name, value=value: made.update(_set(name, value, outputs, scope)))  # type: ignore[misc]
    for name, bound in (rule.bound or {}).items():
        _note(broken, ("bound", name), lambda name=name, bound=bound: made.update(_bound(name, bound, outputs, made)))  # type: ignore[misc]
    steps = [_writing(made)] if made else []
    if (filter_ := rule.filter) is not None:
        _note(broken, ("filter",), lambda: steps.append(filtering(filter_, scope)))
    if (rerank := rule.rerank) is not None:
        _note(broken, ("rerank",), lambda: steps.append(reranking(rerank, scope)))
    if broken or not steps:
        return broken or None
    return steps[0] if len(steps) == 1 else _one_after_another(steps)


def changes_outputs(rule: Rule) -> bool:
    """Tell whether a rule that fires changes what the model said."""
    return any((rule.set, rule.bound, rule.filter, rule.rerank))


def _writing(made: Mapping[str, Run]) -> Change:
    def change(facts: dict[str, Any]) -> None:
        facts.update({key: run(facts) for key, run in made.items()})

    return change


def _one_after_another(steps: Sequence[Change]) -> Change:
    def change(facts: dict[str, Any]) -> None:
        for step in steps:
            step(facts)

    return change


def _note(broken: list[BrokenPart], path: tuple[str, ...], compile_one: Callable[[], None]) -> None:
    try:
        compile_one()
    except BrokenExpression as error:
        part = error.facts.get("part")
        broken.append(BrokenPart((*path, part) if part else path, str(error), error.facts["at"]))


def _set(name: str, value: Any, outputs: Mapping[str, Known], scope: Scope) -> dict[str, Run]:
    known = _output(name, outputs)
    typed = _typed(value, scope)
    given = widened(typed, constant(known.kind, None)) if known.kind == FLOAT else typed
    if given.kind != known.kind:
        refuse(f"output.{name} is {known.kind}; this is {given.kind}", 0)
    if given.personal:
        refuse("an output must not be made of a personal field", 0)
    return {known.key: given.run}


def _typed(value: Any, scope: Scope) -> Expression:
    if isinstance(value, dict) and set(value) == {EXPR} and isinstance(value[EXPR], str):
        return compile_expression(value[EXPR], scope)
    if type(value) not in _KINDS:
        refuse('write a number, a text, true or false, or {expr: "…"}', 0)
    return constant(_KINDS[type(value)], value)


def _bound(name: str, bound: Bound, outputs: Mapping[str, Known], made: Mapping[str, Run]) -> dict[str, Run]:
    known = _output(name, outputs)
    least, most = bound.minimum, bound.maximum
    if known.kind not in {INT, FLOAT}:
        refuse(f"only a number has bounds; output.{name} is {known.kind}", 0)
    if least is None and most is None:
        refuse("name a minimum, a maximum or both", 0)
    if least is not None and most is not None and least > most:
        refuse(f"the minimum {least:g} is above the maximum {most:g}", 0)
    if known.kind == INT and any(end is not None and end != int(end) for end in (least, most)):
        refuse(f"output.{name} is a whole number, and so must its bounds be", 0)
    convert = int if known.kind == INT else float
    key = known.key
    read = made.get(key, lambda facts: facts[key])
    return {key: _within(read, *(None if end is None else convert(end) for end in (least, most)))}


def _within(read: Run, least: float | None, most: float | None) -> Run:
    def run(facts: Mapping[str, Any]) -> Any:
        value = read(facts)
        # A missing value has no bounds, and NaN compares with nothing: both stay what they are.
        if value is None or (least is not None and value < least):
            return value if value is None else least
        return most if most is not None and value > most else value

    return run


def _output(name: str, outputs: Mapping[str, Known]) -> Known:
    if not outputs:
        refuse("only a rule after the model can change what the model said; write `after: model`", 0)
    if name not in outputs:
        refuse(f"the model has no output {name!r}{nearest(name, outputs)}", 0)
    return outputs[name]
