"""Rows for a model as callers of every protocol give them: named by its schema, and of values that it can take."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from tenure.kit.errors import Kind, TenureError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tenure.contract.schema import Field, Schema

MOST_ROWS = 10_000
TEXTS = frozenset({"str", "object", "category"})


class BadInput(TenureError):
    """What was sent is not what the protocol or the model takes."""

    code = "bad-model-input"
    kind = Kind.BAD_INPUT
    message = "{why}"
    next_step = "compare with the model's inputs: GET /v2/models/MODEL"


def checked(rows: Iterable[Mapping[str, Any]], schema: Schema) -> list[dict[str, Any]]:
    """Return of each row what the schema names; raise `BadInput` for what is missing, not finite, or a truth as number.

    Whether numbers fit their columns is left to the codec (`WorkerLink.pack_rows`).
    """
    found = [_checked(place, row, schema) for place, row in enumerate(rows)]
    if not found:
        raise BadInput(why="there is no row")
    return found


def _checked(place: int, row: Mapping[str, Any], schema: Schema) -> dict[str, Any]:
    for field in schema:
        value = row.get(field.name)
        if value is None and not field.nullable:
            raise BadInput(why=f"row {place}: input {field.name!r} has no value")
        if (why := _strange(field, value)) is not None:
            raise BadInput(why=f"row {place}: input {field.name!r} {why}")
    return {field.name: row.get(field.name) for field in schema}


def _strange(field: Field, value: Any) -> str | None:
    if isinstance(value, list):
        return next((why for item in value if (why := _strange(field, item)) is not None), None)
    if isinstance(value, float) and not math.isfinite(value):
        return "is NaN or infinite, which no JSON can carry; leave it null where the model takes nulls"
    if isinstance(value, bool) and field.wire_dtype != "bool":
        return f"is a truth value, not {field.wire_dtype}"
    return None


def by_name(values: Sequence[Any], schema: Schema, place: int) -> dict[str, Any]:
    """Return a row that is given as a list in the schema's order."""
    if len(values) != len(schema):
        raise BadInput(why=f"row {place}: {len(values)} values, but the model has {len(schema)} inputs")
    return {field.name: value for field, value in zip(schema, values, strict=True)}
