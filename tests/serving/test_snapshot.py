"""The snapshot file: its golden form, and that a reader meets a whole one or none."""

from pathlib import Path

import msgspec
import pytest

from tenure.application.revisions.terms import from_plain
from tenure.serving import snapshot
from tenure.serving.snapshot import Snapshot, UnreadableSnapshot
from tenure.serving.supervisor import plan

GOLDEN = Path(__file__).parent.parent / "golden" / "snapshot-v1.json"


def golden() -> Snapshot:
    return msgspec.json.decode(GOLDEN.read_bytes(), type=Snapshot)


def test_the_golden_snapshot_is_read_and_written_with_the_same_bytes(tmp_path: Path) -> None:
    assert snapshot.write(tmp_path, golden()).read_bytes() == GOLDEN.read_bytes()
    assert snapshot.read(tmp_path, 7) == golden()
    assert golden().limits == snapshot.Limits(drain_seconds=3.0)
    assert from_plain(golden().applications["offers"].definition).model is not None


def test_the_supervisor_reads_its_part_with_the_standard_library_alone(tmp_path: Path) -> None:
    snapshot.write(tmp_path, golden())
    found = plan.read(tmp_path, 7)
    assert (found.generation, list(found.workers), found.drain_seconds) == (7, ["plain/2"], 3.0)
    assert found.workers["plain/2"]["package"] == "/home/x/cache/packages/p"


def test_a_damaged_or_newer_snapshot_is_refused_and_the_newest_readable_is_taken(tmp_path: Path) -> None:
    snapshot.write(tmp_path, golden())
    (tmp_path / "0000000008.json").write_bytes(GOLDEN.read_bytes()[:-20])
    (tmp_path / "0000000009.json").write_bytes(
        GOLDEN.read_bytes().replace(b'"tenure_snapshot":1', b'"tenure_snapshot":2')
    )
    for generation in (8, 9, 10):
        with pytest.raises(UnreadableSnapshot):
            snapshot.read(tmp_path, generation)
        with pytest.raises(plan.Unplanned):
            plan.read(tmp_path, generation)
    assert plan.newest(tmp_path).generation == 7


def test_before_any_snapshot_there_is_an_empty_plan(tmp_path: Path) -> None:
    assert plan.newest(tmp_path) == plan.Plan()
    assert snapshot.newest(tmp_path) is None
