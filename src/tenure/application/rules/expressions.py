"""An expression typed against the fields it reads, and compiled to a closure: what is accepted here has a meaning.

Stricter than CEL on purpose: integers are not divided, kinds are not mixed, a field that may be missing must be
guarded by `has()`, and a text compared with a field that has declared values must be one of them. Only an integer
*written out* is widened where a number with decimals is needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from tenure.application.rules import syntax
from tenure.application.rules.errors import BrokenExpression, Undecided
from tenure.application.rules.functions import CONVERSIONS, FUNCTIONS, TEXT_METHODS
from tenure.application.rules.kinds import BOOL, FLOAT, INT, STRING, TIMESTAMP, Known, Scope, list_of, nearest
from tenure.application.rules.operators import (
    COMPARISONS,
    FLOAT_ARITHMETIC,
    INT_ARITHMETIC,
    applied,
    both,
    either,
    in_range,
    with_constant,
)
from tenure.application.rules.patterns import compiled_pattern, matching
from tenure.application.rules.typed import NOTHING, Expression, constant, dated, declared, joined, refuse, widened

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenure.application.rules.operators import Facts


def compile_expression(text: str, scope: Scope, *, lenient: bool = False) -> Expression:
    """Return the typed expression, or raise `BrokenExpression` saying why and where.

    `lenient` accepts fields that may be missing without `has()`: the caller says what follows then.
    """
    try:
        return _Checker(scope, lenient=lenient).typed(syntax.parse(text), NOTHING)
    except Undecided as error:  # what is written out was computed at once, and has no value
        raise BrokenExpression(why=str(error), at=0) from error


def compile_condition(text: str, scope: Scope, *, lenient: bool = False) -> Expression:
    """Return a typed expression that is true or false, or raise `BrokenExpression`."""
    condition = compile_expression(text, scope, lenient=lenient)
    if condition.kind != BOOL:
        refuse(f"a condition must be true or false; this is {condition.kind}", 0)
    if condition.is_constant and text.strip() not in {"true", "false"}:  # these two are switches, set on purpose
        refuse(f"the condition is always {str(condition.constant).lower()}: it reads no field", 0)
    return condition


class _Checker:
    """Types a tree bottom up; `present` are the keys that a guard has shown to be there."""

    def __init__(self, scope: Scope, *, lenient: bool) -> None:
        self._scope = scope
        self._lenient = lenient
        self._by_node: dict[type, Callable[[Any, frozenset[str]], Expression]] = {
            syntax.Literal: self._literal,
            syntax.Name: self._name,
            syntax.Select: self._select,
            syntax.Index: self._index,
            syntax.Call: self._call,
            syntax.Unary: self._unary,
            syntax.Binary: self._binary,
            syntax.Choice: self._choice,
            syntax.Items: self._items,
        }

    def typed(self, node: syntax.Node, present: frozenset[str]) -> Expression:
        return self._by_node[type(node)](node, present)

    # --- values and names

    def _literal(self, node: syntax.Literal, _: frozenset[str]) -> Expression:
        kinds = {bool: BOOL, int: INT, float: FLOAT, str: STRING}
        return constant(kinds[type(node.value)], node.value)

    def _name(self, node: syntax.Name, present: frozenset[str]) -> Expression:
        return self._read(self._known(node), node.at, present)

    def _select(self, node: syntax.Select, present: frozenset[str]) -> Expression:
        return self._read(self._known(node), node.at, present)

    def _known(self, node: syntax.Node) -> Known:
        """Return the field that a name or `place.name` means."""
        if isinstance(node, syntax.Name):
            return self._scope.names.get(node.name) or self._unknown(node.name, node.at)
        if not isinstance(node, syntax.Select) or not isinstance(node.target, syntax.Name):
            refuse("only request, output and the feature views have parts", node.at)
        place = node.target.name
        if place not in self._scope.places:
            self._unknown_place(node.target)
        fields = self._scope.places[place]
        if node.name not in fields:
            refuse(f"{place} has no {node.name!r}{nearest(node.name, fields)}", node.at)
        return fields[node.name]

    def _unknown(self, name: str, at: int) -> NoReturn:
        if name in self._scope.places:
            refuse(f"{name} is no value; write {name}.NAME with one of: {', '.join(self._scope.places[name])}", at)
        hint = self._scope.hints.get(name)
        refuse(
            f"{name!r} is not clear here: {hint}"
            if hint
            else f"there is no field {name!r}{nearest(name, self._scope.everything())}",
            at,
        )

    def _unknown_place(self, target: syntax.Name) -> NoReturn:
        if target.name in self._scope.names:
            refuse(f"{target.name} is a single value and has no parts", target.at)
        hint = self._scope.hints.get(target.name)
        refuse(hint or f"there is no {target.name!r}{nearest(target.name, self._scope.places)}", target.at)

    def _read(self, known: Known, at: int, present: frozenset[str]) -> Expression:
        key, name = known.key, known.key.removeprefix("request.")
        total = not known.nullable or key in present
        if not total and not self._lenient:
            refuse(f"{name} may be missing: guard it with has({name}) && …, or set on_missing at the rule", at)

        def present_value(facts: Facts) -> Any:
            return facts[key]

        def value(facts: Facts) -> Any:
            found = facts.get(key)
            if found is None:
                raise Undecided(field=name)
            return found

        return Expression(
            known.kind, present_value if total else value, total, frozenset({key}), known.personal, known=known
        )

    def _items(self, node: syntax.Items, present: frozenset[str]) -> Expression:
        if not node.items:
            refuse("the list is empty", node.at)
        items = [self.typed(item, present) for item in node.items]
        if not all(item.is_constant for item in items):
            refuse("a list may hold only values that are written out", node.at)
        if any(item.kind == FLOAT for item in items):
            items = [widened(item, constant(FLOAT, 0.0)) for item in items]
        for item, written in zip(items, node.items, strict=True):
            if item.kind != items[0].kind:
                refuse(f"the list mixes {items[0].kind} and {item.kind}", written.at)
        return constant(list_of(items[0].kind), [item.constant for item in items])

    def _index(self, node: syntax.Index, present: frozenset[str]) -> Expression:
        target, index = self.typed(node.target, present), self.typed(node.index, present)
        if target.kind.item is None:
            refuse(f"[…] needs a list; this is {target.kind}", node.at)
        if index.kind != INT:
            refuse(f"a place in a list is a whole number; this is {index.kind}", node.index.at)
        return joined(target.kind.item, applied(_item, target.run, index.run), target, index, total=False)

    # --- operators

    def _unary(self, node: syntax.Unary, present: frozenset[str]) -> Expression:
        operand = self.typed(node.operand, present)
        run = operand.run
        if node.operator == "!":
            if operand.kind != BOOL:
                refuse(f"! needs true or false; this is {operand.kind}", node.at)
            return joined(BOOL, lambda facts: not run(facts), operand)
        if operand.kind == INT:
            return joined(INT, lambda facts: in_range(-run(facts)), operand, total=False)
        if operand.kind == FLOAT:
            return joined(FLOAT, lambda facts: -run(facts), operand)
        return refuse(f"- needs a number; this is {operand.kind}", node.at)

    def _binary(self, node: syntax.Binary, present: frozenset[str]) -> Expression:
        if node.operator in {"&&", "||"}:
            return self._logic(node, present)
        left, right = self.typed(node.left, present), self.typed(node.right, present)
        if node.operator == "in":
            return self._in(node, left, right)
        left, right = widened(left, right), widened(right, left)
        if node.operator in COMPARISONS:
            return self._comparison(node, left, right)
        return self._arithmetic(node, left, right)

    def _logic(self, node: syntax.Binary, present: frozenset[str]) -> Expression:
        left = self.typed(node.left, present)
        right = self.typed(node.right, present | self._shown(node.left, when=node.operator == "&&"))
        for side, written in ((left, node.left), (right, node.right)):
            if side.kind != BOOL:
                refuse(f"{node.operator} needs true or false on both sides; this is {side.kind}", written.at)
        join = both if node.operator == "&&" else either
        return joined(BOOL, join(left.run, right.run, total=left.total), left, right)

    def _comparison(self, node: syntax.Binary, left: Expression, right: Expression) -> Expression:
        left, right = dated(left, right, node.left.at), dated(right, left, node.right.at)
        self._same_kind(node, left, right)
        if left.kind.item is not None:
            refuse("lists are not compared", node.at)
        if left.kind == BOOL and node.operator not in {"==", "!="}:
            refuse(f"true and false have no order for {node.operator}", node.at)
        declared(left, right, node.right.at)
        declared(right, left, node.left.at)
        compare = COMPARISONS[node.operator]
        run = (
            with_constant(compare, left.run, right.constant)
            if right.is_constant
            else applied(compare, left.run, right.run)
        )
        return joined(BOOL, run, left, right)

    def _same_kind(self, node: syntax.Binary, left: Expression, right: Expression) -> None:
        if left.kind == right.kind:
            return
        advice = ""
        if {left.kind, right.kind} == {INT, FLOAT}:
            advice = "; write double(…) around the whole number"
        elif {left.kind, right.kind} == {TIMESTAMP, STRING}:
            advice = "; write timestamp('2026-11-23T00:00:00Z')"
        refuse(f"{node.operator} has {left.kind} on its left and {right.kind} on its right{advice}", node.at)

    def _arithmetic(self, node: syntax.Binary, left: Expression, right: Expression) -> Expression:
        self._same_kind(node, left, right)
        if left.kind == FLOAT and node.operator in FLOAT_ARITHMETIC:
            return joined(FLOAT, applied(FLOAT_ARITHMETIC[node.operator], left.run, right.run), left, right)
        if left.kind == INT and node.operator == "/":
            refuse("two whole numbers are not divided, the decimals would be lost; write double(…) / …", node.at)
        if left.kind == INT and node.operator in INT_ARITHMETIC:
            run = applied(INT_ARITHMETIC[node.operator], left.run, right.run)
            return joined(INT, run, left, right, total=False)
        if left.kind == STRING and node.operator == "+":
            return joined(STRING, applied(lambda a, b: a + b, left.run, right.run), left, right)
        return refuse(f"{node.operator} does not go with {left.kind}", node.at)

    def _in(self, node: syntax.Binary, left: Expression, right: Expression) -> Expression:
        if right.kind.item is None:
            refuse(f"the right side of `in` must be a list; this is {right.kind}", node.right.at)
        if right.is_constant:
            items = [
                dated(widened(constant(right.kind.item, item), left), left, node.right.at) for item in right.constant
            ]
            for item in items:
                declared(left, item, node.right.at)
            right = constant(list_of(items[0].kind), [item.constant for item in items])
        if right.kind.item != left.kind:
            refuse(f"`in` looks for {left.kind} in {right.kind}", node.at)
        return joined(BOOL, applied(lambda item, among: item in among, left.run, right.run), left, right)

    def _choice(self, node: syntax.Choice, present: frozenset[str]) -> Expression:
        test = self.typed(node.test, present)
        if test.kind != BOOL:
            refuse(f"the test before ? must be true or false; this is {test.kind}", node.test.at)
        yes = self.typed(node.yes, present | self._shown(node.test, when=True))
        no = self.typed(node.no, present | self._shown(node.test, when=False))
        yes, no = widened(yes, no), widened(no, yes)
        if yes.kind != no.kind:
            refuse(f"the two sides of : differ: {yes.kind} and {no.kind}", node.at)
        decide, first, second = test.run, yes.run, no.run
        return joined(yes.kind, lambda facts: first(facts) if decide(facts) else second(facts), test, yes, no)

    def _shown(self, node: syntax.Node, *, when: bool) -> frozenset[str]:
        """Return the keys that must be present if the condition has this truth."""
        if isinstance(node, syntax.Call) and node.function == "has" and when and len(node.arguments) == 1:
            return frozenset({self._known(node.arguments[0]).key})
        if isinstance(node, syntax.Unary) and node.operator == "!":
            return self._shown(node.operand, when=not when)
        if isinstance(node, syntax.Binary) and node.operator == ("&&" if when else "||"):
            return self._shown(node.left, when=when) | self._shown(node.right, when=when)
        return NOTHING

    # --- functions

    def _call(self, node: syntax.Call, present: frozenset[str]) -> Expression:
        if node.function == "has" and not node.method:
            return self._has(node)
        if node.function not in FUNCTIONS:
            refuse(f"there is no function {node.function}(){nearest(node.function, [*FUNCTIONS, 'has'])}", node.at)
        method, wanted = FUNCTIONS[node.function]
        is_text = node.function == "matches" or node.function in TEXT_METHODS
        count = 2 if is_text else 1
        if len(node.arguments) != count or (node.method and not method) or (count == 2 and not node.method):
            refuse(f"write {wanted}", node.at)
        arguments = [self.typed(argument, present) for argument in node.arguments]
        if is_text:
            return self._text_method(node, *arguments)
        return CONVERSIONS[node.function](arguments[0], node.at)

    def _has(self, node: syntax.Call) -> Expression:
        if len(node.arguments) != 1:
            refuse("write has(field)", node.at)
        known = self._known(node.arguments[0])
        key = known.key
        return Expression(
            BOOL, lambda facts: facts.get(key) is not None, reads=frozenset({key}), personal=known.personal
        )

    def _text_method(self, node: syntax.Call, target: Expression, argument: Expression) -> Expression:
        for side, written in ((target, node.arguments[0]), (argument, node.arguments[1])):
            if side.kind != STRING:
                refuse(f"{node.function}() needs text; this is {side.kind}", written.at)
        if node.function == "matches":
            if not argument.is_constant:
                refuse("the pattern of matches() must be written out", node.arguments[1].at)
            pattern = compiled_pattern(argument.constant, node.arguments[1].at)
            return joined(BOOL, matching(pattern, target.run), target, total=False)
        return joined(BOOL, applied(TEXT_METHODS[node.function], target.run, argument.run), target, argument)


def _item(items: list[Any], index: int) -> Any:
    if 0 <= index < len(items):
        return items[index]
    raise Undecided(field=f"item {index} of a list of {len(items)}")
