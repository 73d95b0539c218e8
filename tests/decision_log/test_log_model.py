"""The log as a state machine: claim, append, fail, crash, recover, seal, read, in any order; compared with a plain list."""

import random
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tenure.adapters.decision_log.chain import leaves_file, sealed_position
from tenure.adapters.decision_log.claims import Claims, Done, InFlight, Reserved
from tenure.adapters.decision_log.committer import LogFailed
from tenure.adapters.decision_log.reader import LogReader
from tenure.adapters.decision_log.sealer import Sealer
from tenure.adapters.decision_log.streams import StreamLock, UnsealedLog, folder_of
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
        # The claims of the two gateways, and the id of the decision that each key stands for once it was acknowledged.
        self.claims = {stream: Claims(self.decisions / "claims.db", clock=FixedClock(NOON)) for stream in STREAMS}
        self.keys: dict[str, str] = {}
        self.doubted: dict[str, set[str]] = {stream: set() for stream in STREAMS}
        for stream in STREAMS:
            self.start(stream)

    def start(self, stream: str) -> None:
        folder = folder_of(self.decisions, stream)
        self.locks[stream] = StreamLock(folder)
        self.ends[stream] = committer(
            folder, self.disks[stream], segment_size=2048, floor=sealed_position(self.decisions, stream)
        )
        self.claims[stream].settle([stream], UnsealedLog(self.decisions), lambda record: id_of(record).encode())

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
        if done.durable:
            self.believe(stream)
        assert done.error is not None or done.durable == len(records)

    def believe(self, stream: str) -> None:
        """The stream went on, so what it refused before is not in it."""
        self.claims[stream].believe()
        self.doubted[stream].clear()

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

    @rule(stream=st.sampled_from(STREAMS), sizes=st.lists(st.integers(0, 1200), min_size=1, max_size=3))
    def append_on_a_full_disk(self, stream: str, sizes: list[int]) -> None:
        self.disks[stream].full = True
        self.commit(stream, self.group(sizes))
        self.disks[stream].full = False

    @rule(
        stream=st.sampled_from(STREAMS),
        key=st.sampled_from("abc"),
        fails=st.booleans(),
        dies=st.sampled_from(["", "", "claimed", "written", "acknowledged"]),
        dice=st.randoms(use_true_random=False),
    )
    def decide_under_a_key(self, stream: str, key: str, dice: random.Random, dies: str, *, fails: bool) -> None:
        """As a gateway does: reserve, append, acknowledge, finish; and its death between any two of these."""
        (record,) = self.group_under(key)
        claim = self.claims[stream].reserve("offers", key, "body", id_of(record), stream)
        if isinstance(claim, Done):
            found = claim.response.decode()
            assert self.keys.setdefault(key, found) == found, "one key, one answer, for ever"
            self.acknowledged.add(found)
            return
        if isinstance(claim, InFlight):
            assert any(key in keys for keys in self.doubted.values()), "a dead gateway's keys are settled at its start"
            return
        assert isinstance(claim, Reserved)
        assert key not in self.keys, "an acknowledged key is never free again"
        self.disks[stream].failing_syncs = 2 if fails or dies == "written" else 0
        done = self.ends[stream].commit([record]) if dies != "claimed" else None
        self.disks[stream].failing_syncs = 0
        if done is not None and done.durable:
            self.acknowledged.add(id_of(record))
            self.keys[key] = id_of(record)
        if dies:
            self.die(stream, dice)
        elif done is not None and done.durable:
            self.believe(stream)
            self.claims[stream].finish("offers", key, id_of(record).encode())
        elif done is not None and isinstance(done.error, LogFailed):
            self.claims[stream].doubt("offers", key)
            self.doubted[stream].add(key)
        else:
            self.claims[stream].release("offers", key)

    def group_under(self, key: str) -> list[bytes]:
        self.count += 1
        record = decision(self.count, NOON + self.count * 1000, key=key)
        self.tried.add(id_of(record))
        return [record]

    @rule(stream=st.sampled_from(STREAMS))
    def mark(self, stream: str) -> None:
        end = self.ends[stream]
        end.mark()

    @rule(stream=st.sampled_from(STREAMS))
    def close_and_open(self, stream: str) -> None:
        end = self.ends[stream]
        end.close()
        self.locks[stream].release()
        self.forget_gateway(stream)
        self.start(stream)

    @rule(stream=st.sampled_from(STREAMS), number=st.integers(0, 20))
    def close_seal_away_and_open(self, stream: str, number: int) -> None:
        """The whole stream may be removed meanwhile; one that opens it again goes on after what was sealed."""
        self.ends[stream].close()
        self.locks[stream].release()
        self.forget_gateway(stream)
        hold = self.claims[stream].unsettled_streams
        Sealer(self.decisions, clock=FixedClock(NOON + number), hold=hold, lag=0).seal()
        self.start(stream)

    @rule(stream=st.sampled_from(STREAMS), dice=st.randoms(use_true_random=False), written=st.booleans())
    def cut_the_power(self, stream: str, dice: random.Random, *, written: bool) -> None:
        """One record is on its way when it happens, never acknowledged."""
        if written:
            self.disks[stream].failing_syncs = 2
            self.ends[stream].commit(self.group([300]))
            self.disks[stream].failing_syncs = 0
        self.die(stream, dice)

    def forget_gateway(self, stream: str) -> None:
        """What a process knew is gone with it; the next one settles its open claims."""
        self.doubted[stream].clear()
        self.claims[stream].close()
        self.claims[stream] = Claims(self.decisions / "claims.db", clock=FixedClock(NOON))

    def die(self, stream: str, dice: random.Random) -> None:
        disk = self.disks[stream]
        disk.cut_power(dice)
        self.forget_gateway(stream)
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
    def no_key_stands_on_two_records(self) -> None:
        if not hasattr(self, "decisions"):
            return
        keys = [key for batch in self.reader.scan() for document in batch if (key := document.get("key"))]
        assert len(keys) == len(set(keys))

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
            self.claims[stream].close()
        shutil.rmtree(self.decisions)


LogMachine.TestCase.settings = settings(
    max_examples=30,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    report_multiple_bugs=False,
)
TestLog = LogMachine.TestCase
