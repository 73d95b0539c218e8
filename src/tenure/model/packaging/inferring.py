"""The input schema from examples: types from the golden inputs, bounds and categories from the reference."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any

import msgspec

from tenure.kit.errors import Kind, TenureError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tenure.contract.schema import Field, Schema
    from tenure.model.packaging.source import Facts, Table

#: a text column with more distinct values is free text, not a category
_MOST_CATEGORIES = 64


class InputsDisagree(TenureError):
    """The reference and the golden inputs do not have the columns that the model takes."""

    code = "inputs-disagree"
    kind = Kind.BAD_INPUT
    message = "{table} lacks {names}, which the model takes"
    next_step = "give every column the model was fitted with, under its name"


def input_schema(golden: Table, reference: Table | None, features: Iterable[str] | None) -> Schema:
    """Return the fields the model takes, in its order; columns that it does not take (a target, an id) are dropped.

    `features` are the names it was fitted with; None means all golden columns.
    """
    names = tuple(features) if features is not None else tuple(field.name for field in golden.fields)
    known = chosen(golden, names, "the golden inputs")
    if reference is None:
        return tuple(_bounded(field, [row[field.name] for row in golden.rows]) for field in known)
    chosen(reference, names, "the reference")
    wider = {field.name: field for field in reference.fields}
    return tuple(_bounded(_joined(field, wider[field.name]), _values(field.name, golden, reference)) for field in known)


def renamed(table: Table, facts: Facts | None) -> Table:
    """Return an array's columns under the names the model was fitted with; everything else keeps its own."""
    names = facts.features if facts is not None else None
    if table.form != "matrix" or names is None or len(names) != len(table.fields):
        return table
    old = [field.name for field in table.fields]
    fields = tuple(msgspec.structs.replace(field, name=name) for field, name in zip(table.fields, names, strict=True))
    rows = [{new: row[was] for new, was in zip(names, old, strict=True)} for row in table.rows]
    return dataclasses.replace(table, fields=fields, rows=rows)


def chosen(table: Table, names: tuple[str, ...], called: str) -> tuple[Field, ...]:
    """Return the table's fields of those names, in that order; raise `InputsDisagree` when one lacks."""
    fields = {field.name: field for field in table.fields}
    lacking = [name for name in names if name not in fields]
    if lacking:
        raise InputsDisagree(table=called, names=", ".join(lacking))
    return tuple(fields[name] for name in names)


def _values(name: str, golden: Table, reference: Table) -> list[Any]:
    return [row[name] for table in (reference, golden) for row in table.rows]


def _joined(golden: Field, reference: Field) -> Field:
    """Return the field that holds the values of both: a float where one has integers, text where one has text."""
    nullable = golden.nullable or reference.nullable
    if golden.wire_dtype == reference.wire_dtype:
        return msgspec.structs.replace(golden, nullable=nullable)
    if "str" in (golden.wire_dtype, reference.wire_dtype):
        return msgspec.structs.replace(golden, type="string", dtype="str", nullable=nullable)
    if golden.type == reference.type:
        wider = max(
            golden.wire_dtype, reference.wire_dtype, key=lambda dtype: int("".join(filter(str.isdigit, dtype)) or 0)
        )
        return msgspec.structs.replace(golden, dtype=wider, nullable=nullable)
    return msgspec.structs.replace(golden, type="float", dtype="float64", nullable=nullable)


def _bounded(field: Field, values: list[Any]) -> Field:
    present = [value for value in values if value is not None]
    nullable = len(present) < len(values)
    finite = [float(value) for value in present if field.type in ("int", "float") and math.isfinite(value)]
    if finite:
        return msgspec.structs.replace(field, nullable=nullable, minimum=min(finite), maximum=max(finite))
    if field.type == "string":
        categories = sorted(set(map(str, present)))
        kept = tuple(categories) if len(categories) <= _MOST_CATEGORIES else None
        return msgspec.structs.replace(field, nullable=nullable, values=kept)
    return msgspec.structs.replace(field, nullable=nullable)


def rows_of(table: Table, schema: Schema) -> list[dict[str, Any]]:
    """Return the table's rows with exactly the schema's columns, each value of its field's type."""
    casts = [(field.name, _CASTS.get(field.type, str)) for field in schema]
    return [{name: None if row[name] is None else cast(row[name]) for name, cast in casts} for row in table.rows]


_CASTS: dict[str, Any] = {"int": int, "float": float, "bool": bool, "string": str}
