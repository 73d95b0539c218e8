"""The pulse of a worker: what answers is left alone, what falls silent is told, what ends is no hang."""

import asyncio
import contextlib
import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tenure.serving import sockets
from tenure.serving.supervisor import pulse
from tenure.worker import frames


class Peer:
    """A worker's socket that answers so many PINGs and then goes on reading in silence."""

    def __init__(self, path: Path, answers: int) -> None:
        self.path, self.pings = path, 0
        self._left = answers
        self._listener = sockets.listen_unix(path)
        self._listener.setblocking(True)
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        connection, _ = self._listener.accept()
        # Who asked may be gone by now.
        with connection, contextlib.suppress(OSError):
            while connection.recv(frames.HEADER.size):
                self.pings += 1
                if self.pings <= self._left:
                    connection.sendall(frames.encode(frames.PONG))

    def close(self) -> None:
        self._listener.close()


class Child:
    """A process in a session of its own, as every worker is."""

    def __init__(self) -> None:
        self._child = subprocess.Popen(["sleep", "600"], start_new_session=True)
        self.pid = self._child.pid

    @property
    def niceness(self) -> tuple[int, str]:
        """Return how far it stands back, alone and as a group (empty where there are no groups)."""
        group = Path(f"/proc/{self.pid}/autogroup")
        return os.getpriority(os.PRIO_PROCESS, self.pid), group.read_text().split()[-1] if group.exists() else ""

    def end(self) -> None:
        self._child.kill()
        self._child.wait()


@pytest.fixture
def child() -> Iterator[Child]:
    one = Child()
    yield one
    one.end()


def _watched(path: Path, silent_seconds: float, seconds: float, child: Child) -> str | None:
    """Return why the watch ended, None when it did not within some seconds."""

    async def run() -> str | None:
        try:
            # Of the process only its number is asked.
            return await asyncio.wait_for(pulse.stops(path, silent_seconds, asyncio.Event())(child), seconds)  # type: ignore[arg-type]
        except TimeoutError:
            return None

    return asyncio.run(run())


def test_a_worker_that_falls_silent_is_told_after_its_time_and_not_before(tmp_path: Path, child: Child) -> None:
    peer = Peer(tmp_path / "one.sock", answers=3)
    assert _watched(peer.path, silent_seconds=0.8, seconds=0.7, child=child) is None
    peer.close()
    peer = Peer(tmp_path / "two.sock", answers=3)
    why = _watched(peer.path, silent_seconds=0.4, seconds=10, child=child)
    assert why is not None
    assert why.startswith("it answered no PING for 0.4 s")
    assert peer.pings == 4
    peer.close()


def test_a_worker_that_answers_is_left_alone(tmp_path: Path, child: Child) -> None:
    peer = Peer(tmp_path / "one.sock", answers=1000)
    assert _watched(peer.path, silent_seconds=0.2, seconds=1.0, child=child) is None
    assert peer.pings > 5
    peer.close()


def test_a_worker_that_does_not_answer_stands_back_behind_the_others_until_it_does(
    tmp_path: Path, child: Child
) -> None:
    beside = child.niceness
    peer = Peer(tmp_path / "one.sock", answers=1)
    _watched(peer.path, silent_seconds=0.4, seconds=10, child=child)
    behind = child.niceness
    assert behind[0] > beside[0]
    assert behind[1] in {"", "15"}
    peer.close()
    peer = Peer(tmp_path / "two.sock", answers=1000)
    _watched(peer.path, silent_seconds=0.4, seconds=1.0, child=child)
    # Without privileges a process is not let forward again, a group is.
    assert child.niceness[0] == beside[0] or os.geteuid() != 0
    assert child.niceness[1] == beside[1]
    peer.close()


def test_a_worker_that_somebody_waits_for_stands_back_at_once(
    tmp_path: Path, child: Child, monkeypatch: pytest.MonkeyPatch
) -> None:
    # No PING of its own accord after the first, and no patience with it.
    monkeypatch.setattr(pulse, "_EVERY_SECONDS", 600.0)
    peer = Peer(tmp_path / "one.sock", answers=1)
    beside = child.niceness

    async def run() -> None:
        doubt = asyncio.Event()
        async with asyncio.timeout(30):
            watch = asyncio.ensure_future(pulse.stops(peer.path, 6000.0, doubt)(child))  # type: ignore[arg-type]
            while peer.pings < 1:  # noqa: ASYNC110 - nothing tells of it
                await asyncio.sleep(0.01)
            assert child.niceness == beside
            doubt.set()
            while child.niceness == beside:  # noqa: ASYNC110 - nothing tells of it
                await asyncio.sleep(0.01)
            watch.cancel()

    asyncio.run(run())
    assert peer.pings == 2
    peer.close()


def test_a_worker_that_is_not_there_does_not_hang(tmp_path: Path, child: Child) -> None:
    assert _watched(tmp_path / "nobody.sock", silent_seconds=0.2, seconds=0.6, child=child) is None
