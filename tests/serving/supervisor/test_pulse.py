"""The pulse of a worker: what answers is left alone, what falls silent is told, what ends is no hang."""

import asyncio
import threading
from pathlib import Path

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
        with connection:
            while connection.recv(frames.HEADER.size):
                self.pings += 1
                if self.pings <= self._left:
                    connection.sendall(frames.encode(frames.PONG))

    def close(self) -> None:
        self._listener.close()


def _watched(path: Path, silent_seconds: float, seconds: float) -> str | None:
    """Return why the watch ended, None when it did not within some seconds."""

    async def run() -> str | None:
        try:
            # The process itself is not looked at.
            return await asyncio.wait_for(pulse.stops(path, silent_seconds)(None), seconds)  # type: ignore[arg-type]
        except TimeoutError:
            return None

    return asyncio.run(run())


def test_a_worker_that_falls_silent_is_told_after_its_time_and_not_before(tmp_path: Path) -> None:
    peer = Peer(tmp_path / "one.sock", answers=3)
    assert _watched(peer.path, silent_seconds=0.8, seconds=0.7) is None
    peer.close()
    peer = Peer(tmp_path / "two.sock", answers=3)
    why = _watched(peer.path, silent_seconds=0.4, seconds=10)
    assert why is not None
    assert why.startswith("it answered no PING for 0.4 s")
    assert peer.pings == 4
    peer.close()


def test_a_worker_that_answers_is_left_alone(tmp_path: Path) -> None:
    peer = Peer(tmp_path / "one.sock", answers=1000)
    assert _watched(peer.path, silent_seconds=0.2, seconds=1.0) is None
    assert peer.pings > 5
    peer.close()


def test_a_worker_that_is_not_there_does_not_hang(tmp_path: Path) -> None:
    assert _watched(tmp_path / "nobody.sock", silent_seconds=0.2, seconds=0.6) is None
