"""A sheet of an .xlsx workbook as the text of a CSV file, line for line, so that a problem's line is the sheet's row.

What a reader of the sheet sees is what counts: values of formulas as they were saved. Nothing is guessed: merged cells,
errors, and formulas without a saved value are refused, naming the cell.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import warnings
import zipfile
from typing import TYPE_CHECKING, Any

from tenure.kit.errors import Kind, TenureError

if TYPE_CHECKING:
    from pathlib import Path


class BadSpreadsheet(TenureError):
    """The workbook cannot be read as a decision table."""

    code = "bad-spreadsheet"
    kind = Kind.BAD_INPUT
    message = "{file}{place}: {why}"
    next_step = "correct the sheet in the spreadsheet program and save it again as .xlsx"


class NoSuchSheet(BadSpreadsheet):
    """The workbook has no sheet of that name."""

    code = "no-such-sheet"
    message = "{file}: there is no sheet {sheet!r}; it has: {names}"
    next_step = "name one of them: table: {{file: {file}, sheet: {first}}}"


class NoSpreadsheets(TenureError):
    """What reads workbooks is not installed."""

    code = "no-spreadsheets"
    kind = Kind.UNAVAILABLE
    message = "{file} is a workbook, and openpyxl, which reads it, is not installed"
    next_step = "install tenure[server], or save the sheet as CSV"


def sheet_as_csv(file: Path, sheet: str = "") -> str:
    """Return a sheet (the first if none is named) as CSV, one line a row; raise `BadSpreadsheet` or `NoSpreadsheets`."""
    values, formulas = (_sheet(file, sheet, saved=saved) for saved in (True, False))
    if formulas.merged_cells.ranges:
        _refuse(
            file, str(min(map(str, formulas.merged_cells.ranges))), "merged cells are read as one cell and empty ones"
        )
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    rows = zip(values.iter_rows(), formulas.iter_rows(), strict=True)
    found = [[_cell(file, value, formula) for value, formula in zip(*row, strict=True)] for row in rows]
    width = max((place + 1 for row in found for place, cell in enumerate(row) if cell), default=0)
    for row in found:
        writer.writerow(row[:width])
    return text.getvalue()


def _sheet(file: Path, name: str, *, saved: bool) -> Any:
    try:
        import openpyxl
    except ImportError as error:
        raise NoSpreadsheets(file=file.name) from error
    try:
        with warnings.catch_warnings():  # of extensions of the format that have no cells
            warnings.simplefilter("ignore")
            book = openpyxl.load_workbook(file, data_only=saved)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile, openpyxl.utils.exceptions.InvalidFileException) as error:
        raise BadSpreadsheet(file=file.name, place="", why=f"this is no .xlsx workbook: {error}") from error
    names = [one.title for one in book.worksheets]
    if name and name not in names:
        raise NoSuchSheet(file=file.name, sheet=name, names=", ".join(names), first=next(iter(names), ""))
    if not names:
        raise BadSpreadsheet(file=file.name, place="", why="the workbook has no sheet")
    return book[name or names[0]]


def _cell(file: Path, saved: Any, formula: Any) -> str:
    value = saved.value
    if formula.data_type == "f" and value is None:
        _refuse(
            file, formula.coordinate, "the formula has no saved value; an answer's expression is text: '=output.score"
        )
    if saved.data_type == "e":
        _refuse(file, saved.coordinate, f"the cell shows the error {value}")
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else f"{value.isoformat()}Z"
    if isinstance(value, dt.time | dt.timedelta):
        _refuse(file, saved.coordinate, "the cell holds a time of day, which no field can be")
    # A row of the sheet is one line, so that lines and rows have the same numbers.
    return " ".join(str(value).split("\n")).strip()


def _refuse(file: Path, cell: str, why: str) -> None:
    raise BadSpreadsheet(file=file.name, place=f" {cell}", why=why)
