"""The record of a direct call is frozen: these files were written once and are never written again."""

from pathlib import Path

import msgspec

from tenure.adapters.decision_log.heads import head_of
from tenure.contract.records import PredictionCallRecord, encode

GOLDEN = Path(__file__).parents[1] / "golden"
RECORDS = (GOLDEN / "log-prediction-v1.jsonl").read_bytes().splitlines()
#: optional fields that the format was given later; the first file stays as it was frozen
ADDED = (GOLDEN / "log-prediction-v1-added.jsonl").read_bytes().splitlines()


def test_every_golden_record_is_read_whole_and_written_with_the_same_bytes() -> None:
    for record in RECORDS + ADDED:
        assert encode(msgspec.json.decode(record, type=PredictionCallRecord)) == record


def test_the_golden_records_use_every_field_and_each_stands_in_the_page() -> None:
    seen = {name for record in RECORDS + ADDED for name in msgspec.json.decode(record)}
    assert seen == {field.encode_name for field in msgspec.structs.fields(PredictionCallRecord)}
    page = (GOLDEN.parents[1] / "docs" / "formats" / "log-record.md").read_text()
    direct = page.split('### `"kind": "prediction"`')[1]
    assert all(f"`{name}`" in direct for name in seen)


def test_a_direct_call_is_found_by_its_version() -> None:
    heads = [head_of(record) for record in RECORDS]
    assert {(head.kind, head.application) for head in heads} == {("prediction", "model:churn")}
    assert all(head.served is not None and (head.served.model, head.served.version) == ("churn", 2) for head in heads)
