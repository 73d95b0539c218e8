"""An expression as text again, from its tree: the parts of a condition, for who asks why it was false."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenure.application.rules import syntax

if TYPE_CHECKING:
    from tenure.application.rules.syntax import Node

_STRENGTH = {"||": 1, "&&": 2, "in": 3, "<": 3, "<=": 3, ">": 3, ">=": 3, "==": 3, "!=": 3, "+": 4, "-": 4}
_STRONGEST = 6


def written(node: Node) -> str:
    """Return the text of a tree; parsed again it gives the same tree."""
    match node:
        case syntax.Literal(value):
            return _literal(value)
        case syntax.Name(name):
            return name
        case syntax.Select(target, name):
            return f"{written(target)}.{name}" if name.isidentifier() else f'{written(target)}["{name}"]'
        case syntax.Index(target, index):
            return f"{written(target)}[{written(index)}]"
        case syntax.Items(items):
            return f"[{', '.join(map(written, items))}]"
        case syntax.Call():
            return _call(node)
        case syntax.Unary(operator, operand):
            return f"{operator}{_inside(operand, _STRONGEST)}"
        case syntax.Binary(operator, left, right):
            strength = _strength(node)
            return f"{_inside(left, strength)} {operator} {_inside(right, strength + 1)}"
        case syntax.Choice(test, yes, no):
            return f"{_inside(test, 1)} ? {_inside(yes, 1)} : {written(no)}"


def _call(node: syntax.Call) -> str:
    if not node.method:
        return f"{node.function}({', '.join(map(written, node.arguments))})"
    target, *rest = node.arguments
    return f"{_inside(target, _STRONGEST)}.{node.function}({', '.join(map(written, rest))})"


def _strength(node: Node) -> int:
    if isinstance(node, syntax.Binary):
        return _STRENGTH.get(node.operator, 5)
    return 0 if isinstance(node, syntax.Choice) else _STRONGEST


def _inside(node: Node, least: int) -> str:
    return written(node) if _strength(node) >= least else f"({written(node)})"


def _literal(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n") + "'"
    return repr(value)
