"""Rows from what people have: a CSV, JSON or Parquet file, a columns file, a DataFrame, an array, a list of dicts.

CSV needs the standard library alone; Parquet and DataFrames use the pandas or pyarrow that the person has.
"""

from __future__ import annotations

import csv
import json
import math
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import msgspec

from tenure.contract.schema import Field
from tenure.kit.errors import Kind, TenureError
from tenure.model.packaging.source import Table
from tenure.worker import columns

_MISSING = {"", "NA", "NaN", "nan", "null", "None"}
_KINDS = {"float": "float", "int": "int", "uint": "int", "bool": "bool"}
#: numpy dtypes that the wire carries as they are; others go to the nearest wider one
_WIRE = {
    "float64": "float64", "float32": "float32", "float16": "float32", "int64": "int64", "int32": "int32", "int16": "int16",
    "int8": "int8", "uint8": "uint8", "uint16": "int32", "uint32": "int64", "bool": "bool",
}  # fmt: skip


class UnreadableTable(TenureError):
    """Rows could not be read from what was given."""

    code = "unreadable-table"
    kind = Kind.BAD_INPUT
    message = "no rows could be read from {what}: {why}"
    next_step = "give a CSV, JSON, Parquet or .columns file, a DataFrame, a 2-D array or a list of dicts"


def read(source: Any) -> Table:
    """Return the rows and their inferred schema; the columns of an array are called x0, x1 and so on."""
    if isinstance(source, Table):
        return source
    if isinstance(source, (str, Path)):
        return _file(Path(source))
    if hasattr(source, "columns") and hasattr(source, "dtypes"):
        return _frame(source)
    if hasattr(source, "dtype") and hasattr(source, "shape"):
        return _array(source)
    if isinstance(source, (list, tuple)) and source and isinstance(source[0], dict):
        return _records(list(source))
    raise UnreadableTable(what=type(source).__name__, why="it is no table")


def _file(path: Path) -> Table:
    readers = {".csv": _csv, ".json": _json, ".parquet": _parquet, ".pq": _parquet, ".columns": _columns}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise UnreadableTable(what=path, why=f"files ending in {path.suffix or 'nothing'} are not read")
    if not path.is_file():
        raise UnreadableTable(what=path, why="there is no such file")
    return reader(path)


def _csv(path: Path) -> Table:
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = csv.reader(file)
        header = next(rows, [])
        lines = [line for line in rows if line]
    if not header or not lines:
        raise UnreadableTable(what=path, why="it has no header or no rows")
    uneven = next((n for n, line in enumerate(lines, 2) if len(line) != len(header)), None)
    if uneven:
        raise UnreadableTable(what=path, why=f"row {uneven} has not {len(header)} values")
    parsed = [_parse_column([line[n] for line in lines]) for n in range(len(header))]
    return _table(dict(zip(header, parsed, strict=True)))


def _parse_column(texts: list[str]) -> tuple[list[Any], str]:
    """Return the values and the dtype of one CSV column: the narrowest of int64, float64, bool, str that holds all."""
    present = [text for text in texts if text not in _MISSING]
    gaps = len(present) < len(texts)
    for dtype, parse in (("int64", int), ("float64", float), ("bool", _flag)):
        try:
            values = [None if text in _MISSING else parse(text) for text in texts]
        except (ValueError, KeyError):
            continue
        if dtype == "int64" and gaps:  # pandas reads such a column as float64, and so was the model fitted
            return [None if value is None else float(value) for value in values], "float64"
        if present:
            return values, dtype
    return [None if text == "" else text for text in texts], "str"


def _flag(text: str) -> bool:
    return {"true": True, "false": False}[text.lower()]


def _json(path: Path) -> Table:
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UnreadableTable(what=path, why=str(error)) from error
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise UnreadableTable(what=path, why="it is no list of objects")
    return _records(rows)


def _parquet(path: Path) -> Table:
    try:
        import pandas as pd
    except ImportError:
        return _arrow(path)
    return _frame(pd.read_parquet(path))


