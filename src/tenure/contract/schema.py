"""Named, typed columns: what a model takes and gives, what a request carries, what a feature view holds.

One `Field` serves all of them. `type` is what people write in `application.yaml`; `dtype` is the exact numpy dtype a
model was sealed with, so that a value crosses the wire with its bits unchanged.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

FieldType: TypeAlias = Literal["int", "float", "bool", "string", "timestamp", "date"]

#: dtype of the wire for each type where a model names none.
DEFAULT_DTYPES: dict[str, str] = {
    "int": "int64",
    "float": "float64",
    "bool": "bool",
    "string": "str",
    "timestamp": "int64",
    "date": "str",
}


#: the side of a shape that differs from value to value, in views computed from events; no model takes it
ANY_LENGTH = -1


class Field(msgspec.Struct, frozen=True, omit_defaults=True):
    """One named column.

    `shape` is the shape of one row's value: `()` is a scalar, `(10,)` a vector of ten. `nullable` says that the value
    may be null (None in a record, a cleared validity byte on the wire). `required` is for requests: may the key be
    absent? `minimum`/`maximum` (inclusive) and `values` (the categories seen or allowed) bound what is normal.
    `timestamp` is UTC microseconds at rest and RFC 3339 text in a request; `date` is `YYYY-MM-DD` text.
    """

    name: str
    type: FieldType
    dtype: str = ""
    nullable: bool = False
    required: bool = True
    shape: tuple[int, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    values: tuple[str, ...] | None = None

    @property
    def wire_dtype(self) -> str:
        """Return the dtype that the frame carries: one of `float64 float32 int64 int32 int16 int8 uint8 bool str`."""
        return self.dtype or DEFAULT_DTYPES[self.type]

    @property
    def width(self) -> int:
        """Return how many items one row has: 1 for a scalar, the product of `shape` for a tensor."""
        items = 1
        for side in self.shape:
            items *= side
        return items


Schema: TypeAlias = tuple[Field, ...]


def named(schema: Schema) -> dict[str, Field]:
    """Return the fields by name."""
    return {field.name: field for field in schema}
