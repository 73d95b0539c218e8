"""A full disk: the log says so and takes nothing, what it took before is there, and with space it goes on by itself."""

import http.client
import json
import resource
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.faults.house import House, ask, running

pytestmark = pytest.mark.processes

#: segments of 8 MiB, one in use and one filled ahead, for two gateways, and some room
DISK = 80 << 20


@dataclass
class Disk:
    """A home's disk that can be filled and freed: a small file system of its own, where this user may mount one.

    Elsewhere the gateways may not make files grow, which their writes meet in the same way.
    """

    root: Path
    mounted: bool

    def fill(self, house: House) -> None:
        if not self.mounted:
            self._limit(house, 4096)
            return
        with (self.root / "filler").open("wb", buffering=0) as file:
            for size in (1 << 20, 4096, 1):
                try:
                    while file.write(bytes(size)) == size:
                        pass
                except OSError:
                    continue

    def free(self, house: House) -> None:
        if self.mounted:
            (self.root / "filler").unlink()
        else:
            self._limit(house, resource.RLIM_INFINITY)

    @staticmethod
    def _limit(house: House, size: int) -> None:
        for pid in house.gateway_pids():
            _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, hard))


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    root = tmp_path / "disk"
    root.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(root)]
    mounted = (
        shutil.which("mount") is not None and subprocess.run(command, check=False, capture_output=True).returncode == 0
    )
    yield Disk(root, mounted)
    if mounted:
        subprocess.run(["umount", "-l", str(root)], check=True)


@pytest.fixture
def house(disk: Disk) -> Iterator[House]:
    with running(disk.root / "home", versions=1) as one:
        yield one


def test_a_full_disk_refuses_loses_nothing_and_heals_by_itself(house: House, disk: Disk) -> None:
    acknowledged: dict[str, str] = {}
    known = {"customer": "known", "a": 1.0, "b": 1.0}
    for nth in range(20):
        _keep(acknowledged, _asked(house, known, f"before-{nth}"))
    disk.fill(house)
    # A new person's key, and a new idempotency key, find no space.
    codes = {_asked(house, {**known, "customer": f"new-{nth}"})[1].get("code") for nth in range(20)}
    codes |= {_asked(house, known, f"during-{nth}")[1].get("code") for nth in range(60)}
    assert "disk-full" in codes
    # Records go into what is left of the segments, and then nowhere.
    large = {**known, "customer": "known" + "y" * 200_000}
    refused = 0
    for _ in range(400):
        status, answer = _asked(house, large)
        if status == 200:
            _keep(acknowledged, (status, answer))
            continue
        assert (status, answer["code"]) in {(503, "disk-full"), (503, "log-failed")}, answer
        assert answer["next_step"]
        refused += 1
        if refused > 20:
            break
    assert refused > 20
    disk.free(house)
    house.wait_until(lambda: _asked(house, {**known, "customer": "later"})[0] == 200, 90)
    for nth in range(20):
        _keep(acknowledged, _asked(house, known, f"before-{nth}"))
    for nth in range(60):
        # Whatever became of a key while the disk was full, it is used or free now, and has one effect.
        until = time.monotonic() + 20
        while (found := _asked(house, known, f"during-{nth}"))[0] != 200:
            assert time.monotonic() < until, found
        _keep(acknowledged, found)
        assert _asked(house, known, f"during-{nth}") == found
    _holds(house, acknowledged)


def _holds(house: House, acknowledged: dict[str, str]) -> None:
    """Every acknowledged decision stands in the log once, and no idempotency key on two records."""
    logged = house.logged()
    ids = [one["id"] for one in logged]
    keys = [one["key"] for one in logged if one.get("key")]
    assert len(ids) == len(set(ids))
    assert len(keys) == len(set(keys))
    assert acknowledged.keys() <= set(ids)


def _keep(acknowledged: dict[str, str], found: tuple[int, dict[str, str]]) -> None:
    status, answer = found
    assert status == 200, answer
    acknowledged[answer["decision_id"]] = answer["decided_by"]


def _asked(house: House, body: dict[str, object], key: str | None = None) -> tuple[int, dict[str, str]]:
    connection = http.client.HTTPConnection("127.0.0.1", house.port, timeout=60)
    try:
        status, content = ask(connection, body, key)
    finally:
        connection.close()
    return status, json.loads(content)
