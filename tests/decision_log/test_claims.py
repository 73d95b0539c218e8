"""Idempotency keys: one effect, whoever tries, however often, whatever dies."""

import asyncio
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tenure.adapters.decision_log.claims import Claims, Done, InFlight, Mismatch, Reserved
from tenure.adapters.decision_log.streams import UnsealedLog, dead_streams
from tenure.adapters.decision_log.writer import LogWriter
from tenure.kit.clock import DAY, FixedClock
from tests.decision_log.log_faults import decision, id_of


def test_a_key_is_reserved_once_and_answers_for_ever_after(tmp_path: Path) -> None:
    one, other = Claims(tmp_path / "claims.db"), Claims(tmp_path / "claims.db")
    assert one.reserve("credit", "k", "body", "d1", "s1") == Reserved()
    assert other.reserve("credit", "k", "body", "d2", "s2") == InFlight("d1", "s1")
    assert other.reserve("credit", "k", "changed", "d2", "s2") == Mismatch("d1")
    assert other.reserve("sales", "k", "body", "d3", "s2") == Reserved(), "keys belong to an application"
    one.finish("credit", "k", b"answer")
    assert other.reserve("credit", "k", "body", "d2", "s2") == Done(b"answer")
    assert other.reserve("credit", "k", "changed", "d2", "s2") == Mismatch("d1")


def test_many_keys_are_reserved_and_ended_as_each_would_be_alone(tmp_path: Path) -> None:
    clock = FixedClock(1_000_000)
    claims, other = Claims(tmp_path / "claims.db", clock=clock), Claims(tmp_path / "claims.db", clock=clock)
    other.reserve("credit", "old", "before", "d0", "s2")
    other.finish("credit", "old", b"forgotten")
    clock.at += DAY + 1
    other.reserve("credit", "theirs", "body", "d1", "s2")
    other.reserve("credit", "done", "body", "d2", "s2")
    other.finish("credit", "done", b"answer")
    other.reserve("credit", "changed", "another body", "d3", "s2")
    names = ["old", "theirs", "done", "changed", *(f"night/{number}" for number in range(300))]
    found = claims.reserve_all("credit", [(name, "body", f"mine-{name}") for name in names], "s1")
    taken = {"theirs": InFlight("d1", "s2"), "done": Done(b"answer"), "changed": Mismatch("d3")}
    assert found == {name: taken.get(name, Reserved()) for name in names}
    claims.end_all("credit", {"old": b"made", "night/0": b"zero", "night/1": None})
    assert other.reserve("credit", "old", "body", "d9", "s2") == Done(b"made")
    assert other.reserve("credit", "night/0", "body", "d9", "s2") == Done(b"zero")
    assert other.reserve("credit", "night/1", "body", "d9", "s2") == Reserved(), "given back"
    assert other.reserve("credit", "night/2", "body", "d9", "s2") == InFlight("mine-night/2", "s1")


def test_a_released_key_is_free_again(tmp_path: Path) -> None:
    claims = Claims(tmp_path / "claims.db")
    claims.reserve("credit", "k", "body", "d1", "s1")
    claims.release("credit", "k")
    assert claims.reserve("credit", "k", "other", "d2", "s1") == Reserved()
    claims.finish("credit", "k", b"answer")
    claims.release("credit", "k")
    assert claims.reserve("credit", "k", "other", "d3", "s1") == Done(b"answer"), "what is done stays done"


def test_an_answer_is_kept_for_its_time(tmp_path: Path) -> None:
    clock = FixedClock()
    claims = Claims(tmp_path / "claims.db", clock=clock)
    claims.reserve("credit", "k", "body", "d1", "s1")
    claims.finish("credit", "k", b"answer")
    clock.advance(DAY + 1)
    assert claims.reserve("credit", "k", "other", "d2", "s1") == Reserved()
    assert claims.reserve("credit", "k", "other", "d3", "s1") == InFlight("d2", "s1")
    claims.finish("credit", "k", b"again")
    clock.advance(DAY + 1)
    assert claims.forget_old() == 1


