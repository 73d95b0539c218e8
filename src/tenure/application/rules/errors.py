"""What can be wrong with an expression before it is used, and with a value when it is."""

from __future__ import annotations

from tenure.kit.errors import Kind, TenureError


class BrokenExpression(TenureError):
    """The expression cannot be accepted; `at` is the character, counted from 0."""

    code = "broken-expression"
    kind = Kind.BAD_INPUT
    message = "{why}"


class Undecided(TenureError):
    """The condition has no truth for these values; what follows is the rule's `on_missing`."""

    code = "undecided-rule"
    kind = Kind.BAD_INPUT
    message = "{field} is needed and missing"
    next_step = "send {field}, or set on_missing: skip at the rule"


class ValueOutOfRange(Undecided):
    """An integer left the range of 64 bits or was divided by zero, or a text is too long for its pattern."""

    code = "value-out-of-range"
    message = "{field}: {why}"
    next_step = "look at the values that the expression reads"
