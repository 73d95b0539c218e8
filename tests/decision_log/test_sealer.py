"""The sealer: killed at any step it loses and doubles nothing, and the order it made stays."""

import json
import os
import time
from pathlib import Path

import pytest

from tenure.adapters.decision_log.chain import BrokenChain, chain_file, last_sealing, leaf_of, leaves_file
from tenure.adapters.decision_log.index import index_file
from tenure.adapters.decision_log.reader import LogReader
from tenure.adapters.decision_log.sealer import LAG, Sealer, rebuild_index
from tenure.adapters.decision_log.streams import Contents, read_stream, segment_files
from tenure.adapters.decision_log.verify import verify_log
from tenure.adapters.decision_log.writer import LogWriter
from tenure.kit.clock import FixedClock
from tests.decision_log.log_faults import NOON, DyingDisk, Killed, decision, id_of

RECORDS = [decision(number, NOON + number * 1000, rules=[f"r{number % 3}"]) for number in range(40)]


def write(decisions: Path) -> None:
    """Leave two streams of two dead gateways, many segments each."""
    for position, stream in enumerate(("gateway-1", "gateway-2")):
        writer = LogWriter.open(decisions, stream, segment_size=2048)
        writer.append_all(RECORDS[position::2])
        writer.close_now()


def sealer(decisions: Path, **more) -> Sealer:
    return Sealer(decisions, clock=FixedClock(NOON + 60_000_000), batch_bytes=2500, **more)


def all_of(decisions: Path) -> list[bytes]:
    return LogReader(decisions).find(limit=None)[::-1]


@pytest.mark.parametrize("halfway", [False, True])
def test_a_seal_killed_at_any_step_leaves_the_log_whole(tmp_path: Path, *, halfway: bool) -> None:
    counted = DyingDisk()
    write(tmp_path / "count")
    sealer(tmp_path / "count", disk=counted).seal()
    assert counted.steps > 20
    for step in range(1, counted.steps + 1):
        decisions = tmp_path / str(step)
        write(decisions)
        with pytest.raises(Killed):
            sealer(decisions, disk=DyingDisk(step, halfway=halfway)).seal()
        assert all_of(decisions) == RECORDS, f"killed at step {step}"
        sealer(decisions).seal()
        assert all_of(decisions) == RECORDS, f"taken up after step {step}"
        assert verify_log(decisions) == [], f"taken up after step {step}"
        leaves = leaves_file(decisions).read_bytes()
        assert sorted(leaves[at : at + 32] for at in range(0, len(leaves), 32)) == sorted(map(leaf_of, RECORDS))
        assert not list((decisions / "streams").iterdir())


def test_streams_become_one_order_by_time(tmp_path: Path) -> None:
    write(tmp_path)
    sealed = Sealer(tmp_path, clock=FixedClock(NOON)).seal()
    assert sealed.records == 40
    assert leaves_file(tmp_path).read_bytes() == b"".join(map(leaf_of, RECORDS))
    last = last_sealing(tmp_path)
    assert last is not None
    assert (last.end, last.file) == (40, "sealed/2026-09-21/000000000000-000000000039.parquet")


def test_a_living_stream_is_sealed_up_to_the_lag_and_its_last_segment_stays(tmp_path: Path) -> None:
    writer = LogWriter.open(tmp_path, "gateway-1", segment_size=2048)
    writer.append_all(RECORDS)
    clock = FixedClock(NOON + LAG + 30_000)
    assert Sealer(tmp_path, clock=clock).seal().records == 31
    clock.advance(60_000_000)
    assert Sealer(tmp_path, clock=clock).seal().records == 9
    assert Sealer(tmp_path, clock=clock).seal().records == 0
    assert len(list((tmp_path / "streams" / "gateway-1").glob("*.segment"))) <= 2
    writer.append_all([decision(99, NOON)])
    assert len(all_of(tmp_path)) == 41
    writer.close_now()


def test_a_stream_that_nobody_writes_is_not_read_again_and_one_that_is_written_again_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Path] = []

    def reading(folder: Path, *rest: int) -> Contents:
        read.append(folder)
        return read_stream(folder, *rest)

    monkeypatch.setattr("tenure.adapters.decision_log.sealer.read_stream", reading)
    writer = LogWriter.open(tmp_path, "gateway-1", segment_size=1 << 16)
    writer.append_all(RECORDS[:10])
    sealing = sealer(tmp_path)
    assert sealing.seal().records == 10
    long_ago = time.time() - 3600
    for path in segment_files(tmp_path / "streams" / "gateway-1"):
        os.utime(path, (long_ago, long_ago))
    sealing.seal()
    read.clear()
    assert sealing.seal().records == 0
    assert not read, "the segment is as it was when nothing waited in it"

    writer.append_all(RECORDS[10:13])
    assert sealing.seal().records == 3
    assert all_of(tmp_path) == RECORDS[:13]
    writer.close_now()


