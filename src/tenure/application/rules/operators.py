"""What the operators do at run time: 64-bit integers that never wrap, division as IEEE 754 says, truth that survives a missing value."""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING, Any, TypeAlias

from tenure.application.rules.errors import Undecided, ValueOutOfRange

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Facts: TypeAlias = "Mapping[str, Any]"
Run: TypeAlias = "Callable[[Facts], Any]"

COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq, "!=": operator.ne,
}  # fmt: skip


def in_range(value: int) -> int:
    """Return the integer if it has 64 bits, else raise."""
    if -(2**63) <= value < 2**63:
        return value
    raise ValueOutOfRange(field="a whole number", why=f"{value} is out of the range of 64 bits")


def _remainder(left: int, right: int) -> int:
    """Return the remainder with the sign of the left side, as CEL and C give it."""
    if right == 0:
        raise ValueOutOfRange(field="%", why="the right side is 0")
    rest = abs(left) % abs(right)
    return rest if left >= 0 else -rest


def divide(left: float, right: float) -> float:
    """Return the quotient by IEEE 754: dividing by zero gives an infinity, or NaN for 0/0."""
    if right != 0.0:
        return left / right
    if left == 0.0 or math.isnan(left) or math.isnan(right):
        return math.nan
    return math.copysign(math.inf, left) * math.copysign(1.0, right)


INT_ARITHMETIC: dict[str, Callable[[int, int], int]] = {
    "+": lambda left, right: in_range(left + right),
    "-": lambda left, right: in_range(left - right),
    "*": lambda left, right: in_range(left * right),
    "%": _remainder,
}
FLOAT_ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": divide,
}  # fmt: skip


def truncated(value: float) -> int:
    """Return the whole number towards zero."""
    if not math.isfinite(value):
        raise ValueOutOfRange(field="int()", why=f"{value} is no whole number")
    return in_range(int(value))


def applied(compute: Callable[[Any, Any], Any], left: Run, right: Run) -> Run:
    """Return a closure that computes both sides and then the operator."""
    return lambda facts: compute(left(facts), right(facts))


def with_constant(compute: Callable[[Any, Any], Any], left: Run, constant: Any) -> Run:
    """Return a closure whose right side is known already."""
    return lambda facts: compute(left(facts), constant)


def both(left: Run, right: Run, *, total: bool) -> Run:
    """Return `&&`. A missing value on one side does not matter when the other is false, as CEL says."""
    if total:
        return lambda facts: bool(left(facts) and right(facts))
    return _absorbing(left, right, settles=False)


def either(left: Run, right: Run, *, total: bool) -> Run:
    """Return `||`. A missing value on one side does not matter when the other is true, as CEL says."""
    if total:
        return lambda facts: bool(left(facts) or right(facts))
    return _absorbing(left, right, settles=True)


def _absorbing(left: Run, right: Run, *, settles: bool) -> Run:
    def run(facts: Facts) -> bool:
        try:
            first = bool(left(facts))
        except Undecided:
            if bool(right(facts)) is settles:
                return settles
            raise
        return settles if first is settles else bool(right(facts))

    return run
