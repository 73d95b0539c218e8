"""MLflow's scoring forms, alone."""

import contextlib
import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenure.contract.predictor import Prediction
from tenure.contract.schema import Field
from tenure.entrypoints.gateway import scoring
from tenure.entrypoints.gateway.model_rows import BadInput

SCHEMA = (Field("a", "float"), Field("t", "string", nullable=True))
ROWS = [{"a": 1.0, "t": "x"}, {"a": 2.0, "t": None}]


def rows(document: Any, schema: Any = SCHEMA) -> list[dict[str, Any]]:
    return scoring.rows_of("application/json", json.dumps(document).encode(), schema)


@pytest.mark.parametrize(
    "document",
    [
        {"dataframe_split": {"columns": ["t", "a", "more"], "index": [0, 1], "data": [["x", 1.0, 9], [None, 2.0, 9]]}},
        {"dataframe_split": {"data": [[1.0, "x"], [2.0, None]]}},
        {"dataframe_records": [{"a": 1.0, "t": "x", "more": 9}, {"a": 2.0}]},
        {"instances": [{"a": 1.0, "t": "x"}, {"a": 2.0, "t": None}]},
        {"instances": [[1.0, "x"], [2.0, None]]},
        {"inputs": {"a": [1.0, 2.0], "t": ["x", None]}},
        {"inputs": {"a": [[1.0], [2.0]], "t": [["x"], [None]]}, "params": {}},
        {"inputs": [[1.0, "x"], [2.0, None]]},
        {"inputs": [{"a": 1.0, "t": "x"}, {"a": 2.0}]},
    ],
)
def test_every_json_form_gives_the_same_rows(document: Any) -> None:
    assert rows(document) == ROWS


def test_csv_is_typed_by_the_schema_and_an_empty_cell_is_null() -> None:
    assert scoring.rows_of("text/csv; charset=utf-8", b"t,more,a\nx,9,1\n,,2.0\n", SCHEMA) == ROWS
    schema = (Field("n", "int"), Field("b", "bool"))
    assert scoring.rows_of("text/csv", b"n,b\n7,True\n", schema) == [{"n": 7, "b": True}]


def test_the_only_input_may_come_bare_and_tensors_keep_their_shape() -> None:
    assert rows({"instances": [1, 2.5]}, (Field("a", "float"),)) == [{"a": 1}, {"a": 2.5}]
    assert rows({"inputs": [[1, 2]]}, (Field("v", "float", shape=(2,)),)) == [{"v": [1, 2]}]
    assert rows({"inputs": {"v": [[1], [2]]}}, (Field("v", "float", shape=(1,)),)) == [{"v": [1]}, {"v": [2]}]


@pytest.mark.parametrize(
    ("document", "why"),
    [
        ([], "exactly one of"),
        ({}, "exactly one of"),
        ({"inputs": [[1, "x"]], "instances": []}, "exactly one of"),
        ({"inputs": [[1, "x"]], "else": 1}, "exactly one of"),
        ({"dataframe_split": []}, "columns and data"),
        ({"dataframe_split": {"columns": ["a"], "data": [[1, 2]]}}, "row 0"),
        ({"dataframe_records": [1]}, "list of objects"),
        ({"instances": {"a": 1}}, "list of rows"),
        ({"instances": [[1]]}, "1 values"),
        ({"instances": []}, "no row"),
        ({"inputs": {"a": [1, 2], "t": ["x"]}}, "different lengths"),
        ({"dataframe_records": [{"t": "x"}]}, "'a' has no value"),
        ({"dataframe_records": [{"a": True}]}, "truth value"),
    ],
)
def test_what_is_no_form_is_refused_with_the_reason(document: Any, why: str) -> None:
    with pytest.raises(BadInput) as refused:
        rows(document)
    assert why in str(refused.value)


@pytest.mark.parametrize("kind", ["", "text/plain", "application/json; charset=latin-1", "text/csv; header=present"])
def test_other_content_types_are_refused(kind: str) -> None:
    with pytest.raises(scoring.UnknownContentType):
        scoring.rows_of(kind, b"{}", SCHEMA)


@pytest.mark.parametrize("content", [b"a\nnan\n", b"a\ninf\n", b"a\n1e999\n", b"a\nmuch\n", b"\xff\n", b'a\n"x'])
def test_a_csv_that_holds_no_numbers_is_refused(content: bytes) -> None:
    with pytest.raises(BadInput):
        scoring.rows_of("text/csv", content, SCHEMA)


@given(st.binary(max_size=200), st.sampled_from(["application/json", "text/csv"]))
def test_no_bytes_make_it_fall_over(content: bytes, kind: str) -> None:
    with contextlib.suppress(BadInput):
        scoring.rows_of(kind, content, SCHEMA)


def test_one_output_is_given_as_values_and_several_as_records_with_null_for_nan() -> None:
    one = [Prediction("m", 1, "d", {"score": value}) for value in (0.5, math.nan)]
    assert scoring.answer((Field("score", "float"),), one) == b'{"predictions":[0.5,null]}'
    two = [Prediction("m", 1, "d", {"score": 0.5, "label": "x"})]
    assert json.loads(scoring.answer((Field("score", "float"), Field("label", "string")), two)) == {
        "predictions": [{"score": 0.5, "label": "x"}]
    }