def test_the_claims_of_a_dead_writer_are_settled_from_its_log(tmp_path: Path) -> None:
    claims = Claims(tmp_path / "claims.db")
    made, lost = decision(1), decision(2)
    writer = LogWriter.open(tmp_path, "gateway-1", before_sync=claims.sync)
    claims.reserve("credit", "made", "body", id_of(made), "gateway-1")
    claims.reserve("credit", "lost", "body", id_of(lost), "gateway-1")
    writer.append_all([made])
    assert claims.settle(dead_streams(tmp_path), UnsealedLog(tmp_path), lambda record: record) == 0
    writer.close_now()
    assert claims.unsettled_streams() == {"gateway-1"}
    assert claims.settle(dead_streams(tmp_path), UnsealedLog(tmp_path), lambda record: b"again " + record) == 2
    assert claims.reserve("credit", "made", "body", "d9", "gateway-2") == Done(b"again " + made)
    assert claims.reserve("credit", "lost", "body", "d9", "gateway-2") == Reserved()
    assert claims.unsettled_streams() == {"gateway-2"}


def test_whoever_waits_gets_the_answer_or_the_turn(tmp_path: Path) -> None:
    async def run() -> None:
        claims, others = Claims(tmp_path / "claims.db"), Claims(tmp_path / "claims.db")
        claims.reserve("credit", "k", "body", "d1", "s1")
        waiting = asyncio.create_task(others.wait("credit", "k", "body", "d2", "s2", seconds=5))
        late = asyncio.create_task(others.wait("credit", "k", "body", "d3", "s2", seconds=0.02))
        assert await late == InFlight("d1", "s1")
        claims.finish("credit", "k", b"answer")
        assert await waiting == Done(b"answer")

    asyncio.run(run())


TRIES = """
import asyncio, json, sys, time
from pathlib import Path
from tenure.adapters.decision_log.claims import Claims, Done, Reserved
from tenure.adapters.decision_log.writer import LogWriter
from tenure.kit.ids import new_id

home, stream, start = Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])

async def attempt(claims, writer):
    now = time.time_ns() // 1000
    name = new_id(now)
    claim = await claims.wait("credit", "the-key", "body", name, stream, seconds=10)
    if isinstance(claim, Done):
        return claim.response.decode()
    assert isinstance(claim, Reserved), claim
    record = {"v": 1, "kind": "decision", "id": name, "at": now, "application": "credit", "revision": 1,
              "request": {}, "decided_by": "rule", "answer": {}}
    await asyncio.sleep(0.02)
    await writer.append(json.dumps(record).encode())
    claims.finish("credit", "the-key", name.encode())
    return name

async def main():
    claims = Claims(home / "claims.db")
    writer = LogWriter.open(home / "decisions", stream, before_sync=claims.sync)
    await asyncio.sleep(max(0, start - time.time()))
    print(json.dumps(await asyncio.gather(*(attempt(claims, writer) for _ in range(32)))))
    await writer.close()

asyncio.run(main())
"""


@pytest.mark.processes
def test_one_key_under_64_parallel_tries_over_two_processes_has_one_effect(tmp_path: Path) -> None:
    import time

    start = str(time.time() + 1.0)
    processes = [
        subprocess.Popen([sys.executable, "-c", TRIES, str(tmp_path), stream, start], stdout=subprocess.PIPE)
        for stream in ("gateway-1", "gateway-2")
    ]
    answers = Counter(name for process in processes for name in json.loads(process.communicate(timeout=60)[0]))
    assert [process.returncode for process in processes] == [0, 0]
    assert list(answers.values()) == [64]
    written = [
        record
        for folder in (tmp_path / "decisions" / "streams").iterdir()
        for record in UnsealedLog(tmp_path).records(folder)
    ]
    assert [id_of(record) for record in written] == list(answers)
