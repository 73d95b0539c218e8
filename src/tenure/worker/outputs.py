"""What a model gave, by name, to output row bytes; and what its outputs are, when nobody said so yet.

A value is never narrowed: an output that does not fit its field's dtype exactly is a fault of the call.
"""

from __future__ import annotations

from typing import Any, Iterable

from .columns import Codec, FrameError

#: numpy dtypes that the wire does not have, and the one that holds all their values exactly
_WIDER = {"float16": "float32", "uint16": "int32", "uint32": "int64"}
_WIRE = ("float64", "float32", "int64", "int32", "int16", "int8", "uint8", "bool")
_TYPES = {"f": "float", "i": "int", "u": "int", "b": "bool"}


def named(result: Any, column: int | None) -> dict[str, Any]:
    """Return the outputs by name: those of a data frame, a dict or a list of dicts, else one called `score`.

    `column` picks that column of a two-dimensional result; a column vector counts as one value a row.
    """
    if isinstance(result, dict):
        return result
    if hasattr(result, "columns") and hasattr(result, "to_dict"):
        return {str(name): result[name].to_numpy() for name in result.columns}
    if isinstance(result, (list, tuple)) and result and isinstance(result[0], dict):
        return {name: [row[name] for row in result] for name in result[0]}
    if hasattr(result, "to_numpy"):
        result = result.to_numpy()
    return {"score": _score(result, column)}


def encode(codec: Codec, given: dict[str, Any], count: int) -> list[bytes]:
    """Return each row's bytes; raise `FrameError` when names, lengths or dtypes are not what the schema says."""
    if set(given) != set(codec.names):
        raise FrameError("the model gave %s, the package says %s" % (sorted(given), sorted(codec.names)))
    for name in codec.names:
        _check_length(name, given[name], count)
    if all(_is_plain(column, given[column.name]) for column in codec.columns):
        return _plain(codec, given, count)
    lists = [_listed(column, given[column.name]) for column in codec.columns]
    return [codec.pack_row(dict(zip(codec.names, values))) for values in zip(*lists)]


def describe(given: dict[str, Any], count: int) -> list[dict[str, Any]]:
    """Return the fields of the outputs as a manifest has them; raise `FrameError` when one is of no known type."""
    for name, values in given.items():
        _check_length(name, values, count)
    return [_field(name, values) for name, values in given.items()]


def _check_length(name: str, values: Any, count: int) -> None:
    if len(values) != count:
        raise FrameError("the model gave %d values of %r for %d rows" % (len(values), name, count))


def _score(result: Any, column: int | None) -> Any:
    shape = getattr(result, "shape", None)
    if shape is None:
        nested = len(result) > 0 and isinstance(result[0], (list, tuple))
        if nested and (column is not None or len(result[0]) == 1):
            return [row[column or 0] for row in result]
        return result
    if len(shape) == 2 and (column is not None or shape[1] == 1):
        return result[:, column or 0]
    return result


def _is_plain(column: Any, values: Any) -> bool:
    dtype = getattr(values, "dtype", None)
    return dtype is not None and column.format != "" and not column.nullable and dtype.kind in _TYPES


def _plain(codec: Codec, given: dict[str, Any], count: int) -> list[bytes]:
    import numpy

    blocks = []
    for column in codec.columns:
        values = given[column.name]
        if not numpy.can_cast(values.dtype, column.dtype, "safe") or values.shape[1:] != column.shape:
            raise FrameError(_unlike(column, "%s%s" % (values.dtype, list(values.shape[1:]) or "")))
        data = numpy.ascontiguousarray(values, numpy.dtype(column.dtype).newbyteorder("<")).tobytes()
        blocks.append([data[at : at + column.size] for at in range(0, count * column.size, column.size)])
    return blocks[0] if len(blocks) == 1 else [b"".join(pieces) for pieces in zip(*blocks)]


def _listed(column: Any, values: Any) -> list[Any]:
    dtype = getattr(values, "dtype", None)
    if dtype is not None and column.format and dtype.kind in _TYPES:
        import numpy

        if not numpy.can_cast(dtype, column.dtype, "safe"):
            raise FrameError(_unlike(column, str(dtype)))
    values = values.tolist() if hasattr(values, "tolist") else list(values)
    # A missing text comes out of pandas as NaN.
    return [None if value != value else value for value in values] if not column.format else values  # noqa: PLR0124


def _unlike(column: Any, found: str) -> str:
    return "the model gave %r as %s, the package says %s%s" % (
        column.name,
        found,
        column.dtype,
        list(column.shape) or "",
    )


def _field(name: Any, values: Any) -> dict[str, Any]:
    if not isinstance(name, str):
        raise FrameError("the model named an output %r, which is no text" % (name,))
    dtype = getattr(values, "dtype", None)
    if dtype is not None and dtype.kind in _TYPES:
        wire = _WIDER.get(str(dtype), str(dtype))
        if wire not in _WIRE:
            raise FrameError("the model gave %r as %s, which no field can hold" % (name, dtype))
        return _said(name, _TYPES[dtype.kind], wire, list(values.shape[1:]), nullable=False)
    values = values.tolist() if hasattr(values, "tolist") else list(values)
    present = [value for value in values if value is not None and value == value]  # noqa: PLR0124
    shape = _shape(present[0]) if present else []
    kind, wire = _kind(name, list(_items(present)))
    nullable = len(present) < len(values) and (kind != "float" or any(value is None for value in values))
    return _said(name, kind, wire, shape, nullable=nullable)


def _said(name: str, kind: str, wire: str, shape: list[int], *, nullable: bool) -> dict[str, Any]:
    field: dict[str, Any] = {"name": name, "type": kind, "dtype": wire}
    if nullable:
        field["nullable"] = True
    if shape:
        field["shape"] = shape
    return field


def _shape(value: Any) -> list[int]:
    return [len(value), *_shape(value[0])] if isinstance(value, (list, tuple)) and value else []


def _items(values: Iterable[Any]) -> Iterable[Any]:
    for value in values:
        if isinstance(value, (list, tuple)):
            for item in _items(value):
                yield item
        else:
            yield value


def _kind(name: str, items: list[Any]) -> tuple[str, str]:
    """Return (type, dtype) of plain values; one numpy scalar counts as the Python value it holds."""
    items = [item.item() if hasattr(item, "item") else item for item in items]
    for kinds, kind, wire in (
        ((bool,), "bool", "bool"),
        ((int,), "int", "int64"),
        ((int, float), "float", "float64"),
        ((str,), "string", "str"),
    ):
        if items and all(type(item) in kinds for item in items):
            return kind, wire
    found = sorted({type(item).__name__ for item in items})
    raise FrameError("the model gave %r as %s, which no field can hold" % (name, found or "nothing"))
