"""The Open Inference Protocol's bytes, alone."""

import contextlib
import json
import math
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenure.contract.predictor import Prediction
from tenure.contract.schema import Field
from tenure.entrypoints.gateway import oip
from tenure.entrypoints.gateway.model_rows import BadInput
from tenure.entrypoints.gateway.oip_binary import FORMATS, datatype_of, read_tensor, write_tensor

AB = (Field("a", "float"), Field("b", "int", nullable=True))
TEXT = (Field("t", "string"), Field("v", "float", dtype="float32", shape=(2, 2)))
OUT = (Field("score", "float"), Field("word", "string", nullable=True))


def rows(document: Any, schema: Any = AB, raw: bytes = b"") -> list[dict[str, Any]]:
    content = json.dumps(document).encode()
    return oip.rows_of(oip.parse(content + raw, len(content) if raw else None), schema)


def tensor(name: str, shape: list[int], datatype: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "shape": shape, "datatype": datatype, **more}


def raw_tensor(name: str, shape: list[int], datatype: str, raw: bytes) -> dict[str, Any]:
    return tensor(name, shape, datatype, parameters={"binary_data_size": len(raw)})


def test_columns_come_flat_or_nested_and_in_any_order() -> None:
    a = tensor("a", [2], "FP64", data=[1.5, 2])
    assert rows({"inputs": [tensor("b", [2, 1], "INT64", data=[[1], [None]]), a]}) == [
        {"a": 1.5, "b": 1},
        {"a": 2, "b": None},
    ]


def test_a_matrix_stands_for_all_inputs_in_their_order() -> None:
    assert rows({"inputs": [tensor("input-0", [2, 2], "FP32", data=[1, 2, 3, 4])]}) == [
        {"a": 1, "b": 2},
        {"a": 3, "b": 4},
    ]


def test_raw_and_json_tensors_stand_side_by_side() -> None:
    a, t = struct.pack("<2d", 1.0, 2.0), b"\x02\0\0\0hi\0\0\0\0"
    assert rows({"inputs": [raw_tensor("a", [2], "FP64", a), tensor("b", [2], "INT64", data=[7, 8])]}, AB, a) == [
        {"a": 1.0, "b": 7},
        {"a": 2.0, "b": 8},
    ]
    v = struct.pack("<8f", *range(8))
    found = rows({"inputs": [raw_tensor("t", [2], "BYTES", t), raw_tensor("v", [2, 2, 2], "FP32", v)]}, TEXT, t + v)
    assert found == [{"t": "hi", "v": [[0, 1], [2, 3]]}, {"t": "", "v": [[4, 5], [6, 7]]}]


def test_half_precision_is_read_from_raw_bytes() -> None:
    assert read_tensor("FP16", 2, struct.pack("<2e", 0.5, -2.0)) == [0.5, -2.0]
    assert read_tensor("BF16", 2, b"\x80\x3f\x00\xc0") == [1.0, -2.0]


A = tensor("a", [1], "FP64", data=[1.0])
B = tensor("b", [1], "INT64", data=[1])


@pytest.mark.parametrize(
    ("document", "why"),
    [
        ([], "cannot be read"),
        ({}, "inputs"),
        ({"inputs": []}, "no row"),
        ({"inputs": [B]}, "'a' has no value"),
        ({"inputs": [A, A]}, "comes once"),
        ({"inputs": [A, tensor("c", [1], "FP64", data=[1])]}, "no input 'c'"),
        ({"inputs": [A, tensor("b", [2], "INT64", data=[1, 2])]}, "same number of rows"),
        ({"inputs": [tensor("a", [2], "FP64", data=[1.0])]}, "has 1 items, its shape says 2"),
        ({"inputs": [tensor("a", [1, 3], "FP64", data=[1, 2, 3])]}, "not [-1]"),
        ({"inputs": [tensor("a", [], "FP64", data=[1.0])]}, "shape"),
        ({"inputs": [tensor("a", [-1], "FP64", data=[1.0])]}, "shape"),
        ({"inputs": [tensor("a", [1], "FP99", data=[1.0])]}, "unknown datatype"),
        ({"inputs": [tensor("a", [1], "FP64")]}, "either data or binary_data_size"),
        ({"inputs": [tensor("a", [1], "FP64", data=[True])]}, "truth value"),
        ({"inputs": [tensor("a", [2], "FP64", data=[[1.0], 2.0])]}, "side by side"),
        ({"inputs": [raw_tensor("a", [1], "FP64", b"12345678")]}, "8 bytes, not 0"),
        ({"inputs": [tensor("a", [1], "FP64", parameters={"binary_data_size": -1})]}, "binary_data_size"),
        ({"inputs": [tensor("a", [1], "FP64", parameters={"shared_memory_region": "x"})]}, "not offered"),
        ({"inputs": [A], "outputs": [{"name": "score", "parameters": {"classification": 3}}]}, "not offered"),
        ({"inputs": [A], "parameters": {"binary_data_output": 1}}, "true or false"),
        ({"inputs": [A], "parameters": {"timeout": "soon"}}, "microseconds"),
        ({"inputs": [tensor("a", [10_001], "FP64", data=[1.0] * 10_001)]}, "at most 10000"),
    ],
)
def test_what_is_no_request_is_refused_with_the_reason(document: Any, why: str) -> None:
    with pytest.raises(BadInput) as refused:
        rows(document)
    assert why in str(refused.value)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_none_are_refused_raw_and_in_json(number: float) -> None:
    raw = struct.pack("<d", number)
    with pytest.raises(BadInput, match="NaN or infinite"):
        rows({"inputs": [raw_tensor("a", [1], "FP64", raw)]}, AB, raw)
    with pytest.raises(BadInput, match="cannot be read"):
        rows({"inputs": [tensor("a", [1], "FP64", data=[number])]})


