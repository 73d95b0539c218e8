"""Rows of files: JSON, JSON lines, CSV and Parquet, told apart by the file's ending."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

import msgspec

from tenure.kit.errors import Kind, TenureError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from tenure.contract.schema import FieldType


class UnknownFileKind(TenureError):
    """The ending says nothing that can be read or written."""

    code = "unknown-file-kind"
    kind = Kind.BAD_INPUT
    message = "{file} is none of .json, .jsonl, .csv and .parquet"
    next_step = "give the file one of these endings"


class UnreadableRows(TenureError):
    """The file is not what its ending says."""

    code = "unreadable-rows"
    kind = Kind.BAD_INPUT
    message = "{file} cannot be read: {why}"
    next_step = "check the file; JSON holds a list of objects, JSON lines one object a line"


class BadCell(TenureError):
    """A text cell cannot be read as the type of its column."""

    code = "bad-cell"
    kind = Kind.BAD_INPUT
    message = "{place}{column}: {value!r} is not a value of type {type}"
    next_step = "correct the cell, or leave it empty for no value"


class NeedsParquet(TenureError):
    """Parquet needs a library that the light installation does not have."""

    code = "needs-parquet"
    kind = Kind.UNAVAILABLE
    message = "Parquet files need pyarrow, which is not installed"
    next_step = "pip install 'tenure[server]', or use a .csv or .jsonl file"


def read_rows(file: Path) -> list[dict[str, Any]]:
    """Return the rows of a file; every cell of a CSV is text, and an empty one is left out."""
    try:
        match file.suffix:
            case ".json":
                return msgspec.json.decode(file.read_bytes(), type=list[dict[str, Any]])
            case ".jsonl" | ".ndjson":
                return [msgspec.json.decode(line, type=dict) for line in file.read_bytes().splitlines() if line.strip()]
            case ".csv":
                return _read_csv(file)
            case ".parquet":
                return parquet().read_table(file).to_pylist()  # type: ignore[no-any-return]
    except (OSError, ValueError, csv.Error) as error:
        raise UnreadableRows(file=file, why=str(error)) from error
    raise UnknownFileKind(file=file)


def write_rows(file: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows in the form that the file's ending says; nested values are JSON text in CSV."""
    match file.suffix:
        case ".json":
            file.write_bytes(msgspec.json.format(msgspec.json.encode(rows)))
        case ".jsonl" | ".ndjson":
            file.write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in rows))
        case ".csv":
            _write_csv(file, rows)
        case ".parquet":
            import pyarrow as pa

            parquet().write_table(pa.Table.from_pylist([flat(row) for row in rows]), file)
        case _:
            raise UnknownFileKind(file=file)


def typed_in(file: Path, rows: Iterable[Mapping[str, Any]], types: Mapping[str, FieldType]) -> list[dict[str, Any]]:
    """Return all rows of a file with the types of their columns; `BadCell` names the file and the row."""
    return [typed(row, types, f"{file}, row {number}, ") for number, row in enumerate(rows, 1)]


def typed(row: Mapping[str, Any], types: Mapping[str, FieldType], place: str = "") -> dict[str, Any]:
    """Return a row whose text cells have the types of their columns; columns without a type stay as they are.

    Other values pass unchanged, but for dates and times of Parquet, which are written as text.
    """
    return {name: _cell(name, value, types.get(name), place) for name, value in row.items()}


def _cell(column: str, value: Any, kind: FieldType | None, place: str) -> Any:
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if not isinstance(value, str) or kind in {None, "string", "date", "timestamp"}:
        return value
    try:
        return _READ[kind](value)
    except (KeyError, ValueError) as error:
        raise BadCell(place=place, column=column, value=value, type=kind) from error


_TRUTH = {"true": True, "false": False, "1": True, "0": False, "yes": True, "no": False}
_READ: dict[FieldType, Any] = {"int": int, "float": float, "bool": lambda text: _TRUTH[text.lower()]}


def _read_csv(file: Path) -> list[dict[str, Any]]:
    with file.open(newline="", encoding="utf-8-sig") as source:
        return list(csv_rows(source))


def csv_rows(source: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Give the rows of a CSV, without empty cells; raise `csv.Error` for one that is longer than the header."""
    reader = csv.DictReader(source, strict=True)
    names = reader.fieldnames or ()
    if twice := next((name for place, name in enumerate(names) if name in names[:place]), None):
        raise csv.Error(f"two columns are called {twice!r}")
    for row in reader:
        if None in row:
            raise csv.Error(f"line {reader.line_num} has more cells than the header has columns")
        yield {name: cell for name, cell in row.items() if cell not in {"", None}}


def _write_csv(file: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    with file.open("w", newline="", encoding="utf-8") as target:
        writer = csv.DictWriter(target, columns)
        writer.writeheader()
        writer.writerows(flat(row) for row in rows)


def flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row for a table, its nested values as JSON text."""
    return {name: text_of(value) for name, value in row.items()}


def text_of(value: Any) -> Any:
    """Return a nested value as JSON text, and any other as it is."""
    return msgspec.json.encode(value).decode() if isinstance(value, dict | list) else value


def parquet() -> Any:
    """Return pyarrow's reader and writer; raise `NeedsParquet` where it is not installed."""
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise NeedsParquet from error
    return pyarrow.parquet


def guessed(rows: Sequence[Mapping[str, Any]], key: str) -> dict[str, FieldType]:
    """Return for each text column the narrowest type that all its cells can be read as; the key column stays text."""
    columns = dict.fromkeys(name for row in rows for name in row if name != key)
    return {column: _narrowest([row[column] for row in rows if row.get(column) is not None]) for column in columns}


def _narrowest(cells: Sequence[Any]) -> FieldType:
    for kind in ("int", "float"):
        if all(_reads_as(kind, cell) for cell in cells):
            return kind
    truths = all(isinstance(cell, bool) or str(cell).lower() in {"true", "false"} for cell in cells)
    return "bool" if truths else "string"


def _reads_as(kind: FieldType, cell: Any) -> bool:
    try:
        _READ[kind](cell)
    except (ValueError, TypeError):
        return False
    return isinstance(cell, str)
