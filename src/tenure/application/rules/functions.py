"""The functions that an expression may call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenure.application.rules.kinds import FLOAT, INT, STRING, TIMESTAMP
from tenure.application.rules.operators import truncated
from tenure.application.rules.typed import Expression, constant, joined, refuse
from tenure.kit.clock import parse_iso

if TYPE_CHECKING:
    from collections.abc import Callable


def _size(of: Expression, at: int) -> Expression:
    if of.kind != STRING and of.kind.item is None:
        refuse(f"size() needs text or a list; this is {of.kind}", at)
    run = of.run
    return joined(INT, lambda facts: len(run(facts)), of)


def _double(of: Expression, at: int) -> Expression:
    if of.kind not in {INT, FLOAT}:
        refuse(f"double() needs a number; this is {of.kind}", at)
    run = of.run
    return joined(FLOAT, lambda facts: float(run(facts)), of)


def _int(of: Expression, at: int) -> Expression:
    if of.kind not in {INT, FLOAT}:
        refuse(f"int() needs a number; this is {of.kind}", at)
    run = of.run
    return joined(INT, lambda facts: truncated(run(facts)), of, total=False)


def _string(of: Expression, at: int) -> Expression:
    if of.kind not in {INT, STRING}:
        refuse(f"string() needs a whole number; this is {of.kind}", at)
    run = of.run
    return joined(STRING, lambda facts: str(run(facts)), of)


def _timestamp(of: Expression, at: int) -> Expression:
    if of.kind != STRING or not of.is_constant:
        refuse("timestamp() needs a moment written out, as timestamp('2026-11-23T00:00:00Z')", at)
    try:
        return constant(TIMESTAMP, parse_iso(of.constant))
    except ValueError:
        refuse(f"{of.constant!r} is no moment; write it as 2026-11-23T00:00:00Z", at)


#: text → text → truth; `matches` is a method too, but its pattern is compiled first (patterns.py)
TEXT_METHODS: dict[str, Callable[[str, str], bool]] = {
    "startsWith": str.startswith,
    "endsWith": str.endswith,
    "contains": str.__contains__,
}
CONVERSIONS: dict[str, Callable[[Expression, int], Expression]] = {
    "size": _size,
    "double": _double,
    "int": _int,
    "string": _string,
    "timestamp": _timestamp,
}
#: function → may be written as a method, how it is written
FUNCTIONS: dict[str, tuple[bool, str]] = {
    "startsWith": (True, "field.startsWith('text')"),
    "endsWith": (True, "field.endsWith('text')"),
    "contains": (True, "field.contains('text')"),
    "matches": (True, "field.matches('pattern')"),
    "size": (True, "size(field)"),
    "double": (False, "double(number)"),
    "int": (False, "int(number)"),
    "string": (False, "string(number)"),
    "timestamp": (False, "timestamp('2026-11-23T00:00:00Z')"),
}
