"""Rows of a CSV or Parquet file, as a feature view takes them."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

from tenure.kit.errors import Kind, TenureError

if TYPE_CHECKING:
    from pathlib import Path


class UnreadableTable(TenureError):
    """The file holds no table."""

    code = "unreadable-table"
    kind = Kind.BAD_INPUT
    message = "{file} cannot be read as a table: {why}"
    next_step = "give a .csv with a header line, or a .parquet file"


def rows_of(file: Path) -> list[dict[str, Any]]:
    """Return the rows of a `.csv` (every value is text) or a `.parquet` file (values are typed)."""
    reader = {".csv": _csv, ".parquet": _parquet}.get(file.suffix.lower())
    if reader is None:
        raise UnreadableTable(file=file, why="its name ends with neither .csv nor .parquet")
    try:
        return reader(file)
    except (OSError, ValueError, csv.Error) as error:  # pyarrow's errors are ValueErrors
        raise UnreadableTable(file=file, why=str(error)) from error


def _csv(file: Path) -> list[dict[str, Any]]:
    with file.open(newline="", encoding="utf-8-sig") as lines:
        rows = list(csv.DictReader(lines, strict=True))
    for place, row in enumerate(rows, start=2):
        if None in row or None in row.values():
            raise UnreadableTable(file=file, why=f"line {place} has more or fewer values than the header has names")
    return rows


def _parquet(file: Path) -> list[dict[str, Any]]:
    import pyarrow.parquet as pq

    rows: list[dict[str, Any]] = pq.read_table(file).to_pylist()
    return rows
