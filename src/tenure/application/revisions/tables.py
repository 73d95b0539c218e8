"""Decision tables in files: CSV text to a `Table`, and where in a file something is wrong.

The content of a table is kept with the revision, so that a decision can be made again without the file.
"""

from __future__ import annotations

import csv
import io
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import msgspec

from tenure.application.revisions.problems import BrokenDefinition, Problem
from tenure.application.revisions.source import Source
from tenure.application.rules.kinds import nearest
from tenure.application.rules.rule import Table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tenure.application.revisions.problems import Path
    from tenure.application.revisions.reading import Reader
    from tenure.application.revisions.terms import Definition
    from tenure.application.rules.tables import BrokenCell

_SEPARATORS = (",", ";", "\t")
_NONE = Table((), ())
WORKBOOK = ".xlsx"


def table_files(data: Any) -> list[str]:
    """Return the names of the table files that the plain data of an `application.yaml` names."""
    rules = data.get("rules") if isinstance(data, dict) else None
    tables = [rule.get("table") for rule in rules or () if isinstance(rule, dict)] if isinstance(rules, list) else []
    names = [_file_of(table) if isinstance(table, dict) else table for table in tables]
    return list(dict.fromkeys(name for name in names if isinstance(name, str)))


def _file_of(table: dict[str, Any]) -> Any:
    """Return the file of a table, of a workbook with its sheet: `price.xlsx#Winter`."""
    file, sheet = table.get("file"), table.get("sheet")
    return f"{file}#{sheet}" if isinstance(file, str) and isinstance(sheet, str) else file


def read_csv(name: str, text: str, path: Path) -> Table | Problem:
    """Return the table of a CSV file: first a row of names, then rows; commas, semicolons or tabs between."""
    lines: list[int] = []
    rows: list[tuple[str, ...]] = []
    separator = _separator(text.partition("\n")[0])
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), delimiter=separator, strict=True)
    begin = 1
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                rows.append(tuple(cell.strip() for cell in row))
                lines.append(begin)
            begin = reader.line_num + 1
    except csv.Error as error:
        why = "a quote is not closed" if "unexpected end" in str(error) else f"this is no CSV: {error}"
        return Problem(path, why, file=name, line=begin, column=1)
    if not rows:
        return Problem(path, "the file is empty", file=name, line=1, column=1)
    return Table(columns=rows[0], rows=tuple(rows[1:]), file=name, lines=tuple(lines))


def _separator(heading: str) -> str:
    return max(_SEPARATORS, key=heading.count)


def write_csv(table: Table) -> str:
    """Return the table as the text of a CSV file."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([table.columns, *table.rows])
    return text.getvalue()


def cell_problem(table: Table, rule: Path, broken: BrokenCell) -> Problem:
    """Return the problem of a cell with its place: file, line and column of the file, or the path in the definition."""
    path = (*rule, "table")
    if table.file:
        line = table.lines[broken.row + 1] if table.lines else broken.row + 2
        return Problem(path, _named(table, broken), file=table.file, line=line, column=max(1, broken.column + 1))
    if broken.column >= 0:
        path = (*path, "columns", broken.column) if broken.row < 0 else (*path, "rows", broken.row, broken.column)
    elif broken.row >= 0:
        path = (*path, "rows", broken.row)
    return Problem(path, _named(table, broken), broken.at)


def _named(table: Table, broken: BrokenCell) -> str:
    """Return what is wrong, with the row counted from 1 and the name of the column."""
    row = f"row {broken.row + 1}" if broken.row >= 0 else ""
    column = table.columns[broken.column] if 0 <= broken.column < len(table.columns) else ""
    where = ", ".join(part for part in (row, column) if part)
    return f"{where}: {broken.why}" if where else broken.why


class TableReader:
    """Reads what stands under `table`: the name of a file, or columns and rows, with `hit` and `gaps`."""

    def __init__(self, read: Reader, files: Mapping[str, str]) -> None:
        self._read = read
        self._files = files

    def table(self, found: dict[str, Any], rule: Path) -> Table | None:
        """Return the table of a rule, None where it has none; an empty one stands for one that cannot be read."""
        if "table" not in found:
            return None
        path, written = (*rule, "table"), found["table"]
        if isinstance(written, str):
            return self._from_file(written, path)
        said = self._read.mapping(written, path, ("file", "sheet", "columns", "rows", "hit", "gaps"))
        made = self._from_file(_file_of(said), (*path, "file")) if "file" in said else self._inline(said, path)
        if "sheet" in said and not str(said.get("file")).endswith(WORKBOOK):
            self._read.refuse((*path, "sheet"), "only a workbook (.xlsx) has sheets")
        self._read.text(said, "sheet", path)
        hit = self._read.one_of(said, "hit", ("unique", "first"), path, "unique")
        gaps = self._read.one_of(said, "gaps", ("refused", "allowed"), path, "refused")
        return msgspec.structs.replace(made, hit=hit, gaps=gaps)

    def _from_file(self, name: Any, path: Path) -> Table:
        if not isinstance(name, str) or not name.partition("#")[0].endswith((".csv", WORKBOOK)):
            return self._refused(path, f"{name!r} is no CSV file and no workbook; name it NAME.csv or NAME.xlsx")
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
            return self._refused(path, "a table lies beside its application.yaml; write its name alone")
        if name not in self._files:
            return self._refused(path, f"there is no file {name!r}{nearest(name, self._files)}")
        made = read_csv(name, self._files[name], path)
        if isinstance(made, Table):
            return made
        self._read.problems.append(made)
        return _NONE

    def _refused(self, path: Path, why: str) -> Table:
        self._read.refuse(path, why)
        return _NONE

    def _inline(self, said: dict[str, Any], path: Path) -> Table:
        columns = self._read.of_type(said, "columns", list, path, [])
        rows = self._read.of_type(said, "rows", list, path, [])
        for key in ("columns", "rows"):
            if key not in said:
                self._read.refuse(path, f"the key {key!r} is missing")
        return Table(
            columns=tuple(self._cell(cell, (*path, "columns", place)) for place, cell in enumerate(columns)),
            rows=tuple(self._row(row, (*path, "rows", place)) for place, row in enumerate(rows)),
        )

    def _row(self, row: Any, path: Path) -> tuple[str, ...]:
        if not isinstance(row, list):
            self._read.refuse(path, "a row is a list of cells")
            return ()
        return tuple(self._cell(cell, (*path, place)) for place, cell in enumerate(row))

    def _cell(self, cell: Any, path: Path) -> str:
        if isinstance(cell, bool):
            return str(cell).lower()
        if cell is None or isinstance(cell, str | int | float):
            return "" if cell is None else str(cell).strip()
        self._read.refuse(path, "a cell is a text, a number, true or false")
        return ""


def table_texts(definition: Definition) -> dict[str, str]:
    """Return the tables of a definition that were read from files, by their names, as the texts of CSV files."""
    tables = [rule.table for rule in definition.rules if rule.table is not None]
    return {table.file: write_csv(table) for table in tables if table.file}


def named_in(text: str) -> list[str]:
    """Return the names of the table files in the text of an `application.yaml`; none where it cannot be read."""
    try:
        return table_files(Source(text).data)
    except BrokenDefinition:
        return []
