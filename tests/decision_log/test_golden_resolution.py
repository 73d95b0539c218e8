"""The resolution record is frozen: lines are added to this file for members that are added, and none is ever changed."""

from pathlib import Path

import msgspec

from tenure.adapters.decision_log.heads import head_of
from tenure.contract.records import ResolutionRecord, encode

GOLDEN = Path(__file__).parents[1] / "golden"
RECORDS = (GOLDEN / "log-resolution-v1.jsonl").read_bytes().splitlines()


def test_every_golden_resolution_is_read_whole_and_written_with_the_same_bytes() -> None:
    for record in RECORDS:
        assert encode(msgspec.json.decode(record, type=ResolutionRecord)) == record
        assert head_of(record).decision is not None


def test_the_golden_resolutions_use_every_field_and_the_page_explains_it() -> None:
    page = (GOLDEN.parents[1] / "docs" / "formats" / "log-record.md").read_text()
    fields = {field.encode_name for field in msgspec.structs.fields(ResolutionRecord)}
    assert {name for record in RECORDS for name in msgspec.json.decode(record)} == fields
    assert all(f"`{name}`" in page for name in fields)
