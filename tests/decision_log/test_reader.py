"""The reader: a record is there at once and once, however far it has come; filters agree before and after sealing."""

import json
import sqlite3
from pathlib import Path

import pytest

from tenure.adapters.decision_log.index import index_file
from tenure.adapters.decision_log.reader import LogFileUnreadable, LogReader
from tenure.adapters.decision_log.sealer import Sealer
from tenure.adapters.decision_log.writer import LogWriter
from tenure.kit.clock import FixedClock
from tests.decision_log.log_faults import NOON, decision, id_of


def served(model: str, version: int) -> list[dict[str, object]]:
    return [
        {"role": "shadow", "model": model, "version": version + 1, "digest": "sha256:1"},
        {"role": "served", "model": model, "version": version, "digest": "sha256:0"},
    ]


RECORDS = [
    decision(
        number,
        NOON + number * 1000,
        application=("credit", "sales")[number % 2],
        entity=f"e{number % 5}",
        decided_by=("model", "rule", "fallback")[number % 3],
        rules=["new"] if number % 3 == 1 else [],
        predictions=served("risk", 1 + number // 15) if number % 3 != 1 else [],
    )
    for number in range(30)
]


def outcome(number: int, of: bytes, name: str, value: object) -> bytes:
    return decision(1000 + number, NOON + number, kind="outcome", decision=id_of(of), name=name, value=value)


def seal(decisions: Path) -> None:
    Sealer(decisions, clock=FixedClock(NOON + 3_600_000_000)).seal()


@pytest.fixture(params=["unsealed", "half sealed", "sealed"])
def reader(tmp_path: Path, request: pytest.FixtureRequest) -> LogReader:
    writer = LogWriter.open(tmp_path, "gateway-1", segment_size=4096)
    writer.append_all(RECORDS[:17])
    reader = LogReader(tmp_path)
    assert len(reader.find()) == 17
    if request.param != "unsealed":
        seal(tmp_path)
    writer.append_all(RECORDS[17:])
    if request.param == "sealed":
        seal(tmp_path)
    writer.close_now()
    return reader


def test_each_record_is_found_by_its_id(reader: LogReader) -> None:
    assert [reader.get(id_of(record)) for record in RECORDS] == RECORDS
    assert reader.get("nobody") is None


def test_find_answers_newest_first(reader: LogReader) -> None:
    assert reader.find(limit=None) == RECORDS[::-1]
    assert reader.find(limit=3) == RECORDS[:-4:-1]
    assert reader.find(application="sales", limit=None) == RECORDS[::-1][::2]
    assert reader.find(entity="e3") == RECORDS[3::5][::-1]
    assert reader.find(entity="e3", decided_by="rule") == [RECORDS[28], RECORDS[13]]
    assert reader.find(rule="new") == RECORDS[1::3][::-1]
    assert reader.find(model="risk", version=2) == [r for r in RECORDS[:14:-1] if b'"rules": []' in r]
    assert reader.find(since=NOON + 5000, until=NOON + 8000) == RECORDS[5:8][::-1]
    assert reader.find(kind="outcome") == []


@pytest.mark.parametrize("noted", [True, False])
def test_what_never_came_together_is_not_found_and_what_did_is(tmp_path: Path, noted: bool) -> None:  # noqa: FBT001
    writer = LogWriter.open(tmp_path, "gateway-1")
    for start in (0, 10, 20):
        writer.append_all(RECORDS[start : start + 10])
        seal(tmp_path)
        if not noted:
            # As an index is whose first files were indexed before combinations were noted.
            with sqlite3.connect(index_file(tmp_path)) as index:
                index.execute("DELETE FROM combinations")
    writer.close_now()
    reader = LogReader(tmp_path)
    assert reader.find(rule="new", decided_by="model") == []
    assert reader.find(rule="new", decided_by="rule", application="sales") == [RECORDS[n] for n in (25, 19, 13, 7, 1)]
    assert reader.find(model="risk", version=2, decided_by="model", application="credit") == [
        RECORDS[n] for n in (24, 18)
    ]
    assert reader.find(application="credit", decided_by="fallback", limit=2) == [RECORDS[26], RECORDS[20]]


def test_a_sample_is_spread_evenly_over_what_fits(reader: LogReader) -> None:
    assert reader.spread(30) == reader.spread(99) == RECORDS[::-1]
    assert reader.spread(4) == [RECORDS[::-1][place * 30 // 4] for place in range(4)]
    assert reader.spread(3, application="sales") == [RECORDS[::-1][::2][place * 5] for place in range(3)]
    assert reader.spread(3, model="nobody") == []


def test_pages_follow_each_other_without_gap_or_overlap(reader: LogReader) -> None:
    seen: list[bytes] = []
    while page := reader.find(limit=7, after=id_of(seen[-1]) if seen else None):
        seen += page
    assert seen == RECORDS[::-1]


def test_scan_gives_a_job_everything_once(reader: LogReader) -> None:
    def numbers(**asked) -> list[int]:
        return [document["request"]["number"] for batch in reader.scan(**asked) for document in batch]

    assert numbers() == list(range(30))
    assert numbers(application="credit") == list(range(0, 30, 2))
    assert numbers(model="risk", version=1, kind="decision") == [n for n in range(15) if n % 3 != 1]
    assert numbers(since=NOON + 5000, until=NOON + 20_000) == list(range(5, 20))


def test_a_scan_that_is_overtaken_by_a_seal_misses_nothing(tmp_path: Path) -> None:
    writer = LogWriter.open(tmp_path, "gateway-1", segment_size=4096)
    writer.append_all(RECORDS[:10])
    seal(tmp_path)
    writer.append_all(RECORDS[10:])
    scan = LogReader(tmp_path).scan()
    first = next(scan)
    writer.close_now()
    seal(tmp_path)
    assert len(first) + sum(len(batch) for batch in scan) == 30


def test_the_latest_correction_of_an_outcome_wins(tmp_path: Path) -> None:
    writer = LogWriter.open(tmp_path, "gateway-1")
    writer.append_all(
        [*RECORDS[:3], outcome(1, RECORDS[0], "left", value=False), outcome(2, RECORDS[1], "left", value=1)]
    )
    seal(tmp_path)
    writer.append_all([outcome(3, RECORDS[0], "paid", value=7), outcome(4, RECORDS[0], "left", value=True)])
    reader = LogReader(tmp_path)
    known = {
        json.loads(record)["name"]: json.loads(record)["value"] for record in reader.outcomes_of(id_of(RECORDS[0]))
    }
    assert known == {"left": True, "paid": 7}
    assert reader.outcomes_of(id_of(RECORDS[2])) == []
    writer.close_now()


def test_a_stream_removed_and_opened_again_is_followed(tmp_path: Path) -> None:
    reader = LogReader(tmp_path)
    for start in range(0, 30, 10):
        writer = LogWriter.open(tmp_path, "gateway-1")
        writer.append_all(RECORDS[start : start + 10])
        assert reader.find(limit=None) == RECORDS[: start + 10][::-1]
        writer.close_now()
        seal(tmp_path)
        seal(tmp_path)
    assert reader.find(limit=None) == RECORDS[::-1]


@pytest.mark.parametrize("damage", ["gone", "cut short"])
def test_a_sealed_file_that_is_gone_or_no_parquet_is_named_with_what_to_do(tmp_path: Path, damage: str) -> None:
    writer = LogWriter.open(tmp_path, "gateway-1")
    writer.append_all(RECORDS)
    writer.close_now()
    seal(tmp_path)
    (file,) = tmp_path.glob("sealed/*/*.parquet")
    if damage == "gone":
        file.unlink()
    else:
        file.write_bytes(file.read_bytes()[:40])
    with pytest.raises(LogFileUnreadable, match=file.name) as refused:
        LogReader(tmp_path).get(id_of(RECORDS[3]))
    assert "tenure verify" in refused.value.hint