def _arrow(path: Path) -> Table:
    try:
        from pyarrow import parquet
    except ImportError as error:
        raise UnreadableTable(what=path, why="reading Parquet needs pandas or pyarrow; CSV needs neither") from error
    table = parquet.read_table(path)
    pairs = {name: _arrow_column(table.column(name)) for name in table.column_names}
    return _table(pairs)


def _arrow_column(column: Any) -> tuple[list[Any], str]:
    name = {"double": "float64", "float": "float32", "halffloat": "float16"}.get(str(column.type), str(column.type))
    values = column.to_pylist()
    if name in _WIRE:
        return _widened(values, _WIRE[name])
    return _from_objects(values)


def _columns(path: Path) -> Table:
    header, count, body = columns.read_columns(path.read_bytes())
    return Table(msgspec.convert(header, tuple[Field, ...]), columns.Codec(header).unpack(count, body))


def _frame(frame: Any) -> Table:
    names = [str(name) for name in frame.columns]
    return _table({name: _series(frame.iloc[:, n]) for n, name in enumerate(names)})


def _series(series: Any) -> tuple[list[Any], str]:
    """Return one pandas column as Python values; NaN, None and NaT all mean missing."""
    name = str(series.dtype).lower()
    values = [
        None if missing else value for value, missing in zip(series.tolist(), series.isna().tolist(), strict=True)
    ]
    if name in _WIRE:
        return _widened(values, _WIRE[name])
    return _from_objects(values)


def _widened(values: list[Any], dtype: str) -> tuple[list[Any], str]:
    """Return a column; a nullable integer is sealed as float64, which is what numpy would have made of it."""
    if dtype.startswith(("int", "uint")) and None in values:
        return [None if value is None else float(value) for value in values], "float64"
    if dtype == "bool" and None in values:
        return [None if value is None else float(value) for value in values], "float64"
    return values, dtype


def _array(array: Any) -> Table:
    if len(array.shape) != 2:
        raise UnreadableTable(what=f"an array of shape {tuple(array.shape)}", why="one row per example is needed, 2-D")
    dtype = _WIRE.get(str(array.dtype))
    pairs = {}
    for n in range(array.shape[1]):
        values = array[:, n].tolist()
        pairs[f"x{n}"] = (
            _from_objects(values) if dtype is None else _widened([_present(value) for value in values], dtype)
        )
    found = _table(pairs)
    return Table(found.fields, found.rows, "matrix")


def _records(rows: list[dict[str, Any]]) -> Table:
    names = list(dict.fromkeys(name for row in rows for name in row))
    found = _table({name: _from_objects([row.get(name) for row in rows]) for name in names})
    return Table(found.fields, found.rows, "records")


def _from_objects(values: list[Any]) -> tuple[list[Any], str]:
    """Return a column of Python objects and the dtype that fits all of them."""
    plain = [_plain(value) for value in values]
    kinds = {type(value) for value in plain if value is not None}
    if kinds == {bool}:
        return _widened(plain, "bool")
    if kinds == {int}:
        return _widened(plain, "int64")
    if kinds and kinds <= {int, float}:
        return [None if value is None else float(value) for value in plain], "float64"
    return [None if value is None else str(value) for value in plain], "str"


def _plain(value: Any) -> Any:
    """Return numpy scalars and times as what the wire carries; NaN as missing."""
    if isinstance(value, (datetime, date)):
        return value.astimezone(UTC).isoformat() if isinstance(value, datetime) and value.tzinfo else value.isoformat()
    return _present(value.item() if hasattr(value, "item") else value)


def _present(value: Any) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value


def _table(pairs: dict[str, tuple[list[Any], str]]) -> Table:
    fields = tuple(_field(name, values, dtype) for name, (values, dtype) in pairs.items())
    length = len(next(iter(pairs.values()))[0]) if pairs else 0
    rows = [{name: values[n] for name, (values, _) in pairs.items()} for n in range(length)]
    return Table(fields, rows)


def _field(name: str, values: list[Any], dtype: str) -> Field:
    kind = "string" if dtype == "str" else _KINDS[dtype.rstrip("0123456789")]
    return Field(name, kind, dtype, nullable=None in values)  # type: ignore[arg-type]
