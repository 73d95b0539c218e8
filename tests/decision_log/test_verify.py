"""Any byte changed after it was acknowledged is found, and its file is named."""

import random
import shutil
from pathlib import Path

import pytest

from tenure.adapters.decision_log.sealer import Sealer
from tenure.adapters.decision_log.verify import verify_log
from tenure.adapters.decision_log.writer import LogWriter
from tenure.kit.clock import FixedClock
from tests.decision_log.log_faults import NOON, decision

TRIALS = 60


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a log with three seals behind it and a closed stream still unsealed."""
    decisions = tmp_path_factory.mktemp("log") / "decisions"
    writer = LogWriter.open(decisions, "gateway-1", segment_size=4096)
    for seal in range(3):
        writer.append_all([decision(seal * 10 + number, NOON + seal * 10 + number) for number in range(10)])
        Sealer(decisions, clock=FixedClock(NOON), lag=-1000).seal()
    writer.append_all([decision(100 + number) for number in range(20)])
    writer.close_now()
    assert verify_log(decisions) == []
    return decisions


@pytest.mark.parametrize("pattern", ["sealed/*/*.parquet", "leaves", "chain.jsonl", "streams/*/*.segment"])
def test_a_flipped_bit_is_found_and_named(whole: Path, tmp_path: Path, pattern: str) -> None:
    dice = random.Random(pattern)
    for trial in range(TRIALS):
        decisions = tmp_path / str(trial)
        shutil.copytree(whole, decisions)
        file = dice.choice(sorted(decisions.glob(pattern)))
        content = bytearray(file.read_bytes())
        place = dice.randrange(len(content))
        content[place] ^= 1 << dice.randrange(8)
        file.write_bytes(content)
        named = {problem.file for problem in verify_log(decisions)}
        assert file in named, f"{file.name} byte {place} of {len(content)}"
        shutil.rmtree(decisions)


def test_every_byte_of_the_last_segment_counts_its_closing_mark_too(whole: Path, tmp_path: Path) -> None:
    decisions = tmp_path / "log"
    shutil.copytree(whole, decisions)
    file = max(decisions.glob("streams/*/*.segment"))
    content = file.read_bytes()
    for place in range(len(content) - 64, len(content)):
        changed = bytearray(content)
        changed[place] ^= 0x10
        file.write_bytes(bytes(changed))
        assert file in {problem.file for problem in verify_log(decisions)}, place
    for cut in (1, 8, 20):
        file.write_bytes(content[:-cut])
        assert verify_log(decisions) == [], "a torn tail is no fault"


@pytest.mark.parametrize("pattern", ["sealed/*/*.parquet", "leaves"])
def test_a_missing_file_is_found(whole: Path, tmp_path: Path, pattern: str) -> None:
    shutil.copytree(whole, tmp_path / "log")
    file = min((tmp_path / "log").glob(pattern))
    file.unlink()
    assert file in {problem.file for problem in verify_log(tmp_path / "log")}


def test_a_missing_segment_is_found(tmp_path: Path) -> None:
    writer = LogWriter.open(tmp_path, "gateway-1", segment_size=1024)
    writer.append_all([decision(number) for number in range(20)])
    writer.close_now()
    segments = sorted((tmp_path / "streams" / "gateway-1").glob("*.segment"))
    segments[2].unlink()
    assert any("gone" in problem.what for problem in verify_log(tmp_path))


def test_a_doubled_record_is_found(tmp_path: Path) -> None:
    for stream in ("gateway-1", "gateway-2"):
        writer = LogWriter.open(tmp_path, stream)
        writer.append_all([decision(1)])
        writer.close_now()
    assert "2 times" in str(verify_log(tmp_path)[0])
