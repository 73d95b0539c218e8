"""The gateway's link to a worker that is a real process behind a listening socket that outlives it."""

import asyncio
import contextlib
import os
import random
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tenure.model.package import BatchForm
from tenure.serving import launch, sockets
from tenure.serving.link import MisfitRow, WorkerLink, WorkerUnreachable
from tenure.worker.columns import Codec
from tests.worker.packages import Made, Maker, output
from tests.worker.packages import batch as batch_of

pytestmark = pytest.mark.processes

SECOND = 1_000_000
ALONE = BatchForm("single", 1)


class Host:
    """What the supervisor does: owns the socket, starts the worker again."""

    def __init__(self, made: Made, path: Path) -> None:
        self.made, self.path = made, path
        self.listener = sockets.listen_unix(path)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        descriptor = self.listener.fileno()
        self.process = subprocess.Popen(
            launch.command(self.made.worker, descriptor),
            env=launch.environ(self.made.worker),
            pass_fds=[descriptor],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def stop(self) -> int:
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(60)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(60)


@contextlib.asynccontextmanager
async def served(
    tmp_path: Path, *, batch: BatchForm | None = None, started: bool = True, **more: Any
) -> AsyncIterator[tuple[Host, WorkerLink]]:
    made = Maker(tmp_path, Path(sys.executable)).plain(batch=batch or BatchForm("multiple", 8))
    host = Host(made, tmp_path / "w.sock")
    link = WorkerLink("plain", 1, made.version, host.path, **more)
    if started:
        host.start()
        await link.connect(20)
    try:
        yield host, link
    finally:
        await link.close()
        if host.process is not None:
            host.kill()
        host.listener.close()


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(60):
            await scenario()

    asyncio.run(bounded())


async def ready_again(link: WorkerLink) -> None:
    while not link.ready:  # noqa: ASYNC110 - it comes back by itself, so nobody here can be told
        await asyncio.sleep(0.01)


def test_many_rows_in_flight_meet_in_batches_and_each_gets_its_own_answer(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with served(tmp_path) as (host, link):
            rows = [{"a": float(nth), "b": 1.0} for nth in range(400)]
            answers = await asyncio.gather(*[link.predict(row, 5 * SECOND) for row in rows])
            assert [a.output for a in answers] == [{"score": nth + 2.0} for nth in range(400)]
            assert {a.digest for a in answers} == {host.made.worker.digest}
            assert max(batch_of(a).rows for a in answers) > 1
            assert all(a.raw == Codec(host.made.version.outputs).pack_row(output(a)) for a in answers)

    run(scenario)


def test_many_rows_of_one_question_come_back_in_order_and_a_poison_row_fails_alone(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with served(tmp_path) as (_, link):
            rows: list[dict[str, float | None]] = [{"a": float(nth), "b": 1.0} for nth in range(900)]
            alone = [(await link.predict(row, 5 * SECOND)).raw for row in rows[:20]]
            answers = await link.predict_rows(rows, 5 * SECOND)
            assert [one.raw for one in answers[:20]] == alone
            assert [output(one)["score"] for i, one in enumerate(answers) if i != 666] == [
                nth + 2.0 for nth in range(900) if nth != 666
            ]
            assert (answers[666].failure, answers[666].output) == ("raised", None)
            assert all(batch_of(one).rows > 100 for one in answers[:256])
            mixed = await link.predict_rows([rows[0], {"a": None, "b": 1.0}, rows[1]], SECOND)
            assert [one.failure for one in mixed] == [None, "bad_row", None]
            assert await link.predict_rows([], SECOND) == []
            with pytest.raises(MisfitRow, match="row 1: field 'a' has no value"):
                link.pack_rows([rows[0], {"a": None, "b": 1.0}])
            assert {one.failure for one in await link.predict_rows(rows[:3], 0)} == {"timeout"}

    run(scenario)


def test_rows_asked_together_at_a_death_are_asked_apart_afterwards(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with served(tmp_path) as (host, link):
            rows = [{"a": float(nth), "b": 1.0} for nth in range(300)]
            rows[290]["a"] = 911.0
            first = await link.predict_rows(rows, 5 * SECOND)
            assert {one.failure for one in first[256:]} == {"unavailable"}
            host.start()
            await ready_again(link)
            again = await link.predict_rows(rows[:256], 5 * SECOND)
            assert all(one.output for one in again)

    run(scenario)


def test_random_companions_never_change_a_rows_bits(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with served(tmp_path) as (_, link):
            chance = random.Random(11)
            rows = [{"a": chance.gauss(0, 1), "b": chance.gauss(0, 1)} for _ in range(64)]
            alone = [(await link.predict(row, 5 * SECOND)).raw for row in rows]
            for _ in range(10):
                some = chance.choices(range(64), k=chance.randint(1, 100))
                answers = await asyncio.gather(*[link.predict(rows[nth], 5 * SECOND) for nth in some])
                assert [a.raw for a in answers] == [alone[nth] for nth in some]

    run(scenario)


def test_the_models_faults_are_values(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with served(tmp_path) as (_, link):
            raised, bad, good, none_left = await asyncio.gather(
                link.predict({"a": 666.0, "b": 0.0}, SECOND),
                link.predict({"a": None, "b": 0.0}, SECOND),
                link.predict({"a": 1.0, "b": 0.0}, SECOND),
                link.predict({"a": 1.0, "b": 0.0}, 0),
            )
            assert (raised.failure, raised.error) == ("raised", "ValueError: the devil is in row")
            assert (bad.failure, bad.error) == ("bad_row", "field 'a' has no value")
            assert good.output == {"score": 1.0}
            assert none_left.failure == "timeout"

    run(scenario)


def test_a_slow_model_times_out_and_what_waited_too_long_is_never_computed(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with served(tmp_path, batch=ALONE) as (_, link):
            slow = asyncio.ensure_future(link.predict({"a": 30_000.0, "b": 0.0}, 2 * SECOND))
            await asyncio.sleep(0.05)
            late = await link.predict({"a": 911.0, "b": 0.0}, 50_000)
            assert late.failure == "timeout"
            assert (await slow).output == {"score": 30_000.0}
            # The late row would have killed the worker, had it been computed.
            assert (await link.predict({"a": 1.0, "b": 0.0}, SECOND)).output == {"score": 1.0}
            assert link.in_flight == 0

    run(scenario)


def test_who_watches_the_worker_is_told_once_of_a_call_that_takes_longer_than_its_calls_do(tmp_path: Path) -> None:
    async def scenario() -> None:
        told: list[int] = []
        async with served(tmp_path, batch=ALONE, silent=lambda: told.append(1)) as (host, link):
            for nth in range(20):
                await link.predict({"a": float(nth), "b": 0.0}, SECOND)
            assert not told
            assert host.process is not None
            # A process that is stopped is as silent as a model that does not come back, however fast this machine is.
            host.process.send_signal(signal.SIGSTOP)
            waiting = asyncio.ensure_future(link.predict({"a": 1.0, "b": 0.0}, 30 * SECOND))
            while not told:  # noqa: ASYNC110 - nothing tells of it
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.3)
            host.process.send_signal(signal.SIGCONT)
            assert (await waiting).output == {"score": 1.0}
        assert told == [1]

    run(scenario)


def test_a_worker_killed_mid_request_is_unavailable_and_comes_back_by_itself(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with served(tmp_path, batch=ALONE) as (host, link):
            asked = asyncio.ensure_future(link.predict({"a": 50_000.0, "b": 0.0}, 5 * SECOND))
            await asyncio.sleep(0.1)
            host.kill()
            assert (await asked).failure == "unavailable"
            assert (await link.predict({"a": 1.0, "b": 0.0}, SECOND)).failure == "unavailable"
            host.start()
            await ready_again(link)
            assert (await link.predict({"a": 1.0, "b": 0.0}, SECOND)).output == {"score": 1.0}

    run(scenario)


def test_a_row_in_flight_at_two_deaths_is_quarantined_and_others_are_not(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with served(tmp_path) as (host, link):
            for _ in range(2):
                assert (await link.predict({"a": 911.0, "b": 0.0}, SECOND)).failure == "unavailable"
                host.start()
                await ready_again(link)
            assert (await link.predict({"a": 911.0, "b": 0.0}, SECOND)).failure == "quarantined"
            assert (await link.predict({"a": 912.0, "b": 0.0}, SECOND)).output == {"score": 912.0}

    run(scenario)


def test_more_rows_than_the_limit_are_refused_at_once(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with served(tmp_path, batch=ALONE, in_flight=3) as (_, link):
            slow = [asyncio.ensure_future(link.predict({"a": 30_000.0, "b": 0.0}, 30_000)) for _ in range(3)]
            await asyncio.sleep(0.01)
            assert (await link.predict({"a": 1.0, "b": 0.0}, SECOND)).failure == "overloaded"
            assert {one.failure for one in await asyncio.gather(*slow)} == {"timeout"}
            # Nobody waits for them any more, but the worker still holds them.
            assert (await link.predict({"a": 1.0, "b": 0.0}, SECOND)).failure == "overloaded"

    run(scenario)


def test_a_stopped_worker_finishes_what_it_has(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with served(tmp_path, batch=ALONE) as (host, link):
            asked = [
                asyncio.ensure_future(link.predict({"a": 10_000.0 + nth, "b": 0.0}, 5 * SECOND)) for nth in range(5)
            ]
            await asyncio.sleep(0.05)
            assert await asyncio.to_thread(host.stop) == 0
            assert [output(one)["score"] for one in await asyncio.gather(*asked)] == [
                10_000.0 + nth for nth in range(5)
            ]

    run(scenario)


def test_waiting_for_a_worker_that_never_loads_ends_with_the_reason(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with served(tmp_path, started=False) as (host, link):
            with pytest.raises(WorkerUnreachable, match="it has not loaded its model yet"):
                await link.connect(0.2)
            assert not link.ready
            host.start()
            await link.connect(20)
            assert host.process is not None
            assert link.welcome["pid"] == host.process.pid

    run(scenario)


def test_a_worker_of_another_version_is_not_asked(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with served(tmp_path) as (host, _):
            other = WorkerLink(
                "plain", 2, Maker(tmp_path / "o", Path(sys.executable)).plain(target="y").version, host.path
            )
            with pytest.raises(WorkerUnreachable, match="says it serves sha256"):
                await other.connect(0.5)
            await other.close()

    run(scenario)


def test_a_peer_that_sends_nonsense_or_never_reads_harms_nobody(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with served(tmp_path) as (host, link):
            rude = sockets.connect_unix(host.path, timeout=5)
            rude.sendall(os.urandom(4096))
            answer = rude.recv(1 << 16)
            assert b"damaged" in answer
            deaf = sockets.connect_unix(host.path, timeout=5)
            from tenure.worker import frames

            hello = frames.encode(frames.HELLO) * 100
            deaf.settimeout(0.2)
            with contextlib.suppress(TimeoutError, OSError):
                for _ in range(20_000):
                    deaf.sendall(hello)
            assert (await link.predict({"a": 1.0, "b": 0.0}, 20 * SECOND)).output == {"score": 1.0}
            rude.close()
            deaf.close()

    run(scenario)


def test_a_very_long_path_is_reached(tmp_path: Path) -> None:
    async def scenario() -> None:
        deep = tmp_path / ("d" * 100) / ("e" * 100)
        deep.mkdir(parents=True)
        async with served(deep) as (_, link):
            assert (await link.predict({"a": 1.0, "b": 1.0}, SECOND)).output == {"score": 3.0}

    run(scenario)


def test_closing_fails_what_is_in_flight_and_suspects_nobody(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with served(tmp_path, batch=ALONE) as (_, link):
            asked = asyncio.ensure_future(link.predict({"a": 20_000.0, "b": 0.0}, 5 * SECOND))
            await asyncio.sleep(0.01)
            await link.close()
            assert (await asked).failure == "unavailable"
            assert not link.ready
            await link.connect(10)
            assert (await link.predict({"a": 1.0, "b": 0.0}, SECOND)).output == {"score": 1.0}

    run(scenario)


def test_a_damaged_answer_closes_the_connection_and_nobody_waits_for_ever(tmp_path: Path) -> None:
    from tenure.worker import frames

    async def lie(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(frames.HEADER.size)
        writer.write(frames.encode_json(frames.WELCOME, 0, {"digest": made.worker.digest}))
        await reader.readexactly(frames.HEADER.size + 16)
        writer.write(frames.encode(frames.RESULT, 1, 1, meta=b"x", body=b"y"))
        await reader.read()
        writer.close()

    made = Maker(tmp_path, Path(sys.executable)).plain()

    async def scenario() -> None:
        server = await asyncio.start_unix_server(lie, tmp_path / "liar.sock")
        link = WorkerLink("plain", 1, made.version, tmp_path / "liar.sock")
        await link.connect(5)
        assert (await link.predict({"a": 1.0, "b": 0.0}, 20 * SECOND)).failure == "unavailable"
        await link.close()
        server.close()

    run(scenario)
