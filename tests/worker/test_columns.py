"""Rows to column bytes and back: every bit survives, and no bytes do harm."""

import math
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenure.contract.schema import DEFAULT_DTYPES, Field
from tenure.worker import columns
from tenure.worker.columns import BadRow, Codec, FrameError, read_columns, write_columns

_INTEGERS = {"int64": 63, "int32": 31, "int16": 15, "int8": 7}
DTYPES = ["float64", "float32", "bool", "uint8", "str", *_INTEGERS]


def values(dtype: str) -> st.SearchStrategy[Any]:
    if dtype in _INTEGERS:
        return st.integers(-(1 << _INTEGERS[dtype]), (1 << _INTEGERS[dtype]) - 1)
    if dtype.startswith("float"):
        return st.floats(width=32 if dtype == "float32" else 64)
    return {"bool": st.booleans(), "uint8": st.integers(0, 255), "str": st.text(st.characters(codec="utf-8"))}[dtype]


def shaped(value: st.SearchStrategy[Any], shape: tuple[int, ...]) -> st.SearchStrategy[Any]:
    for side in reversed(shape):
        value = st.lists(value, min_size=side, max_size=side)
    return value


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    fields, row = [], {}
    for nth in range(draw(st.integers(1, 5))):
        dtype, nullable = draw(st.sampled_from(DTYPES)), draw(st.booleans())
        shape = draw(st.sampled_from([(), (), (2,), (2, 3)]))
        fields.append({"name": f"f{nth}", "dtype": dtype, "nullable": nullable, "shape": list(shape)})
        value = shaped(values(dtype), shape)
        row[f"f{nth}"] = st.none() | value if nullable else value
    return fields, draw(st.lists(st.fixed_dictionaries(row), min_size=1, max_size=6))


@given(tables())
def test_rows_come_back_with_the_same_bits(table: tuple[list[dict[str, Any]], list[dict[str, Any]]]) -> None:
    fields, rows = table
    codec = Codec(fields)
    body = codec.pack(rows)
    # repr, because NaN equals nothing and 0.0 equals -0.0.
    assert repr(codec.unpack(len(rows), body)) == repr([{name: row[name] for name in codec.names} for row in rows])
    assert codec.join_rows(codec.split_rows(len(rows), body)) == body
    assert codec.pack(codec.unpack(len(rows), body)) == body


@given(tables(), st.binary(), st.integers(0, 5))
def test_damaged_columns_are_refused_and_nothing_else_happens(
    table: tuple[list[dict[str, Any]], list[dict[str, Any]]], damage: bytes, count: int
) -> None:
    fields, rows = table
    codec = Codec(fields)
    body = codec.pack(rows)
    for content in (damage, body + damage, body[: len(damage)], damage + body[len(damage) :]):
        try:
            again = codec.pack(codec.unpack(count, content)) if count else b""
        except FrameError:
            continue
        # Whatever is taken is exactly what was there, but for the bytes under a null.
        assert not count or len(again) == len(content)


@given(st.binary(max_size=200), st.integers(0, 300))
def test_a_damaged_columns_file_is_refused_and_nothing_else_happens(damage: bytes, at: int) -> None:
    good = write_columns(
        [{"name": "x", "dtype": "str"}], 2, Codec([{"name": "x", "dtype": "str"}]).pack([{"x": "a"}, {"x": "bc"}])
    )
    for content in (damage, good[:at] + damage + good[at + len(damage) :], good[:at]):
        try:
            schema, count, body = read_columns(content)
        except FrameError:
            continue
        # A flipped bit inside the text may be another text; a flipped bit elsewhere was noticed.
        assert len(write_columns(schema, count, body)) <= len(content) + len(damage) + 16


def test_a_columns_file_holds_its_schema() -> None:
    fields: list[dict[str, Any]] = [{"name": "x", "type": "int", "nullable": True}, {"name": "t", "type": "string"}]
    body = Codec(fields).pack([{"x": None, "t": "ä"}, {"x": 7, "t": ""}])
    content = write_columns(fields, 2, body)
    assert content[:4] == b"TNRC"
    assert read_columns(content) == (fields, 2, body)


def test_one_row_of_numbers_is_one_plain_struct() -> None:
    codec = Codec([Field("a", "float"), Field("b", "int", "int16")])
    assert codec.pack_row({"b": -2, "a": 1.5}) == struct.pack("<dh", 1.5, -2)


def test_the_bits_of_every_float_survive() -> None:
    codec = Codec([Field("a", "float")])
    for bits in (0x7FF8000000000001, 0xFFF8000000000000, 0x7FF0000000000000, 0x8000000000000000, 1):
        body = struct.pack("<Q", bits)
        assert codec.pack_row(codec.unpack_row(body)) == body


def test_text_columns_are_offsets_then_utf8() -> None:
    codec = Codec([Field("t", "string", nullable=True)])
    body = codec.pack([{"t": "ä"}, {"t": None}, {"t": "b"}])
    assert body == b"\x01\x00\x01" + struct.pack("<4I", 0, 2, 2, 3) + "äb".encode()


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        (Field("x", "float"), "1.5", "field 'x': this str is no float64"),
        (Field("x", "int"), 1.0, "field 'x': this float is no int64"),
        (Field("x", "int", "int8"), 128, "field 'x': this int is no int8"),
        (Field("x", "float", "float32"), 1e300, "field 'x': this float is no float32"),
        (Field("x", "bool"), "false", "field 'x': this str is no bool"),
        (Field("x", "string"), 5, "field 'x': this int is no str"),
        (Field("x", "string"), "\ud800", "field 'x': this str is no str"),
        (Field("x", "float"), None, "field 'x' has no value"),
        (Field("x", "float", shape=(2,)), [1.0], "field 'x': this list is no float64 of shape [2]"),
        (Field("x", "float", shape=(2,)), "ab", "field 'x': this str is no float64 of shape [2]"),
    ],
)
def test_a_value_that_does_not_fit_is_told_by_field_and_never_by_value(field: Field, value: Any, message: str) -> None:
    with pytest.raises(BadRow) as told:
        Codec([field]).pack_row({"x": value})
    assert str(told.value) == message


def test_an_absent_key_is_a_null() -> None:
    assert Codec([Field("x", "float", nullable=True)]).unpack_row(b"\x00" * 9) == {"x": None}
    assert Codec([Field("x", "float", nullable=True)]).pack_row({}) == b"\x00" * 9


def test_numpy_values_are_taken() -> None:
    numpy = pytest.importorskip("numpy")
    codec = Codec([Field("a", "float"), Field("b", "bool"), Field("v", "float", "float32", shape=(2,))])
    row = {"a": numpy.float64(0.1), "b": numpy.True_, "v": numpy.array([0.5, math.inf], numpy.float32)}
    assert codec.unpack_row(codec.pack_row(row)) == {"a": 0.1, "b": True, "v": [0.5, math.inf]}


def test_both_sides_know_the_same_dtypes() -> None:
    assert columns.DEFAULT_DTYPES == DEFAULT_DTYPES