def test_a_depth_bomb_and_a_wrong_json_length_are_refused() -> None:
    with pytest.raises(BadInput):
        oip.parse(b'{"inputs":[{"name":"a","shape":[1],"datatype":"FP64","data":' + b"[" * 200_000)
    with pytest.raises(BadInput, match="account for 13 bytes"):
        oip.parse(b'{"inputs":[]}more', 13)
    for length in (-1, 99):
        with pytest.raises(BadInput, match="Content-Length"):
            oip.parse(b"{}", length)
    with pytest.raises(BadInput, match="bytes"):
        read_tensor("FP64", 10**30, b"")
    with pytest.raises(BadInput, match="before its item 0"):
        read_tensor("BYTES", 10**30, b"")


@given(st.binary(max_size=300), st.integers(0, 300) | st.none())
def test_no_bytes_make_it_fall_over(content: bytes, length: int | None) -> None:
    with contextlib.suppress(BadInput):
        oip.rows_of(oip.parse(content, length), AB)


@given(st.data())
def test_raw_tensors_come_back_as_they_went(data: st.DataObject) -> None:
    datatype = data.draw(st.sampled_from(sorted(FORMATS)))
    form = FORMATS[datatype]
    whole = st.integers(0, 100) if form not in "?efd" else st.sampled_from([0.0, -1.5, 2.0])
    items = data.draw(st.lists(st.booleans() if form == "?" else whole))
    raw = write_tensor(datatype, items)
    assert raw is not None
    assert read_tensor(datatype, len(items), raw) == items


# ---- answers


def said(*outputs: dict[str, Any]) -> list[Prediction]:
    return [Prediction("m", 3, "d", output) for output in outputs]


def answered(request: dict[str, Any], predictions: list[Prediction], schema: Any = OUT) -> tuple[Any, bytes]:
    asked = oip.parse(json.dumps({"inputs": [A], **request}).encode())
    content, length = oip.answer(asked, "id", schema, "m", 3, predictions)
    return json.loads(content[:length]), content[length:] if length else b""


def test_an_answer_has_every_output_flat_with_null_for_what_is_no_number() -> None:
    document, raw = answered({}, said({"score": 0.5, "word": "x"}, {"score": math.nan, "word": None}))
    assert (document["model_name"], document["model_version"], document["id"], raw) == ("m", "3", "id", b"")
    assert document["outputs"] == [
        {"name": "score", "shape": [2], "datatype": "FP64", "data": [0.5, None]},
        {"name": "word", "shape": [2], "datatype": "BYTES", "data": ["x", None]},
    ]


def test_outputs_go_back_raw_where_the_client_says_so_and_an_outputs_own_word_counts() -> None:
    document, raw = answered({"parameters": {"binary_data_output": True}}, said({"score": 0.5, "word": "hi"}))
    assert [one["parameters"]["binary_data_size"] for one in document["outputs"]] == [8, 6]
    assert raw == struct.pack("<d", 0.5) + b"\x02\0\0\0hi"
    wanted = {
        "parameters": {"binary_data_output": True},
        "outputs": [{"name": "score", "parameters": {"binary_data": False}}],
    }
    document, raw = answered(wanted, said({"score": 0.5, "word": "hi"}))
    assert (document["outputs"], raw) == ([{"name": "score", "shape": [1], "datatype": "FP64", "data": [0.5]}], b"")


def test_a_null_that_no_raw_tensor_can_carry_goes_back_as_json() -> None:
    wanted = {"parameters": {"binary_data_output": True}}
    document, raw = answered(wanted, said({"score": None, "word": None}), (Field("score", "float"), OUT[1]))
    assert document["outputs"][1]["data"] == [None]
    assert math.isnan(struct.unpack("<d", raw)[0])


def test_an_output_that_the_model_does_not_have_is_refused() -> None:
    asked = oip.parse(json.dumps({"inputs": [A], "outputs": [{"name": "else"}]}).encode())
    with pytest.raises(BadInput, match="no output 'else'"):
        oip.check_outputs(asked, OUT)


def test_a_model_tells_its_tensors() -> None:
    document = json.loads(oip.model_document("m", [1, 2], TEXT, OUT))
    assert document["versions"] == ["1", "2"]
    assert document["inputs"] == [
        {"name": "t", "datatype": "BYTES", "shape": [-1]},
        {"name": "v", "datatype": "FP32", "shape": [-1, 2, 2]},
    ]
    assert {datatype_of(name) for name in ("bool", "int8", "category")} == {"BOOL", "INT8", "BYTES"}
