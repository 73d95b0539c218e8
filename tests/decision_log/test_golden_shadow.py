"""The shadow record is frozen: this file was written once and is never written again."""

from pathlib import Path

import msgspec

from tenure.adapters.decision_log.heads import head_of
from tenure.contract.records import ShadowRecord, encode

GOLDEN = Path(__file__).parents[1] / "golden"
RECORDS = (GOLDEN / "log-shadow-v1.jsonl").read_bytes().splitlines()


def test_every_golden_shadow_is_read_whole_and_written_with_the_same_bytes() -> None:
    for record in RECORDS:
        assert encode(msgspec.json.decode(record, type=ShadowRecord)) == record
        assert head_of(record).decision is not None


def test_a_shadow_never_passes_for_what_served_or_for_a_decision_left_to_a_person() -> None:
    heads = [head_of(record) for record in RECORDS]
    assert all(head.served is None and not head.is_pending for head in heads)


def test_the_golden_shadows_use_every_field_and_the_page_explains_it() -> None:
    page = (GOLDEN.parents[1] / "docs" / "formats" / "log-record.md").read_text()
    fields = {field.encode_name for field in msgspec.structs.fields(ShadowRecord)}
    assert {name for record in RECORDS for name in msgspec.json.decode(record)} == fields
    assert all(f"`{name}`" in page for name in fields)
