"""The log as a state machine: append, fail, crash, recover, seal, read, in any order; compared with a plain list."""

import random
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tenure.adapters.decision_log.chain import leaves_file, sealed_position
from tenure.adapters.decision_log.reader import LogReader
from tenure.adapters.decision_log.sealer import Sealer
from tenure.adapters.decision_log.streams import StreamLock, folder_of
from tenure.adapters.decision_log.verify import verify_log
from tenure.kit.clock import FixedClock
from tests.decision_log.log_faults import NOON, DyingDisk, ForgetfulDisk, Killed, committer, decision, id_of

if TYPE_CHECKING:
    from tenure.adapters.decision_log.committer import Committer

STREAMS = ("gateway-1", "gateway-2")


class LogMachine(RuleBasedStateMachine):
    """Acknowledged records stand in the log exactly once, and what is sealed never changes its place."""

    @initialize()
    def begin(self) -> None:
        self.decisions = Path(tempfile.mkdtemp(prefix="tenure-log-"))
        self.disks = {stream: ForgetfulDisk() for stream in STREAMS}
        self.ends: dict[str, Committer] = {}
        self.locks: dict[str, StreamLock] = {}
        self.acknowledged: set[str] = set()
        self.tried: set[str] = set()
        self.leaves = b""
        self.count = 0
        self.reader = LogReader(self.decisions)
        for stream in STREAMS:
            self.start(stream)

    def start(self, stream: str) -> None:
        folder = folder_of(self.decisions, stream)
        self.locks[stream] = StreamLock(folder)
        self.ends[stream] = committer(
            folder, self.disks[stream], segment_size=2048, floor=sealed_position(self.decisions, stream)
        )

    def group(self, sizes: list[int]) -> list[bytes]:
        records = []
        for size in sizes:
            self.count += 1
            records.append(decision(self.count, NOON + self.count * 1000, pad="x" * size))
        self.tried |= {id_of(record) for record in records}
        return records

    def commit(self, stream: str, records: list[bytes]) -> None:
        end = self.ends[stream]
        done = end.commit(records)
        self.acknowledged |= {id_of(record) for record in records[: done.durable]}
        assert done.error is not None or done.durable == len(records)

    @rule(stream=st.sampled_from(STREAMS), sizes=st.lists(st.integers(0, 1200), min_size=1, max_size=4))
    def append(self, stream: str, sizes: list[int]) -> None:
        self.commit(stream, self.group(sizes))

    @rule(
        stream=st.sampled_from(STREAMS),
        sizes=st.lists(st.integers(0, 1200), min_size=1, max_size=3),
        syncs=st.integers(0, 3),
        writes=st.integers(0, 2),
    )
    def append_on_a_failing_disk(self, stream: str, sizes: list[int], syncs: int, writes: int) -> None:
        disk = self.disks[stream]
        disk.failing_syncs, disk.failing_writes = syncs, writes
        self.commit(stream, self.group(sizes))
        disk.failing_syncs = disk.failing_writes = 0

    @rule(stream=st.sampled_from(STREAMS))
    def mark(self, stream: str) -> None:
        end = self.ends[stream]
        end.mark()

    @rule(stream=st.sampled_from(STREAMS))
    def close_and_open(self, stream: str) -> None:
        end = self.ends[stream]
        end.close()
        self.locks[stream].release()
        self.start(stream)

    @rule(stream=st.sampled_from(STREAMS), number=st.integers(0, 20))
    def close_seal_away_and_open(self, stream: str, number: int) -> None:
        """The whole stream may be removed meanwhile; one that opens it again goes on after what was sealed."""
        self.ends[stream].close()
        self.locks[stream].release()
        Sealer(self.decisions, clock=FixedClock(NOON + number), lag=0).seal()
        self.start(stream)

    @rule(stream=st.sampled_from(STREAMS), dice=st.randoms(use_true_random=False), written=st.booleans())
    def cut_the_power(self, stream: str, dice: random.Random, *, written: bool) -> None:
        """One record is on its way when it happens, never acknowledged."""
        end, disk = self.ends[stream], self.disks[stream]
        if written:
            disk.failing_syncs = 2
            end.commit(self.group([300]))
            disk.failing_syncs = 0
        disk.cut_power(dice)
        disk.abandon()
        self.locks[stream].release()
        self.start(stream)
        # No reader outlives a power cut: it may have seen what was never acknowledged and is gone now.
        self.reader = LogReader(self.decisions)

    @rule(lag=st.sampled_from([0, 5000]))
    def seal(self, lag: int) -> None:
        Sealer(self.decisions, clock=FixedClock(NOON + self.count * 1000), lag=lag, batch_bytes=2000).seal()

    @rule(step=st.integers(1, 14), halfway=st.booleans())
    def seal_and_die(self, step: int, *, halfway: bool) -> None:
        disk = DyingDisk(step, halfway=halfway)
        try:
            Sealer(self.decisions, clock=FixedClock(NOON + self.count * 1000), disk=disk, lag=0).seal()
        except Killed:
            return

    @precondition(lambda self: self.count % 3 == 0)
    @rule()
    def verify(self) -> None:
        assert verify_log(self.decisions) == []

    @invariant()
    def every_acknowledged_record_is_read_once(self) -> None:
        if not hasattr(self, "decisions"):
            return
        scanned = [document["id"] for batch in self.reader.scan() for document in batch]
        assert len(scanned) == len(set(scanned))
        assert self.acknowledged <= set(scanned) <= self.tried
        found = [id_of(record) for record in self.reader.find(limit=None)]
        assert found == sorted(scanned, reverse=True)
        assert [id_of(record) for record in LogReader(self.decisions).find(limit=None)] == found

    @invariant()
    def the_order_never_changes(self) -> None:
        if not hasattr(self, "decisions") or not leaves_file(self.decisions).exists():
            return
        from tenure.adapters.decision_log.chain import last_sealing

        last = last_sealing(self.decisions)
        leaves = leaves_file(self.decisions).read_bytes()[: last.end * 32 if last else 0]
        assert leaves.startswith(self.leaves)
        self.leaves = leaves

    def teardown(self) -> None:
        if not hasattr(self, "decisions"):
            return
        for stream in STREAMS:
            self.disks[stream].abandon()
            self.locks[stream].release()
        shutil.rmtree(self.decisions)


LogMachine.TestCase.settings = settings(
    max_examples=30,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    report_multiple_bugs=False,
)
TestLog = LogMachine.TestCase
