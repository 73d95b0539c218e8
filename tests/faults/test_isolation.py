"""A version that misbehaves in every way there is harms its own callers and nobody else."""

import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

import msgspec
import pytest

from tests.faults.house import TOKEN, House, ask, started
from tests.worker.packages import PLAIN

pytestmark = pytest.mark.processes

#: how long a worker may be silent: short where it is to be found out, long where a busy machine must not look like it
_SOON, _LATE = 5.0, 60.0
#: a worker that stands behind all others may need long to eat its memory on a busy machine
_CLIENT_SECONDS = 120.0
MEMORY = 512 << 20
DIES, LOOPS, EATS, SHARES, SPLITS = 701.0, 702.0, 703.0, 704.0, 705.0
MISBEHAVES = PLAIN.replace(
    "    def score(self, row):\n",
    """    def score(self, row):
        kept = self.kept = getattr(self, "kept", [])
        if row["a"] == 701.0:
            import ctypes
            ctypes.string_at(0)
        while row["a"] == 702.0:
            pass
        while row["a"] == 703.0:
            kept.append(bytearray(16 << 20))
        if row["a"] == 704.0:
            import mmap
            kept.append(mmap.mmap(-1, 1200 << 20))
            for _ in range(75):
                kept[-1].write(bytes(16 << 20))
        if row["a"] == 705.0:
            import threading
            kept.clear()
            # With ordinary stacks the limit of memory would be met first.
            threading.stack_size(64 << 10)
            for _ in range(200):
                threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
""",
)
NAMES = {
    DIES: "segfaults",
    LOOPS: "loops for ever",
    EATS: "eats memory",
    SHARES: "maps memory",
    SPLITS: "starts threads",
}


@pytest.fixture
def house(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[House]:
    """Give a house whose version 1 serves an application and whose version 2 is asked to misbehave."""
    one = House(tmp_path / "home", source=MISBEHAVES)
    silent = _LATE if request.node.get_closest_marker("soak") is None else _SOON
    one.made = [
        replace(made, worker=msgspec.structs.replace(made.worker, silent_seconds=silent, memory=MEMORY))
        for made in one.made
    ]
    one.publish(1, running=(1, 2))
    with started(one):
        yield one


def test_a_version_that_segfaults_eats_memory_or_starts_threads_is_bounded_and_back_while_the_other_answers(
    house: House,
) -> None:
    other = house.worker_pid("plain/1")
    with Asking(house.port, clients=2) as steady:
        assert misbehave(house, DIES) == 503
        _until_back(house, restarts=1, last_end="signal 11")
        # The limit is met by an error of the model, not by its end: only this caller has it.
        assert misbehave(house, EATS) == 500
        assert misbehave(house, 1.0) == 200
        misbehave(house, SPLITS)
        _until_back(house, restarts=2, last_end="threads, at most 80 are allowed")
        misbehave(house, SHARES)
        _until_back(house, restarts=3, last_end="MiB of memory, at most 1024 are allowed")
    workers = house.status()["workers"]
    assert workers["plain/1"]["pid"] == other
    assert workers["plain/1"]["restarts"] == 0
    assert not steady.failed
    assert len(steady.seconds) > 50
    assert workers["plain/2"]["limits"] == {"memory": MEMORY, "files": 1024, "network": "none", "why": "seccomp"}
    assert workers["plain/2"]["python"].startswith("3.")


@pytest.mark.soak
@pytest.mark.parametrize("how", [DIES, LOOPS, EATS], ids=[NAMES[one] for one in (DIES, LOOPS, EATS)])
def test_the_others_p99_is_hardly_moved(house: House, how: float, capsys: pytest.CaptureFixture[str]) -> None:
    """Steady and disturbed seconds in turns, so that what else this machine does falls on both alike."""
    steady, disturbed = Asking(house.port, clients=4), Asking(house.port, clients=4)
    for _ in range(6):
        with steady.again():
            time.sleep(5)
        with disturbed.again(), _misbehaving(house, how):
            time.sleep(5)
        # One that still loops would disturb the next steady seconds.
        house.wait_until(_answers(house), 60)
    moved = disturbed.p99() / steady.p99() - 1
    with capsys.disabled():
        print(
            f"\nsoak: a worker that {NAMES[how]}: p99 of the others {1000 * steady.p99():.2f} ms steady, "
            f"{1000 * disturbed.p99():.2f} ms disturbed ({100 * moved:+.1f} %), of {len(steady.seconds)} and "
            f"{len(disturbed.seconds)} decisions",
            flush=True,
        )
    assert not steady.failed
    assert not disturbed.failed


@dataclass
class Asking:
    """Clients that ask the application one decision after the other, and how long each took."""

    port: int
    clients: int
    seconds: list[float] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def again(self) -> Self:
        return self

    def __enter__(self) -> Self:
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._client, daemon=True) for _ in range(self.clients)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(60)

    def _client(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_CLIENT_SECONDS)
        while not self._stop.is_set():
            began = time.perf_counter()
            try:
                status, content = ask(connection, {"customer": "x", "a": 1.0, "b": 1.0})
            except (OSError, http.client.HTTPException) as error:
                self.failed.append(repr(error))
                return
            self.seconds.append(time.perf_counter() - began)
            if status != 200 or b'"decided_by":"model"' not in content:
                self.failed.append(content.decode())
            time.sleep(0.01)
        connection.close()

    def p99(self) -> float:
        """Return the time that one in a hundred decisions took longer than."""
        return sorted(self.seconds)[int(0.99 * len(self.seconds))]


class _misbehaving:  # noqa: N801 - it reads as a phrase
    """Asks version 2 to misbehave, again and again while the block lasts."""

    def __init__(self, house: House, how: float) -> None:
        self._house, self._how = house, how

    def __enter__(self) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._ask, daemon=True)
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(30)

    def _ask(self) -> None:
        while not self._stop.is_set():
            misbehave(self._house, self._how)
            time.sleep(0.2)


def misbehave(house: House, a: float) -> int:
    """Ask version 2 directly, and return the status."""
    inputs = [{"name": name, "shape": [1], "datatype": "FP64", "data": [a]} for name in ("a", "b")]
    connection = http.client.HTTPConnection("127.0.0.1", house.port, timeout=_CLIENT_SECONDS)
    try:
        path, headers = "/v2/models/plain/versions/2/infer", {"Authorization": f"Bearer {TOKEN}"}
        connection.request("POST", path, json.dumps({"inputs": inputs}), headers)
        response = connection.getresponse()
        response.read()
    finally:
        connection.close()
    return response.status


def _until_back(house: House, restarts: int, last_end: str) -> None:
    def back() -> bool:
        worker = house.status()["workers"]["plain/2"]
        return bool(worker["restarts"] == restarts and worker["state"] == "ready")

    house.wait_until(back, _CLIENT_SECONDS)
    house.wait_until(_answers(house), 60)
    assert last_end in house.status()["workers"]["plain/2"]["last_end"]


def _answers(house: House) -> Callable[[], bool]:
    return lambda: misbehave(house, 1.0) == 200