def test_the_segments_of_an_unsettled_claim_stay(tmp_path: Path) -> None:
    write(tmp_path)
    sealer(tmp_path, hold=lambda: {"gateway-2"}).seal()
    assert [folder.name for folder in (tmp_path / "streams").iterdir()] == ["gateway-2"]
    assert all_of(tmp_path) == RECORDS
    sealer(tmp_path).seal()
    assert not list((tmp_path / "streams").iterdir())


def test_the_index_is_made_again_from_the_files(tmp_path: Path) -> None:
    write(tmp_path)
    sealer(tmp_path).seal()
    by_rule = LogReader(tmp_path).find(rule="r1", limit=None)
    assert len(by_rule) == 13
    rebuild_index(tmp_path)
    assert LogReader(tmp_path).find(rule="r1", limit=None) == by_rule
    for file in tmp_path.glob("index.db*"):
        file.unlink()
    assert LogReader(tmp_path).find(rule="r1", limit=None) == by_rule, "a reader that finds none makes it"
    index_file(tmp_path).write_bytes(b"not a database" * 100)
    sealer(tmp_path).seal()
    assert LogReader(tmp_path).find(rule="r1", limit=None) == by_rule


def test_damage_stops_its_stream_and_no_other(tmp_path: Path) -> None:
    write(tmp_path)
    spoilt = sorted((tmp_path / "streams" / "gateway-1").glob("*.segment"))[1]
    content = bytearray(spoilt.read_bytes())
    content[300] ^= 1
    spoilt.write_bytes(content)
    sealed = sealer(tmp_path).seal()
    assert [(fault.file, fault.offset) for fault in sealed.damage] == [(spoilt, 128)]
    assert 20 < sealed.records < 40
    assert len(all_of(tmp_path)) == 39, "what can be read is still found"
    assert [problem.file for problem in verify_log(tmp_path)] == [spoilt]
    assert spoilt.exists(), "evidence is not removed"


def test_a_chain_that_lost_its_end_is_refused_and_nothing_is_removed(tmp_path: Path) -> None:
    write(tmp_path)
    sealer(tmp_path).seal()
    chain = chain_file(tmp_path)
    files = sorted(tmp_path.glob("sealed/*/*.parquet"))
    chain.write_bytes(b"".join(chain.read_bytes().splitlines(keepends=True)[:-1]))
    with pytest.raises(BrokenChain):
        sealer(tmp_path).seal()
    assert sorted(tmp_path.glob("sealed/*/*.parquet")) == files
    assert verify_log(tmp_path)


def test_a_record_nobody_understands_is_kept_all_the_same(tmp_path: Path) -> None:
    writer = LogWriter.open(tmp_path, "gateway-1")
    strange = [b"\xff not JSON", json.dumps({"kind": "resolution", "id": "R1", "at": NOON, "later": 1}).encode()]
    writer.append_all(strange)
    writer.close_now()
    assert sealer(tmp_path).seal().records == 2
    assert LogReader(tmp_path).get("R1") == strange[1]
    assert verify_log(tmp_path) == []


def test_parquet_answers_typed_questions(tmp_path: Path) -> None:
    from pyarrow import parquet

    asked = [{"role": "served", "model": "churn", "version": 2, "digest": "sha256:0"}]
    record = decision(1, NOON, entity="e1", predictions=asked, rules=["save"], elapsed_us=700, event_time=NOON - 5)
    writer = LogWriter.open(tmp_path, "gateway-1")
    writer.append_all([record])
    writer.close_now()
    (file,) = sealer(tmp_path).seal().files
    (row,) = parquet.read_table(tmp_path / file).to_pylist()
    assert (row["leaf"], row["stream"], row["sequence"], row["id"]) == (0, "gateway-1", 0, id_of(record))
    assert (row["model"], row["version"], row["rules"], row["entity"]) == ("churn", 2, ["save"], "e1")
    assert row["record"] == record
    assert row["at"].isoformat() == "2026-09-21T14:13:20"
