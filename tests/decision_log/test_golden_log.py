"""The log's format is frozen: these files were written once and are never written again."""

from pathlib import Path

import msgspec

from tenure.adapters.decision_log.heads import head_of
from tenure.adapters.decision_log.segment import decode_header, encode_frame, encode_header, scan
from tenure.contract.records import DecisionRecord, OutcomeRecord, encode

GOLDEN = Path(__file__).parents[1] / "golden"
RECORDS = (GOLDEN / "log-record-v1.jsonl").read_bytes().splitlines()
#: optional fields that the format was given later, each in a record of its own; the first file stays as it was frozen
ADDED = (GOLDEN / "log-record-v1-added.jsonl").read_bytes().splitlines()
SEGMENT = (GOLDEN / "log-segment-v1.segment").read_bytes()
TYPES: dict[str, type[msgspec.Struct]] = {"decision": DecisionRecord, "outcome": OutcomeRecord}


def test_every_golden_record_is_read_whole_and_written_with_the_same_bytes() -> None:
    for record in RECORDS + ADDED:
        assert encode(msgspec.json.decode(record, type=TYPES[head_of(record).kind])) == record


def test_the_golden_records_use_every_field() -> None:
    for kind, struct in TYPES.items():
        known = [record for record in RECORDS + ADDED if head_of(record).kind == kind]
        seen = {name for record in known for name in msgspec.json.decode(record)}
        assert seen == {field.encode_name for field in msgspec.structs.fields(struct)}


def test_every_field_of_a_record_stands_in_the_page() -> None:
    page = (GOLDEN.parents[1] / "docs" / "formats" / "log-record.md").read_text()
    for struct in TYPES.values():
        for field in msgspec.structs.fields(struct):
            assert f"`{field.encode_name}`" in page


def test_the_golden_segment_holds_the_golden_records() -> None:
    header = decode_header(SEGMENT)
    assert header is not None
    assert (header.number, header.first_sequence, header.stream) == (3, 41, "gateway-1")
    found = scan(SEGMENT, header.first_sequence)
    assert [frame.record for frame in found.frames] == RECORDS
    assert (found.next_sequence, found.damage, found.torn) == (41 + len(RECORDS), (), 0)


def test_the_golden_segment_is_written_with_the_same_bytes() -> None:
    header = decode_header(SEGMENT)
    assert header is not None
    content = encode_header(header)
    durable = 0
    for position, record in enumerate(RECORDS):
        start = len(content)
        content += encode_frame(record, header.first_sequence + position, durable)
        durable = start
    content += encode_frame(b"", header.first_sequence + len(RECORDS), len(content))
    assert content.ljust(len(SEGMENT), b"\0") == SEGMENT
