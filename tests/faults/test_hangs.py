"""A model that loops for ever on one row: only its own callers get the fallback, and it is back by itself."""

import http.client
import json
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from tests.faults.house import TOKEN, House, ask, started
from tests.worker.packages import PLAIN

pytestmark = pytest.mark.processes

SILENT_SECONDS = 2.0
FOR_EVER = PLAIN.replace(
    "    def score(self, row):\n", '    def score(self, row):\n        while row["a"] == 777.0: pass\n'
)
HARMLESS, DEADLY = {"customer": "x", "a": 1.0, "b": 1.0}, {"customer": "x", "a": 777.0, "b": 1.0}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """Give a house with two versions whose model loops for ever on one row; version 1 is the champion."""
    one = House(tmp_path / "home", source=FOR_EVER)
    one.made = [
        replace(made, worker=msgspec.structs.replace(made.worker, silent_seconds=SILENT_SECONDS)) for made in one.made
    ]
    one.publish(1, running=(1, 2))
    with started(one):
        yield one


def test_a_worker_that_hangs_is_killed_and_comes_back_while_other_versions_answer(house: House) -> None:
    hung, other = house.worker_pid("plain/1"), house.worker_pid("plain/2")
    began = time.monotonic()
    assert _decided_by(house, DEADLY) == "fallback"
    answered = 0
    while house.status()["workers"]["plain/1"]["pid"] == hung:
        assert _score_of(house, 2) == 3.0
        answered += 1
        assert time.monotonic() - began < 5 * SILENT_SECONDS + 10
        time.sleep(0.05)
    assert time.monotonic() - began >= SILENT_SECONDS
    assert answered > 5
    house.wait_until(lambda: house.is_whole() and _decided_by(house, HARMLESS) == "model", 90)
    workers = house.status()["workers"]
    assert (workers["plain/1"]["restarts"], workers["plain/2"]["restarts"]) == (1, 0)
    assert workers["plain/2"]["pid"] == other
    assert workers["plain/1"]["last_end"].startswith("killed, for it answered no PING for 2 s")
    assert "killed, for it answered no PING" in (house.home.logs / "supervisor.log").read_text()


def test_a_worker_that_hangs_is_killed_by_a_successor_of_the_supervisor_too(house: House) -> None:
    hung, before = house.worker_pid("plain/1"), house.supervisor_pid()
    os.kill(before, signal.SIGKILL)
    house.wait_until(lambda: house.is_whole() and house.supervisor_pid() != before, 90)
    assert house.worker_pid("plain/1") == hung
    assert _decided_by(house, DEADLY) == "fallback"
    house.wait_until(lambda: house.is_whole() and house.worker_pid("plain/1") != hung, 90)
    # The gateways knock at the new worker's door a moment after it is open.
    house.wait_until(lambda: _decided_by(house, HARMLESS) == "model", 90)


def test_a_worker_that_only_waits_for_work_is_left_alone(house: House) -> None:
    before = [house.worker_pid("plain/1"), house.worker_pid("plain/2")]
    time.sleep(2 * SILENT_SECONDS)
    assert [house.worker_pid("plain/1"), house.worker_pid("plain/2")] == before


def _decided_by(house: House, body: dict[str, object]) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", house.port, timeout=60)
    try:
        status, content = ask(connection, body)
    finally:
        connection.close()
    assert status == 200, content
    decided_by: str = json.loads(content)["decided_by"]
    return decided_by


def _score_of(house: House, version: int) -> float:
    """Ask a version directly, without an application."""
    inputs = [{"name": name, "shape": [1], "datatype": "FP64", "data": [HARMLESS[name]]} for name in ("a", "b")]
    connection = http.client.HTTPConnection("127.0.0.1", house.port, timeout=60)
    try:
        path, headers = f"/v2/models/plain/versions/{version}/infer", {"Authorization": f"Bearer {TOKEN}"}
        connection.request("POST", path, json.dumps({"inputs": inputs}), headers)
        response = connection.getresponse()
        content = response.read()
    finally:
        connection.close()
    assert response.status == 200, content
    score: float = json.loads(content)["outputs"][0]["data"][0]
    return score
