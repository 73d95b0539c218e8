"""Tables of a notebook become the same rows, whichever library made them."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pyarrow as pa

from tenure.client.tables import arrow_table, from_parquet, plain_rows, to_parquet

ROWS = [{"id": 1, "x": 1.5, "at": "2026-01-01T00:00:00"}, {"id": 2, "x": None, "at": None}]


class Frame:
    """What a DataFrame gives: numbers of numpy, and NaN and NaT for what is missing."""

    def to_dict(self, orient):
        assert orient == "records"
        moment = dt.datetime(2026, 1, 1)  # noqa: DTZ001 - as a DataFrame has it
        return [
            {"id": np.int64(1), "x": np.float64(1.5), "at": moment},
            {"id": np.int64(2), "x": np.float64("nan"), "at": np.datetime64("NaT")},
        ]


def test_data_frames_arrow_tables_and_lists_become_the_same_rows():
    assert plain_rows(Frame()) == ROWS
    assert plain_rows(pa.Table.from_pylist(ROWS)) == ROWS
    assert plain_rows(ROWS) == ROWS


def test_a_table_goes_over_the_wire_and_back():
    table = arrow_table(ROWS)
    assert table.column_names == ["id", "x", "at"]
    assert from_parquet(to_parquet(table)).equals(table)
