"""The proof of the batch form, against models whose bits are known to depend on what they should not."""

from __future__ import annotations

import itertools
import struct
from typing import Any

import pytest

from tenure.model.packaging.batch_form import NotDeterministic, prove

ROWS = [{"x": float(n)} for n in range(40)]


def bits(value: float) -> bytes:
    return struct.pack("<d", value)


def clock() -> Any:
    return itertools.count(0, 0.001).__next__


def test_a_model_that_looks_at_each_row_alone_may_take_any_multiple_of_eight() -> None:
    form = prove(lambda rows, _: [bits(row["x"] * 2) for row in rows], ROWS, clock())
    assert (form.kind, form.rows) == ("multiple", 8)


def test_a_model_whose_bits_depend_on_the_size_of_the_call_gets_one_fixed_shape() -> None:
    form = prove(lambda rows, _: [bits(row["x"] + len(rows) * 1e-9) for row in rows], ROWS, clock())
    assert (form.kind, form.rows) == ("fixed", 64)


def test_a_fixed_shape_that_costs_too_much_is_passed_over() -> None:
    now = [0.0]

    def call(rows: list[dict[str, Any]], shape: int) -> list[bytes]:
        now[0] += 1.0 if shape <= 8 else 2.0
        return [bits(row["x"] + shape * 1e-9) for row in rows]

    form = prove(call, ROWS, lambda: now[0])
    assert (form.kind, form.rows) == ("fixed", 8)


def test_a_model_whose_bits_depend_on_the_place_is_asked_one_row_at_a_time() -> None:
    form = prove(lambda rows, _: [bits(row["x"] + n * 1e-9) for n, row in enumerate(rows)], ROWS, clock())
    assert (form.kind, form.rows) == ("single", 1)


def test_a_dependence_on_a_single_late_place_in_large_calls_is_found() -> None:
    def call(rows: list[dict[str, Any]], _: int) -> list[bytes]:
        return [bits(row["x"] + (1e-9 if n == 500 else 0.0)) for n, row in enumerate(rows)]

    assert prove(call, ROWS, clock()).kind == "fixed"


def test_a_dependence_on_neighbours_is_found() -> None:
    def call(rows: list[dict[str, Any]], _: int) -> list[bytes]:
        mean = sum(row["x"] for row in rows) / len(rows)
        return [bits(row["x"] + mean * 1e-12) for row in rows]

    assert prove(call, ROWS, clock()).kind == "single"


def test_a_model_that_rolls_dice_is_refused() -> None:
    dice = itertools.count()
    with pytest.raises(NotDeterministic):
        prove(lambda rows, _: [bits(float(next(dice))) for _ in rows], ROWS, clock())
