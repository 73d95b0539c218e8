"""Schemas from examples, in every form people keep rows in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from tenure.adapters import tables
from tenure.model.packaging.golden import difference
from tenure.model.packaging.inferring import InputsDisagree, input_schema, renamed, rows_of
from tenure.model.packaging.source import Facts

if TYPE_CHECKING:
    from pathlib import Path


def csv_of(folder: Path, text: str) -> Path:
    path = folder / "rows.csv"
    path.write_text(text)
    return path


def test_a_csv_gives_each_column_the_narrowest_type_that_holds_it(tmp_path: Path) -> None:
    table = tables.read(csv_of(tmp_path, "n,gap,x,flag,word\n1,2,0.5,true,a\n2,,7,False,\n"))
    assert [(f.name, f.type, f.wire_dtype, f.nullable) for f in table.fields] == [
        ("n", "int", "int64", False),
        ("gap", "float", "float64", True),
        ("x", "float", "float64", False),
        ("flag", "bool", "bool", False),
        ("word", "string", "str", True),
    ]
    assert table.rows[1] == {"n": 2, "gap": None, "x": 7.0, "flag": False, "word": None}


@pytest.mark.parametrize(("text", "why"), [("", "no header"), ("a,b\n", "no header"), ("a,b\n1\n", "row 2")])
def test_a_csv_without_rows_or_with_uneven_ones_is_refused(text: str, why: str, tmp_path: Path) -> None:
    with pytest.raises(tables.UnreadableTable, match=why):
        tables.read(csv_of(tmp_path, text))


def test_parquet_is_read_with_its_own_types(tmp_path: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    columns = {"a": pa.array([1, 2], pa.int32()), "b": pa.array([0.5, None], pa.float32()), "c": ["x", None]}
    parquet.write_table(pa.table(columns), tmp_path / "rows.parquet")
    table = tables.read(tmp_path / "rows.parquet")
    assert [(f.name, f.wire_dtype, f.nullable) for f in table.fields] == [
        ("a", "int32", False),
        ("b", "float32", True),
        ("c", "str", True),
    ]


def test_an_array_keeps_its_dtype_and_takes_the_names_the_model_was_fitted_with() -> None:
    table = tables.read(np.array([[1, 2], [3, 4]], "float32"))
    assert table.form == "matrix"
    facts = Facts("m", frozenset({"predict"}), features=("age", "income"))
    named = renamed(table, facts)
    assert [(f.name, f.wire_dtype) for f in named.fields] == [("age", "float32"), ("income", "float32")]
    assert named.rows[1] == {"age": 3.0, "income": 4.0}


def test_bounds_and_categories_come_from_golden_and_reference_together() -> None:
    golden = tables.read([{"age": 30, "city": "Ulm"}])
    reference = tables.read([{"age": 18, "city": "Bonn", "left": True}, {"age": 81, "city": "Ulm", "left": False}])
    age, city = input_schema(golden, reference, None)
    assert (age.minimum, age.maximum) == (18.0, 81.0)
    assert city.values == ("Bonn", "Ulm")


def test_the_order_is_that_of_the_fit_and_what_the_model_does_not_take_is_dropped() -> None:
    golden = tables.read([{"id": 7, "b": 1.0, "a": 2.0}])
    schema = input_schema(golden, None, ("a", "b"))
    assert [field.name for field in schema] == ["a", "b"]
    assert rows_of(golden, schema) == [{"a": 2.0, "b": 1.0}]


def test_a_missing_column_is_named() -> None:
    with pytest.raises(InputsDisagree, match="the reference lacks b"):
        input_schema(tables.read([{"a": 1, "b": 2}]), tables.read([{"a": 1}]), None)


def test_integers_that_the_reference_knows_as_floats_become_floats() -> None:
    (field,) = input_schema(tables.read([{"a": 1}]), tables.read([{"a": 1.5}, {"a": None}]), None)
    assert (field.type, field.wire_dtype, field.nullable) == ("float", "float64", True)


def test_differences_are_relative_and_infinite_where_values_are_no_numbers() -> None:
    assert difference([{"s": 1.0}], [{"s": 1.0}]) == 0.0
    assert difference([{"s": 100.0}], [{"s": 101.0}]) == pytest.approx(1 / 101)
    assert difference([{"s": "a"}], [{"s": "b"}]) == float("inf")
    assert difference([{"s": [1.0, 2.0]}], [{"s": [1.0, 2.2]}]) == pytest.approx(0.2 / 2.2)
    assert difference([{"s": float("nan")}], [{"s": float("nan")}]) == 0.0
    assert difference([{"s": 1.0}], []) == float("inf")
