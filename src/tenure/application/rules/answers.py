"""Answers: plain values, in which `{expr: "output.items"}` in any place stands for the value of an expression."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from tenure.application.rules.errors import BrokenExpression
from tenure.application.rules.expressions import compile_expression
from tenure.application.rules.kinds import TIMESTAMP
from tenure.kit.clock import iso

if TYPE_CHECKING:
    from tenure.application.rules.kinds import Scope

EXPR = "expr"
Path: TypeAlias = "tuple[str | int, ...]"
Make: TypeAlias = Callable[[Mapping[str, Any]], Any]


@dataclass(frozen=True, slots=True)
class BrokenPart:
    """An expression inside an answer that cannot be accepted; `path` leads to it from the answer."""

    path: Path
    why: str
    at: int


def compile_answer(answer: dict[str, Any], scope: Scope) -> Make | list[BrokenPart]:
    """Return a function from facts to the finished answer, or everything that is wrong with its expressions."""
    broken: list[BrokenPart] = []
    make = _compiled(answer, scope, (), broken)
    return broken or make


def _compiled(part: Any, scope: Scope, path: Path, broken: list[BrokenPart]) -> Make:
    if isinstance(part, dict) and set(part) == {EXPR}:
        return _expression(part[EXPR], scope, (*path, EXPR), broken)
    if not _has_expression(part):
        return lambda _: part
    if isinstance(part, dict):
        made = {key: _compiled(value, scope, (*path, key), broken) for key, value in part.items()}
        return lambda facts: {key: make(facts) for key, make in made.items()}
    items = [_compiled(value, scope, (*path, place), broken) for place, value in enumerate(part)]
    return lambda facts: [make(facts) for make in items]


def _has_expression(part: Any) -> bool:
    if isinstance(part, dict):
        return EXPR in part or any(_has_expression(value) for value in part.values())
    return isinstance(part, list) and any(_has_expression(value) for value in part)


def _expression(text: Any, scope: Scope, path: Path, broken: list[BrokenPart]) -> Make:
    try:
        if not isinstance(text, str):
            raise BrokenExpression(why="expr must be the text of an expression", at=0)
        typed = compile_expression(text, scope)
        if typed.personal:
            raise BrokenExpression(why="an answer is kept readable, so it must not hold a personal field", at=0)
    except BrokenExpression as error:
        broken.append(BrokenPart(path, str(error), error.facts["at"]))
        return lambda _: None
    run = typed.run
    return run if typed.kind != TIMESTAMP else lambda facts: iso(run(facts))
