"""The writer: one sync for all that wait, bounds that refuse, and a disk that fills up, fails and comes back."""

import asyncio
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tenure.adapters.decision_log.committer import LogFailed, RecordTooLarge
from tenure.adapters.decision_log.disk import Disk
from tenure.adapters.decision_log.full import DiskFull
from tenure.adapters.decision_log.segment import MAX_RECORD
from tenure.adapters.decision_log.streams import BadStreamName, StreamInUse, dead_streams, read_stream
from tenure.adapters.decision_log.writer import LogClosed, LogOverloaded, LogWriter
from tests.decision_log.log_faults import ForgetfulDisk, decision


def numbers(decisions: Path, stream: str = "gateway-1") -> list[int]:
    frames = read_stream(decisions / "streams" / stream).frames
    return [json.loads(frame.record)["request"]["number"] for frame in frames]


class SlowDisk(Disk):
    """Each sync takes 5 ms."""

    def __init__(self) -> None:
        self.syncs = 0

    def sync(self, descriptor: int) -> None:
        self.syncs += 1
        time.sleep(0.005)
        super().sync(descriptor)


class QuickDisk(Disk):
    """Each sync takes nothing, so that a busy machine does not decide the test."""

    def sync(self, descriptor: int) -> None:
        pass


def test_a_lone_record_is_committed_at_once_and_a_crowd_together(tmp_path: Path) -> None:
    async def run() -> None:
        writer = LogWriter.open(tmp_path, "gateway-1", disk=QuickDisk())
        await writer.append(decision(0), alone=True)
        assert (writer.inline, writer.groups) == (1, 1)
        await asyncio.gather(*(writer.append(decision(number), alone=False) for number in range(1, 101)))
        assert writer.committed == 101
        assert writer.groups < 20
        assert writer.backlog == 0
        await writer.close()

    asyncio.run(run())
    assert sorted(numbers(tmp_path)) == list(range(101))


def test_many_records_are_durable_after_one_wait_and_one_too_large_fails_alone(tmp_path: Path) -> None:
    async def run() -> None:
        writer = LogWriter.open(tmp_path, "gateway-1", disk=QuickDisk())
        one, _ = await asyncio.gather(
            writer.append_many([decision(0), bytes(MAX_RECORD + 1), *map(decision, range(1, 100))]),
            writer.append(decision(100), alone=False),
        )
        assert [type(trouble) for trouble in one] == [type(None), RecordTooLarge] + [type(None)] * 99
        assert writer.groups < 5
        assert writer.backlog == 0
        await writer.close()
        with pytest.raises(LogClosed):
            await writer.append_many([decision(7)])

    asyncio.run(run())
    assert sorted(numbers(tmp_path)) == list(range(101))


class FailingDisk(QuickDisk):
    """Every sync fails once it is told to."""

    fails = False

    def sync(self, descriptor: int) -> None:
        if self.fails:
            raise OSError(5, "Input/output error")


def test_of_many_records_each_that_did_not_reach_the_disk_says_so(tmp_path: Path) -> None:
    async def run() -> None:
        disk = FailingDisk()
        writer = LogWriter.open(tmp_path, "gateway-1", disk=disk, segment_size=4096)
        disk.fails = True
        found = await writer.append_many([decision(number) for number in range(40)])
        assert {type(trouble) for trouble in found} == {LogFailed}
        disk.fails = False
        assert await writer.append_many([decision(50), decision(51)]) == [None, None]
        await writer.close()

    asyncio.run(run())
    assert numbers(tmp_path) == [50, 51]


def test_a_slow_disk_is_never_waited_for_on_the_loop(tmp_path: Path) -> None:
    async def run() -> None:
        disk = SlowDisk()
        writer = LogWriter.open(tmp_path, "gateway-1", disk=disk)
        await asyncio.gather(*(writer.append(decision(number), alone=True) for number in range(50)))
        assert writer.inline <= 1, "the first shows how slow it is"
        assert disk.syncs <= 5, "one sync for all that waited"
        await writer.close()

    asyncio.run(run())


def test_the_backlog_is_bounded(tmp_path: Path) -> None:
    async def run() -> None:
        writer = LogWriter.open(tmp_path, "gateway-1", disk=SlowDisk(), backlog=2000)
        done = await asyncio.gather(*(writer.append(decision(number)) for number in range(50)), return_exceptions=True)
        refused = [error for error in done if isinstance(error, LogOverloaded)]
        assert refused
        await writer.append(decision(99))
        await writer.close()
        assert len(numbers(tmp_path)) == 51 - len(refused)

    asyncio.run(run())


async def append_until_full(writer: LogWriter) -> list[int]:
    acknowledged: list[int] = []
    while len(acknowledged) < 100:
        try:
            await writer.append(decision(len(acknowledged)))
        except DiskFull:
            return acknowledged
        acknowledged.append(len(acknowledged))
    pytest.fail("the disk never filled up")


