from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING

import pytest

from tenure.entrypoints.cli.rows import (
    BadCell,
    UnknownFileKind,
    UnreadableRows,
    guessed,
    read_rows,
    typed,
    write_rows,
)

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
