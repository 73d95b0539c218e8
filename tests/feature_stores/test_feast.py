"""A view out of a real Feast repository: made by Feast itself, in an environment of its own, read by nothing of Feast.

`store/` is what `make_store.py` left of Feast 0.67; the long form makes it anew with the release that is locked here.
"""

from __future__ import annotations

import json
import math
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from uv import find_uv_bin

from tenure.app.control import Control
from tenure.client.feast import FeastUnreadable, decoded, entity, feast_view
from tenure.entrypoints.cli.feast import taken
from tenure.kit.clock import parse_iso
from tenure.settings import Home
from tests.cli.test_features import Asking, quiet

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
STORE = HERE / "store"
COLUMNS = {
    "trips": "int", "balance": "int", "rate": "float", "score": "float", "night": "bool", "name": "string", "seen": "timestamp",
}  # fmt: skip
SINCE = {
    "1001": "2026-11-01T12:00:00Z",
    "1002": "2026-11-01T13:00:00Z",
    "ä-3": "2026-11-02T12:00:00Z",
}


@pytest.fixture
def tenure(tmp_path: Path) -> Iterator[Any]:
    with Control.open(Home(tmp_path / "home")) as control:
        yield Asking(control)


def _is_what_feast_says(tenure: Any, repository: Path, view: str) -> None:
    answers = json.loads((repository / "answers.json").read_text())
    assert sorted(answers) == sorted(SINCE)
    for key, told in answers.items():
        found = tenure.call("features:get", view=view, key=key)
        assert parse_iso(found["known_at"]) == parse_iso(SINCE[key])
        for name, expected in told.items():
            value = found["values"][name]
            if name == "seen":
                assert abs(value - parse_iso(expected.replace(" ", "T"))) < 1_000_000, "Feast keeps whole seconds"
            else:
                # Empty text is a missing value here, as in every file of rows.
                assert (value, type(value)) == ((None, type(None)) if expected == "" else (expected, type(expected)))


def _taken_and_compared(tenure: Any, repository: Path) -> None:
    source = f"feast:{repository}"
    wanted = "".join(f"  {name}: {{type: {kind}, required: false}}\n" for name, kind in COLUMNS.items())
    tenure.call("features:apply", text=f"view: drivers\nkey: id\ncolumns:\n{wanted}")
    files = {file: file.read_bytes() for file in repository.rglob("*") if file.is_file()}
    assert taken(tenure, "drivers", source, "activity", "", quiet, portion=2) == {
        "view": "drivers",
        "rows": 3,
        "new": 3,
    }
    _is_what_feast_says(tenure, repository, "drivers")
    assert taken(tenure, "drivers", source, "activity", "", quiet)["new"] == 0, "what is known is not kept again"
    assert {file: file.read_bytes() for file in repository.rglob("*") if file.is_file()} == files, "nothing was written"


def test_every_value_comes_over_as_feast_itself_tells_it_since_its_event_timestamp(tenure: Any) -> None:
    _taken_and_compared(tenure, STORE)


def test_a_view_that_nobody_defined_gets_feasts_types_and_what_can_be_no_column_is_left_out(tenure: Any) -> None:
    taken(tenure, "activity", f"feast://{STORE}", "", "", quiet)
    shown = tenure.call("features:show", view="activity")
    assert shown["key"] == "driver"
    assert {column["name"]: column["type"] for column in shown["columns"]} == COLUMNS
    _is_what_feast_says(tenure, STORE, "activity")


@pytest.mark.soak
def test_a_store_that_feast_makes_now_is_read_the_same(tenure: Any, tmp_path: Path) -> None:
    uv, python = find_uv_bin(), tmp_path / "environment" / "bin" / "python"
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, tmp_path / "environment"], check=True)
    locked = HERE / "feast.txt"
    subprocess.run([uv, "pip", "sync", "--quiet", "--require-hashes", "--python", python, locked], check=True)
    repository = tmp_path / "repository"
    made = [python, HERE / "make_store.py", repository]
    subprocess.run(made, check=True, capture_output=True, env={"FEAST_USAGE": "False", "HOME": str(tmp_path)})
    _taken_and_compared(tenure, repository)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("text.replace('type: sqlite', 'type: redis')", "only SQLite's is read"),
        ("text.replace('online_store.db', 'elsewhere.db')", "is not there"),
        ("text.replace('project: rides', 'project: other')", "no table 'other_activity'; there are rides_activity"),
        ("'- a list'", "names no project"),
    ],
)
def test_a_repository_that_cannot_be_read_is_refused_with_the_reason(tmp_path: Path, change: str, why: str) -> None:
    shutil.copytree(STORE, tmp_path / "store")
    settings = tmp_path / "store" / "feature_store.yaml"
    settings.write_text(eval(change, {"text": settings.read_text()}))
    with pytest.raises(FeastUnreadable, match=why):
        feast_view(tmp_path / "store", "activity")


def test_only_features_that_are_there_and_can_be_columns_are_read() -> None:
    view = feast_view(STORE, "activity")
    for column, why in (("trip", "no feature 'trip'"), ("path", "is a list, bytes or a map")):
        with pytest.raises(FeastUnreadable, match=why):
            list(view.rows([column]))


def test_keys_of_several_columns_and_of_older_versions_are_refused_by_name() -> None:
    def text(word: str) -> bytes:
        return (2).to_bytes(4, "little") + len(word).to_bytes(4, "little") + word.encode()

    one = (1).to_bytes(4, "little") + text("id") + (4).to_bytes(8, "little")[:4] + (8).to_bytes(4, "little")
    assert entity(one + (-5).to_bytes(8, "little", signed=True)) == ("id", -5)
    two = (2).to_bytes(4, "little") + text("a") + text("b") + text("x") + text("y")
    with pytest.raises(FeastUnreadable, match=r"2 columns \(a, b\)"):
        entity(two)
    old = (2).to_bytes(4, "little") + b"id" + text("x")
    with pytest.raises(FeastUnreadable, match="no key of serialization version 3"):
        entity(old)


@given(st.binary(max_size=40))
def test_no_bytes_make_the_reader_fail_otherwise_than_by_refusing(content: bytes) -> None:
    for read in (decoded, entity):
        try:
            found: Any = read(content)
        except FeastUnreadable:
            continue
        assert len(found) == 2


def test_a_missing_value_and_not_a_number_are_missing(tenure: Any, tmp_path: Path) -> None:
    shutil.copytree(STORE, tmp_path / "store")
    import struct

    with sqlite3.connect(tmp_path / "store" / "data" / "online_store.db") as store:
        nan = b"\x29" + struct.pack("<d", math.nan)
        store.execute("UPDATE rides_activity SET value = ? WHERE feature_name = 'score'", (nan,))
        store.execute("UPDATE rides_activity SET value = NULL WHERE feature_name = 'night'")
    store.close()
    taken(tenure, "activity", f"feast:{tmp_path / 'store'}", "", "", quiet)
    found = tenure.call("features:get", view="activity", key="1001")["values"]
    assert found["score"] is None
    assert "night" not in found, "a feature that never has a value is no column"