def test_a_full_disk_refuses_clearly_loses_nothing_and_recovers_by_itself(tmp_path: Path) -> None:
    async def run() -> None:
        disk = ForgetfulDisk()
        writer = LogWriter.open(tmp_path, "gateway-1", disk=disk, segment_size=4096)
        disk.full = True
        acknowledged = await append_until_full(writer)
        with pytest.raises(DiskFull, match="is full"):
            await writer.append(decision(101, pad="x" * 4000))
        assert acknowledged == numbers(tmp_path)
        disk.full = False
        await asyncio.sleep(0.3)
        await writer.append(decision(1000))
        assert numbers(tmp_path) == [*acknowledged, 1000]
        await writer.close()

    asyncio.run(run())


def test_after_a_failed_sync_the_records_are_written_again_elsewhere(tmp_path: Path) -> None:
    async def run() -> None:
        disk = ForgetfulDisk()
        writer = LogWriter.open(tmp_path, "gateway-1", disk=disk)
        await writer.append(decision(1))
        disk.failing_syncs = 1
        await writer.append(decision(2))
        disk.failing_syncs = 2
        with pytest.raises(LogFailed):
            await writer.append(decision(3))
        await writer.append(decision(4))
        await writer.close()

    asyncio.run(run())
    assert numbers(tmp_path) == [1, 2, 4]


def test_what_a_record_relies_on_is_durable_before_it(tmp_path: Path) -> None:
    async def run() -> None:
        failing = True

        def before_sync() -> None:
            if failing:
                raise OSError(5, "Input/output error")

        writer = LogWriter.open(tmp_path, "gateway-1", before_sync=before_sync)
        with pytest.raises(LogFailed):
            await writer.append(decision(1))
        failing = False
        await writer.append(decision(2))
        await writer.close()

    asyncio.run(run())
    assert numbers(tmp_path) == [2]


def test_a_stream_has_one_writer_and_everyone_sees_whether_it_lives(tmp_path: Path) -> None:
    async def run() -> None:
        writer = LogWriter.open(tmp_path, "gateway-1")
        with pytest.raises(StreamInUse):
            LogWriter.open(tmp_path, "gateway-1")
        assert dead_streams(tmp_path) == []
        await writer.append(decision(1))
        await writer.close()
        await writer.close()
        with pytest.raises(LogClosed):
            await writer.append(decision(2))
        assert dead_streams(tmp_path) == ["gateway-1"]

    asyncio.run(run())


def test_a_stream_that_is_opened_again_goes_on(tmp_path: Path) -> None:
    for start in range(0, 30, 10):
        writer = LogWriter.open(tmp_path, "control")
        writer.append_all([decision(number) for number in range(start, start + 10)])
        writer.close_now()
    assert numbers(tmp_path, "control") == list(range(30))
    assert read_stream(tmp_path / "streams" / "control").next_sequence == 30


def test_a_torn_last_record_is_cut_off_and_reported(tmp_path: Path) -> None:
    writer = LogWriter.open(tmp_path, "gateway-1")
    writer.append_all([decision(1), decision(2)])
    writer.close_now()
    (file,) = (tmp_path / "streams" / "gateway-1").glob("*.segment")
    with file.open("ab") as content:
        content.write(b"\x40\x01\x00\x00half a record")
    again = LogWriter.open(tmp_path, "gateway-1")
    assert [torn.file for torn in again.torn] == [file]
    again.append_all([decision(3)])
    again.close_now()
    assert numbers(tmp_path) == [1, 2, 3]


def test_records_of_any_size_up_to_the_limit(tmp_path: Path) -> None:
    writer = LogWriter.open(tmp_path, "gateway-1", segment_size=65_536)
    sizes = [0, 10, 60_000, 70_000, 3_000_000, 5]
    writer.append_all([decision(number, pad="x" * size) for number, size in enumerate(sizes)])
    with pytest.raises(RecordTooLarge):
        writer.append_all([bytes(MAX_RECORD + 1)])
    writer.close_now()
    assert numbers(tmp_path) == list(range(len(sizes)))


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".hidden", "x" * 65])
def test_a_stream_is_named_like_a_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadStreamName):
        LogWriter.open(tmp_path, name)


def test_the_next_segment_is_filled_beside(tmp_path: Path) -> None:
    writer = LogWriter.open(tmp_path, "gateway-1", segment_size=65_536)
    for number in range(200):
        writer.append_all([decision(number, pad="x" * 1000)])
    writer.close_now()
    assert numbers(tmp_path) == list(range(200))
    assert len(list((tmp_path / "streams" / "gateway-1").glob("*.segment"))) == 4


def test_what_a_gateway_imports_stays_light() -> None:
    names = ["writer", "claims", "persons", "streams"]
    code = f"import sys\nfor name in {names}: __import__('tenure.adapters.decision_log.' + name)\n"
    code += "print(sorted({'pyarrow', 'sqlalchemy', 'duckdb', 'numpy', 'alembic'} & set(sys.modules)))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "[]\n"
