"""The queue of decisions left to people, and the newest of what a search asks for, without reading all of the log."""

import random
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tenure.adapters.decision_log.heads import head_of
from tenure.adapters.decision_log.index import Index, Sought, index_file
from tenure.adapters.decision_log.reader import LogReader
from tenure.adapters.decision_log.sealer import Sealer
from tenure.adapters.decision_log.writer import LogWriter
from tenure.kit.clock import DAY, FixedClock
from tests.decision_log.log_faults import NOON, decision, id_of


def resolution(number: int, of: bytes) -> bytes:
    return decision(1000 + number, NOON + 500_000 + number, kind="resolution", decision=id_of(of))


def seal(decisions: Path) -> None:
    Sealer(decisions, clock=FixedClock(NOON + DAY)).seal()


WAITING = [
    decision(number, NOON + number, status="pending_review", application=f"a{number % 2}") for number in range(6)
]


@pytest.mark.parametrize("sealed", ["nothing", "decisions", "all"])
def test_what_waits_is_known_whatever_is_sealed(tmp_path: Path, sealed: str) -> None:
    writer = LogWriter.open(tmp_path, "gateway-1")
    people = LogWriter.open(tmp_path, "control")
    writer.append_all([*WAITING, decision(9, NOON + 9)])
    if sealed != "nothing":
        seal(tmp_path)
    people.append_all([resolution(1, WAITING[1]), resolution(2, WAITING[4])])
    if sealed == "all":
        seal(tmp_path)
    reader = LogReader(tmp_path)
    left = [WAITING[0], WAITING[2], WAITING[3], WAITING[5]]
    assert [one.id for one in reader.unresolved()] == [id_of(record) for record in left]
    assert [one.id for one in reader.unresolved("a1")] == [id_of(record) for record in (WAITING[3], WAITING[5])]
    assert reader.about([id_of(WAITING[4]), id_of(WAITING[0])], "resolution") == [resolution(2, WAITING[4])]
    writer.close_now()
    people.close_now()


def test_the_queue_costs_what_waits_in_it_and_not_what_was_ever_decided(tmp_path: Path) -> None:
    writer = LogWriter.open(tmp_path, "gateway-1")
    writer.append_all([*WAITING, *(decision(number, NOON + number) for number in range(100, 3100))])
    writer.close_now()
    seal(tmp_path)
    steps = [0]

    def step() -> int:
        steps[0] += 1
        return 0

    with Index(tmp_path) as index:
        index._connection.set_progress_handler(step, 10)  # noqa: SLF001 - what SQLite does is not to be seen from outside
        assert len(index.unresolved(None)) == len(WAITING)
    assert steps[0] * 10 < 1000, "a look at each of 3,000 records takes more"


def test_an_index_of_an_earlier_version_is_made_again(tmp_path: Path) -> None:
    writer = LogWriter.open(tmp_path, "gateway-1")
    writer.append_all(WAITING)
    writer.close_now()
    seal(tmp_path)
    with sqlite3.connect(index_file(tmp_path)) as old:
        old.execute("DROP TABLE pending")
        old.execute("PRAGMA user_version = 0")
    old.close()
    assert [one.id for one in LogReader(tmp_path).unresolved()] == [id_of(record) for record in WAITING]


def test_every_search_of_the_index_finds_what_looking_at_each_record_finds(tmp_path: Path) -> None:
    chance = random.Random(7)
    records = [
        decision(
            number,
            NOON + number * 7_000_000,
            application=chance.choice(["a", "b"]),
            entity=chance.choice(["e", "f", "g"]),
            decided_by=chance.choice(["model", "rule", "fallback"]),
            rules=chance.sample(["r", "s", "t"], chance.randrange(3)),
        )
        for number in range(400)
    ]
    writer = LogWriter.open(tmp_path, "gateway-1")
    writer.append_all(records)
    writer.close_now()
    seal(tmp_path)
    reader = LogReader(tmp_path)
    for _ in range(300):
        start = NOON + chance.randrange(400) * 7_000_000
        asked: dict[str, Any] = {
            "application": chance.choice([None, "a", "b"]),
            "entity": chance.choice([None, None, "e"]),
            "decided_by": chance.choice([None, None, "fallback", "rule"]),
            "rule": chance.choice([None, "r", "s"]),
            "since": chance.choice([None, start]),
            "until": chance.choice([None, start + 300_000_000]),
            "after": chance.choice([None, id_of(chance.choice(records))]),
        }
        wanted = [record for record in reversed(records) if Sought(**asked).holds(head_of(record))]
        assert reader.find(**asked, limit=20) == wanted[:20], asked
