"""Runs over a whole file: in order, resumed after a kill, no row decided twice and none missing."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tenure.client.client import Client, Encoded
from tenure.client.connection import RemoteProblem, Unreachable
from tenure.entrypoints.cli import deciding
from tenure.entrypoints.cli.deciding import COLUMNS, decided, parts_of
from tenure.entrypoints.cli.rows import UnknownFileKind, read_rows, write_rows
from tenure.entrypoints.cli.streams import (
    AnotherRun,
    Journal,
    check_writable,
    count_in,
    rows_in,
    run_of,
    write_stream,
)
from tests.faults.house import TOKEN, House, running

TYPES: Any = {"customer": "string", "a": "float", "b": "float"}
ROWS = [{"customer": f"c{nth}", "a": 1.0, "b": float(nth)} for nth in range(15_000)]

RUN = """
import sys
from pathlib import Path
from tenure.client.client import Client
from tenure.entrypoints.cli.deciding import COLUMNS, decided
from tenure.entrypoints.cli.streams import write_stream
url, token, source, output, types = *sys.argv[1:3], Path(sys.argv[3]), Path(sys.argv[4]), eval(sys.argv[5])
connect = lambda: Client(url, token)
with decided(connect, "offers", types, source, output, "night", 3, lambda _: None) as journal:
    write_stream(output, journal.answers, COLUMNS)
