"""Which number of an output is explained: a score as it is, one place of a vector, or whether a text is the one given."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tenure.kit.errors import Kind, TenureError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tenure.contract.schema import Field, Schema

_NUMBERS = ("float", "int", "bool")


class NoSuchOutput(TenureError):
    """The version gives no output of this name."""

    code = "no-such-output"
    kind = Kind.BAD_INPUT
    message = "{ref} gives no output {name!r}"
    next_step = "explain one of: {known}"


@dataclass(frozen=True, slots=True)
class Target:
    """One number of an output; `text` says which, `dtype` in what precision the model gave it."""

    text: str
    dtype: str
    name: str
    place: int | None = None
    equals: Any = None

    def of(self, output: Mapping[str, Any]) -> float:
        """Return the number in an output; NaN where it is null."""
        value = output[self.name] if self.place is None else _flat(output[self.name])[self.place]
        if self.equals is not None:
            return float(value == self.equals)
        return math.nan if value is None else float(value)


def target_of(ref: str, outputs: Schema, output: Mapping[str, Any], wanted: str) -> Target:
    """Return what is explained of an output: `wanted`, or its first number.

    Of a vector of fractions (a probability per class) it is the place that is largest in this output. Of a text, and of
    the first of many texts or whole numbers (a ranking), it is whether the model gives this one: 1 or 0.
    """
    field = _field(ref, outputs, wanted)
    value = output[field.name]
    items = _flat(value)
    if field.shape and field.type == "float":
        place = max(range(len(items)), key=lambda nth: items[nth])
        return Target(f"{field.name}[{place}]", field.wire_dtype, field.name, place=place)
    if field.shape:
        return Target(f"{field.name}[0] = {items[0]}", "float64", field.name, place=0, equals=items[0])
    if field.type in _NUMBERS:
        return Target(field.name, field.wire_dtype, field.name)
    return Target(f"{field.name} = {value}", "float64", field.name, equals=value)


def _field(ref: str, outputs: Schema, wanted: str) -> Field:
    if not wanted:
        return next((field for field in outputs if field.type in _NUMBERS), outputs[0])
    for field in outputs:
        if field.name == wanted:
            return field
    raise NoSuchOutput(ref=ref, name=wanted, known=", ".join(field.name for field in outputs))


def _flat(value: Any) -> list[Any]:
    if not isinstance(value, (list, tuple)):
        return [value]
    return [item for part in value for item in _flat(part)]
