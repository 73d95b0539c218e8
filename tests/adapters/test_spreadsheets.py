"""Decision tables out of workbooks: what a reader of the sheet sees, or a refusal that names the cell."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import openpyxl
import pytest

from tenure.adapters.spreadsheets import BadSpreadsheet, NoSuchSheet
from tenure.app.table_files import source_of
from tenure.application.revisions.checking import check
from tenure.application.revisions.definition import read
from tenure.application.revisions.problems import BrokenDefinition, located, refusal
from tenure.application.revisions.source import Source

if TYPE_CHECKING:
    from pathlib import Path

TEXT = """\
application: price
request:
  age: {type: int, minimum: 0}
  member: bool
  day: date
rules:
  - {id: price, table: TABLE}
default: {answer: {rate: 0.0}}
"""
ROWS: list[list[Any]] = [
    ["age", "member", "day", "answer.rate", "note"],
    ["< 18", None, None, 0, "children"],
    [],
    [">= 18", True, dt.date(2026, 12, 24), 1.5, "two\nlines"],
    [">= 18", True, "< 2026-12-24 | > 2026-12-24", 2.5, None],
    [">= 18", False, "-", 0.25, None],
]


def workbook(folder: Path, rows: list[list[Any]] = ROWS, sheet: str = "") -> Any:
    book = openpyxl.Workbook()
    page = book.create_sheet(sheet) if sheet else book.active
    for row in rows:
        page.append(row)
    book.save(folder / "price.xlsx")
    return book, page


def problems(folder: Path, table: str = "price.xlsx") -> list[str]:
    file = folder / "application.yaml"
    file.write_text(TEXT.replace("TABLE", table))
    sent = source_of(file)
    source = Source(sent["text"])
    try:
        whole, found = check(read(source, sent["files"]), {}, {})
        if found:
            raise refusal(located(found, source.places))
    except BrokenDefinition as error:
        return str(error).splitlines()[1:-1] or [str(error)]
    assert whole.rules[0].table is not None
    return []


def test_a_sheet_is_a_table_with_its_truths_days_and_numbers_as_they_are(tmp_path: Path) -> None:
    workbook(tmp_path)
    assert problems(tmp_path) == []
    sent = source_of(tmp_path / "application.yaml")["files"]["price.xlsx"]
    assert sent.splitlines()[3:] == [
        ">= 18,true,2026-12-24,1.5,two lines",
        ">= 18,true,< 2026-12-24 | > 2026-12-24,2.5,",
        ">= 18,false,-,0.25,",
    ]


def test_another_sheet_is_named(tmp_path: Path) -> None:
    workbook(tmp_path, sheet="Winter")
    assert problems(tmp_path, "{file: price.xlsx, sheet: Winter}") == []
    with pytest.raises(NoSuchSheet, match="there is no sheet 'Summer'; it has: Sheet, Winter"):
        problems(tmp_path, "{file: price.xlsx, sheet: Summer}")


def test_a_problem_names_the_file_the_sheets_row_and_the_column(tmp_path: Path) -> None:
    workbook(tmp_path, [*ROWS[:5], [">= 18", "no", "-", 0.3, None]])
    (told,) = [line for line in problems(tmp_path) if "neither" in line]
    assert "price.xlsx line 6, column 2" in told
    assert "row 4, member: 'no' is neither true nor false" in told


def test_a_gap_in_a_sheet_is_refused(tmp_path: Path) -> None:
    workbook(tmp_path, ROWS[:5])
    assert any("no row holds where" in line and "price.xlsx" in line for line in problems(tmp_path))


@pytest.mark.parametrize(
    ("break_", "why"),
    [
        (lambda page: page.merge_cells("A4:A5"), "A4:A5: merged cells"),
        (lambda page: page.__setitem__("D2", "=1+1"), "D2: the formula has no saved value"),
        (lambda page: page.__setitem__("D2", "#REF!"), "D2: the cell shows the error"),
        (lambda page: page.__setitem__("C4", dt.time(8)), "C4: the cell holds a time of day"),
    ],
)
def test_what_a_reader_of_the_sheet_would_see_otherwise_is_refused_naming_the_cell(tmp_path, break_, why):
    book, page = workbook(tmp_path)
    break_(page)
    book.save(tmp_path / "price.xlsx")
    with pytest.raises(BadSpreadsheet, match=why):
        problems(tmp_path)


def test_what_is_no_workbook_is_refused_and_a_missing_one_named_with_its_line(tmp_path: Path) -> None:
    assert "line 7" in problems(tmp_path)[0]
    (tmp_path / "price.xlsx").write_bytes(b"age;rate\n")
    with pytest.raises(BadSpreadsheet, match=r"no \.xlsx workbook"):
        problems(tmp_path)


def test_a_file_with_the_line_endings_of_windows_is_kept_as_it_is_and_means_the_same(tmp_path: Path) -> None:
    (tmp_path / "application.yaml").write_bytes(TEXT.replace("TABLE", "p.csv").replace("\n", "\r\n").encode())
    (tmp_path / "p.csv").write_bytes(b"age,rate\r\n>= 0,1.0\r\n")
    sent = source_of(tmp_path / "application.yaml")
    assert (sent["text"].count("\r\n"), sent["files"]) == (8, {"p.csv": "age,rate\n>= 0,1.0\n"})
    windows = read(Source(sent["text"]), sent["files"])
    assert windows == read(Source(sent["text"].replace("\r\n", "\n")), sent["files"])