"""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with running(tmp_path_factory.mktemp("deciding") / "home") as one:
        yield one


@pytest.mark.processes
def test_a_run_killed_again_and_again_ends_with_every_row_decided_once(house: House, tmp_path: Path) -> None:
    source, output = tmp_path / "rows.parquet", tmp_path / "answers.parquet"
    write_rows(source, ROWS)
    command: list[str | Path] = [sys.executable, "-c", RUN, f"http://127.0.0.1:{house.port}", TOKEN, source, output]
    command.append(repr(TYPES))
    dice, kept, kills = random.Random(5), [], 0
    part = output.with_name("answers.parquet.part")
    while part.exists() or not output.exists():
        process = subprocess.Popen(command)
        if kills < 6:
            # Looked at by its size, which takes no time in which the run would go on.
            wanted = _size(part) + dice.randrange(1, 300_000)
            _wait(lambda: process.poll() is not None or _size(part) >= wanted)  # noqa: B023
            process.send_signal(signal.SIGKILL)
            process.wait()
            kills += process.returncode == -signal.SIGKILL
            kept += [len(part.read_bytes().splitlines())] if part.exists() else []
        else:
            assert process.wait(60) == 0
    assert kills >= 3
    assert kept == sorted(kept)
    answers = read_rows(output)
    assert [json.loads(one["output"])["score"] for one in answers] == [1.0 + nth for nth in range(len(ROWS))]
    decisions = [one for one in house.logged() if one["kind"] == "decision"]
    assert sorted(one["request"]["b"] for one in decisions) == [row["b"] for row in ROWS]
    assert {one["id"] for one in decisions} == {one["decision_id"] for one in answers}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["answers.parquet", "rows.parquet"]


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def _wait(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.005)


@pytest.mark.processes
def test_gateways_killed_under_a_run_cost_no_row_and_double_none(tmp_path: Path) -> None:
    source = tmp_path / "rows.jsonl"
    killed: list[int] = []
    write_rows(source, ROWS)
    with running(tmp_path / "home") as house:

        def connect() -> Client:
            return Client(f"http://127.0.0.1:{port}", TOKEN)

        def kill(done: int) -> None:
            if done and len(killed) < 3 and dice.random() < 0.3:
                killed.append(dice.choice(house.gateway_pids()))
                os.kill(killed[-1], signal.SIGKILL)

        port, dice = house.port, random.Random(3)
        with decided(connect, "offers", TYPES, source, None, "night", 3, kill) as journal:
            answers = list(journal.answers())
        house.wait_until(house.is_whole, 90)
        decisions = [one for one in house.logged() if one["kind"] == "decision"]
    assert len(killed) == 3
    assert [one["output"]["score"] for one in answers] == [1.0 + nth for nth in range(len(ROWS))]
    assert sorted(one["request"]["b"] for one in decisions) == [row["b"] for row in ROWS]
    assert {one["id"] for one in decisions} == {one["decision_id"] for one in answers}


@pytest.mark.processes
def test_rows_that_are_refused_have_their_problem_in_place(house: House, tmp_path: Path) -> None:
    source, output = tmp_path / "rows.csv", tmp_path / "answers.csv"
    source.write_text("customer,a,b\nx,1,2\ny,much,2\nz,1,\n")

    def connect() -> Client:
        return Client(f"http://127.0.0.1:{house.port}", TOKEN)

    counted: list[int] = []
    with decided(connect, "offers", TYPES, source, output, "refused", 2, counted.append) as journal:
        write_stream(output, journal.answers, COLUMNS)
        found = list(journal.answers())
    assert [one.get("error", "")[:2] for one in found] == ["", "a:", "b:"]
    assert [bool(one.get("decision_id")) for one in read_rows(output)] == [True, False, False]
    assert sum(counted) == 3


class Busy:
    """A server that is away, then busy, then busy for one row, then answers."""

    def __init__(self) -> None:
        self.asked = 0

    def decide_encoded(self, _: str, rows: list[Any], key: str, first: int) -> Encoded:
        self.asked += 1
        if self.asked == 1:
            raise Unreachable(url="", why="gone")
        if self.asked == 2:
            raise RemoteProblem({"status": 429})
        if self.asked == 3:
            return Encoded([msgspec.Raw(b'{"problem":{"status":503,"detail":"full"}}')], refused=1)
        return Encoded([msgspec.Raw(b'{"key":"%s/%d"}' % (key.encode(), first + nth)) for nth, _ in enumerate(rows)])

    def close(self) -> None:
        pass


def test_a_server_that_is_away_or_busy_is_asked_again_under_the_same_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deciding, "_PAUSE_SECONDS", 0.0)
    source = tmp_path / "rows.jsonl"
    write_rows(source, ROWS[:2])
    with decided(Busy, "offers", TYPES, source, None, "r", 1, lambda _: None) as journal:  # type: ignore[arg-type]
        assert list(journal.answers()) == [{"key": "r/0"}, {"key": "r/1"}]


def test_parts_are_bounded_by_rows_and_by_bytes_and_number_their_rows() -> None:
    parts = list(parts_of(ROWS[:1200], 7))
    assert [(part.first, len(part.rows)) for part in parts] == [(7, 500), (507, 500), (1007, 200)]
    large = [{"text": "x" * 300_000}] * 3
    assert [(part.first, len(part.rows)) for part in parts_of(large, 0)] == [(0, 1), (1, 1), (2, 1)]
    assert [msgspec.json.decode(raw) for raw in parts[0].rows] == ROWS[:500]


@pytest.mark.parametrize("ending", [".json", ".jsonl", ".csv", ".parquet"])
def test_rows_are_read_and_written_one_after_the_other_as_they_are_together(tmp_path: Path, ending: str) -> None:
    together, apart = tmp_path / f"together{ending}", tmp_path / f"apart{ending}"
    write_rows(together, ROWS)
    assert list(rows_in(together)) == read_rows(together)
    assert count_in(together) == len(ROWS)
    answers = [{"decision_id": str(nth), "revision": nth, "answer": {"x": nth}} for nth in range(2500)]
    write_stream(apart, lambda: answers, COLUMNS)
    found = read_rows(apart)
    assert [str(one["revision"]) for one in found] == [str(nth) for nth in range(2500)]
    write_stream(apart, list, COLUMNS)
    assert read_rows(apart) == []


def test_what_cannot_be_written_is_refused_before_anything_is_decided(tmp_path: Path) -> None:
    with pytest.raises(UnknownFileKind):
        check_writable(tmp_path / "answers.xlsx")


def test_a_journal_goes_on_after_a_torn_line_and_refuses_another_run(tmp_path: Path) -> None:
    source, file = tmp_path / "rows.jsonl", tmp_path / "answers.part"
    write_rows(source, ROWS[:3])
    journal = Journal(file, run_of("offers", "night", source))
    journal.add([b'{"n":1}', b'{"n":2}'])
    journal.close()
    whole = file.read_bytes()
    for cut in range(1, len(b'{"n":2}\n')):
        file.write_bytes(whole[:-cut])
        again = Journal(file, run_of("offers", "night", source))
        assert again.count == 1
        again.add([b'{"n":2}'])
        again.close()
        assert file.read_bytes() == whole
    with pytest.raises(AnotherRun, match="key"):
        Journal(file, run_of("offers", "day", source))
    file.write_bytes(whole[:5])
    assert Journal(file, run_of("offers", "day", source)).count == 0
