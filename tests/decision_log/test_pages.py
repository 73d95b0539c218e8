"""One record is read from its page alone, whatever was noted of it is never believed, and columns find what no index knows."""

import json
import random
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet as pq

from tenure.adapters.decision_log import parquet
from tenure.adapters.decision_log.heads import head_of
from tenure.adapters.decision_log.index import index_file
from tenure.adapters.decision_log.pages import StrangePage, pages_of, read_pages, records_in
from tenure.adapters.decision_log.reader import LogReader
from tenure.adapters.decision_log.sealer import Sealer
from tenure.adapters.decision_log.writer import LogWriter
from tenure.kit.clock import FixedClock
from tests.decision_log.log_faults import NOON, decision, id_of

DICE = random.Random(4)
#: some longer than a page, most much shorter, more than one row group
RECORDS = [
    decision(number, NOON + number, note="x" * (DICE.randrange(300) if number % 500 else 60_000))
    for number in range(2500)
]


def sealed(decisions: Path, records: list[bytes]) -> Path:
    writer = LogWriter.open(decisions, "gateway-1")
    writer.append_all(records)
    writer.close_now()
    (file,) = Sealer(decisions, clock=FixedClock(NOON)).seal().files
    return decisions / file


def test_every_record_is_read_from_its_own_small_page(tmp_path: Path) -> None:
    file = sealed(tmp_path, RECORDS)
    content, pages = file.read_bytes(), pages_of(file)
    found = [record for page in pages for record in records_in(content[page.place : page.place + page.size])]
    assert found == RECORDS
    assert [page.row for page in pages][:2] == [0, pages[1].row]
    assert len(pages) > 12


def test_removed_records_are_empty_in_their_page(tmp_path: Path) -> None:
    file = sealed(tmp_path, RECORDS)
    gone = {DICE.randrange(len(RECORDS)) for _ in range(400)} | {0, len(RECORDS) - 1}
    parquet.blank(file, file, gone)
    content = file.read_bytes()
    found = [record for page in pages_of(file) for record in records_in(content[page.place : page.place + page.size])]
    assert found == [b"" if place in gone else record for place, record in enumerate(RECORDS)]


def test_no_changed_byte_of_a_page_makes_another_record_of_it(tmp_path: Path) -> None:
    file = sealed(tmp_path, RECORDS[1:300])
    whole, page = file.read_bytes(), pages_of(file)[0]
    wanted = {page: [(id_of(RECORDS[1]), 0)]}
    for _ in range(100):
        changed = bytearray(whole)
        changed[page.place + DICE.randrange(page.size)] ^= 1 << DICE.randrange(8)
        file.write_bytes(bytes(changed))
        found = read_pages(file, wanted)
        assert all(head_of(record).id == name for name, record in found.items())
    for size in range(0, page.size, 17):
        with pytest.raises(StrangePage):
            records_in(whole[page.place : page.place + size])


def test_a_file_written_again_behind_the_index_is_read_as_it_is(tmp_path: Path) -> None:
    file = sealed(tmp_path, RECORDS)
    parquet.blank(file, file, {1, 7})
    reader = LogReader(tmp_path)
    assert reader.get(id_of(RECORDS[7])) is None
    assert all(reader.get(id_of(record)) == record for record in RECORDS[8:2400:97])
    assert reader.several([id_of(record) for record in RECORDS[:10]]).keys() == {
        id_of(record) for place, record in enumerate(RECORDS[:10]) if place not in {1, 7}
    }


def test_a_file_of_a_tenure_without_pages_is_read_too(tmp_path: Path) -> None:
    file = sealed(tmp_path, RECORDS)
    with sqlite3.connect(index_file(tmp_path)) as index:
        index.execute("DELETE FROM pages")
    pq.write_table(pq.read_table(file), file, compression="snappy", row_group_size=2048)
    assert pages_of(file) == []
    assert LogReader(tmp_path).find(limit=3) == RECORDS[:-4:-1]


def test_an_index_that_lies_shows_nobody_elses_decision(tmp_path: Path) -> None:
    sealed(tmp_path, [decision(1, NOON, entity="ada"), decision(2, NOON + 1, entity="bob")])
    with sqlite3.connect(index_file(tmp_path)) as index:
        index.execute("UPDATE records SET entity = 'ada'")
    (found,) = LogReader(tmp_path).find(entity="ada")
    assert json.loads(found)["entity"] == "ada"


SCORES = [None, True, "high", 3, 10**400, *(DICE.random() for _ in range(115))]


def scored(number: int) -> bytes:
    served = {"role": "served", "model": "m", "version": 1 + number % 2, "output": {"score": SCORES[number]}}
    return decision(
        number, NOON + number * 1_000_000, predictions=[served], elapsed_us=DICE.randrange(5000), entity=f"e{number % 3}",
        application=("loans", "offers")[number % 2], rules=["big"] if number % 5 == 0 else [],
    )  # fmt: skip


@pytest.mark.parametrize("form", ["three files and the tail", "from before scores had a column"])
def test_scores_and_latencies_are_found_as_brute_force_finds_them(tmp_path: Path, form: str) -> None:
    records = [scored(number) for number in range(len(SCORES))]
    writer = LogWriter.open(tmp_path, "gateway-1")
    for start in range(0, 90, 30):
        writer.append_all(records[start : start + 30])
        Sealer(tmp_path, clock=FixedClock(NOON * 2)).seal()
    writer.append_all(records[90:])
    writer.close_now()
    if form == "from before scores had a column":
        for file in tmp_path.glob("sealed/*/*.parquet"):
            pq.write_table(pq.read_table(file).drop_columns(["score"]), file, compression="zstd", row_group_size=2048)
    reader = LogReader(tmp_path)
    questions: tuple[tuple[Any, Any, dict[str, Any]], ...] = (
        ((0.5, None), (None, None), {}),
        ((0.2, 0.4), (None, None), {"application": "loans", "limit": 4}),
        ((None, 0.9), (1000, 2500), {"rule": "big"}),
        ((None, None), (4000, None), {"entity": "e1", "version": 2}),
        ((2.0, 5.0), (None, None), {}),
        ((None, 1.0), (None, None), {"since": NOON + 20_000_000, "until": NOON + 100_000_000, "limit": 30}),
        ((None, 1.0), (None, None), {"after": id_of(records[100]), "limit": 7}),
    )  # fmt: skip
    for score, elapsed, more in questions:
        asked = {name: value for name, value in more.items() if name != "limit"}
        heads = [(record, head_of(record)) for record in reader.find(limit=None, **asked)]
        within = [record for record, head in heads if _lies(head.score, score) and _lies(head.elapsed_us, elapsed)]
        wanted = within[: more.get("limit", 100)]
        assert reader.find(score=score, elapsed_us=elapsed, **more) == wanted
        assert wanted


def _lies(value: float | None, bounds: tuple[float | None, float | None]) -> bool:
    low, high = bounds
    if value is None:
        return bounds == (None, None)
    return (low is None or value >= low) and (high is None or value <= high)
