from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tenure.entrypoints.cli.rows import (
    BadCell,
    UnknownFileKind,
    UnreadableRows,
    guessed,
    read_rows,
    typed,
    typed_in,
    write_rows,
)
from tenure.entrypoints.cli.streams import NoFolder, check_writable, count_in, rows_in

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tenure.contract.schema import FieldType

ROWS = [{"id": "007", "n": 1, "x": 0.5, "ok": True}, {"id": "008", "n": 2, "x": 1.5, "ok": False}]
TYPES: Mapping[str, FieldType] = {"id": "string", "n": "int", "x": "float", "ok": "bool"}


@pytest.mark.parametrize("ending", [".json", ".jsonl", ".parquet"])
def test_rows_come_back_as_they_were_written(tmp_path, ending):
    write_rows(tmp_path / f"rows{ending}", ROWS)
    assert read_rows(tmp_path / f"rows{ending}") == ROWS


def test_a_csv_gets_its_types_from_the_schema_and_keeps_leading_zeros(tmp_path):
    write_rows(tmp_path / "rows.csv", ROWS)
    assert [typed(row, TYPES) for row in read_rows(tmp_path / "rows.csv")] == ROWS


def test_an_empty_cell_of_a_csv_is_no_value(tmp_path):
    (tmp_path / "rows.csv").write_text("a,b\n1,\n")
    assert read_rows(tmp_path / "rows.csv") == [{"a": "1"}]


def test_a_cell_that_is_not_of_its_type_is_refused_by_column():
    with pytest.raises(BadCell, match="n: 'many'"):
        typed({"n": "many"}, {"n": "int"})
    with pytest.raises(BadCell, match=r"rows\.csv, row 2, n: 'many'"):
        typed_in(Path("rows.csv"), [{"n": "1"}, {"n": "many"}], {"n": "int"})


def test_a_time_of_parquet_becomes_text():
    assert typed({"at": dt.date(2026, 11, 23)}, {"at": "date"}) == {"at": "2026-11-23"}


def test_nested_answers_are_json_in_a_csv(tmp_path):
    write_rows(tmp_path / "rows.csv", [{"answer": {"offer": "none"}}])
    assert json.loads(read_rows(tmp_path / "rows.csv")[0]["answer"]) == {"offer": "none"}


def test_the_types_of_a_new_views_columns_are_guessed_but_its_key_stays_text():
    rows = [
        {"id": "007", "n": "1", "x": "2.5", "t": "abc", "b": "true"},
        {"id": "8", "n": "3", "x": "1", "t": "5", "b": "false"},
    ]
    assert guessed(rows, "id") == {"n": "int", "x": "float", "t": "string", "b": "bool"}


def test_another_ending_is_refused(tmp_path):
    with pytest.raises(UnknownFileKind):
        read_rows(tmp_path / "rows.xlsx")


@pytest.mark.parametrize("name", ["rows.json", "rows.jsonl", "rows.parquet"])
def test_a_file_that_is_not_what_its_ending_says_is_refused_by_name(tmp_path, name):
    (tmp_path / name).write_text("neither this nor that")
    with pytest.raises(UnreadableRows, match=name):
        read_rows(tmp_path / name)


@pytest.mark.parametrize(
    ("text", "why"),
    [("a,b\n1,2,3\n", "line 2 has more cells"), ("a,a\n1,2\n", "two columns are called 'a'"), ('a\n"1\n', "rows.csv")],
)
def test_a_csv_that_could_be_read_in_two_ways_is_refused(tmp_path, text, why):
    (tmp_path / "rows.csv").write_text(text)
    for read in (read_rows, rows_in):
        with pytest.raises(UnreadableRows, match=why):
            list(read(tmp_path / "rows.csv"))


def test_rows_of_what_is_no_parquet_are_not_counted(tmp_path):
    (tmp_path / "rows.parquet").write_text("neither this nor that")
    with pytest.raises(UnreadableRows, match=r"rows\.parquet"):
        count_in(tmp_path / "rows.parquet")


def test_what_cannot_be_written_is_refused_before_any_work(tmp_path):
    with pytest.raises(NoFolder, match="nowhere"):
        check_writable(tmp_path / "nowhere" / "answers.csv")
