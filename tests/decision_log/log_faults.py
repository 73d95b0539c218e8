"""Disks that fail, die and forget on purpose, and records to write on them."""

import errno
import json
import os
import random
from pathlib import Path

from tenure.adapters.decision_log.committer import Committer, Done
from tenure.adapters.decision_log.disk import Disk
from tenure.kit.clock import FixedClock
from tenure.kit.ids import new_id

SECTOR = 512
NOON = 1_790_000_000_000_000


class Killed(BaseException):
    """The process ends here; no handler may hide it."""


def decision(number: int, at: int = NOON, **fields: object) -> bytes:
    """Return a small decision record whose id belongs to `at` and `number`."""
    document = {
        "v": 1,
        "kind": "decision",
        "id": new_id(at, number.to_bytes(8, "big")),
        "at": at,
        "application": "credit",
        "revision": 1,
        "request": {"number": number},
        "decided_by": "model",
        "answer": {"number": number},
    }
    return json.dumps(document | fields).encode()


def id_of(record: bytes) -> str:
    name: str = json.loads(record)["id"]
    return name


def at_once(job) -> None:
    job()


def committer(folder: Path, disk: Disk | None = None, segment_size: int = 4096, floor: int = 0, **more) -> Committer:
    folder.mkdir(parents=True, exist_ok=True)
    return Committer(
        folder,
        disk=disk or Disk(),
        clock=FixedClock(NOON),
        segment_size=segment_size,
        run=at_once,
        floor=floor,
        **more,
    )


def must(done: Done) -> None:
    if done.error is not None:
        raise done.error


class DyingDisk(Disk):
    """Counts the steps, and dies at the given one: before it is done, or in the middle of it."""

    def __init__(self, killed_at: int | None = None, *, halfway: bool = False) -> None:
        self.steps = 0
        self._killed_at, self._halfway = killed_at, halfway

    def _step(self) -> bool:
        """Count a step; return whether it is the one to die in the middle of."""
        self.steps += 1
        if self.steps != self._killed_at:
            return False
        if not self._halfway:
            raise Killed
        return True

    def write(self, descriptor: int, content: bytes, offset: int) -> None:
        if self._step():
            super().write(descriptor, content[: len(content) // 2], offset)
            raise Killed
        super().write(descriptor, content, offset)

    def sync(self, descriptor: int) -> None:
        if self._step():
            raise Killed
        super().sync(descriptor)

    def truncate(self, path: Path, size: int) -> None:
        dies = self._step()
        super().truncate(path, size)
        if dies:
            raise Killed

    def append(self, path: Path, content: bytes) -> None:
        if self._step():
            super().append(path, content[: len(content) // 2])
            raise Killed
        super().append(path, content)

    def publish(self, draft: Path, final: Path) -> None:
        dies = self._step()
        super().publish(draft, final)
        if dies:
            raise Killed

    def remove(self, path: Path) -> None:
        dies = self._step()
        super().remove(path)
        if dies:
            raise Killed


class ForgetfulDisk(Disk):
    """Loses at a power cut any sectors that no sync had made durable; fails when told to."""

    def __init__(self) -> None:
        self._paths: dict[int, Path] = {}
        self._before: dict[Path, dict[int, bytes]] = {}
        self.failing_syncs = 0
        self.failing_writes = 0
        self.full = False

    def create(self, path: Path, size: int) -> int:
        if self.full:
            raise OSError(errno.ENOSPC, "No space left on device")
        descriptor = super().create(path, size)
        self._paths[descriptor] = path
        self._before[path] = {}
        return descriptor

    def write(self, descriptor: int, content: bytes, offset: int) -> None:
        self._remember(descriptor, offset, len(content))
        if self.failing_writes:
            self.failing_writes -= 1
            super().write(descriptor, content[: len(content) // 2], offset)
            raise OSError(errno.EIO, "Input/output error")
        super().write(descriptor, content, offset)

    def _remember(self, descriptor: int, offset: int, length: int) -> None:
        before = self._before[self._paths[descriptor]]
        for sector in range(offset // SECTOR, (offset + length - 1) // SECTOR + 1):
            before.setdefault(sector, os.pread(descriptor, SECTOR, sector * SECTOR))

    def sync(self, descriptor: int) -> None:
        path = self._paths.get(descriptor)
        if self.failing_syncs:
            # As Linux does: the failed pages count as clean from now on, yet what reached the disk is anyone's guess.
            self.failing_syncs -= 1
            raise OSError(errno.EIO, "Input/output error")
        if path is not None:
            self._before[path] = {}

    def truncate(self, path: Path, size: int) -> None:
        super().truncate(path, size)
        self._before.pop(path, None)

    def remove(self, path: Path) -> None:
        super().remove(path)
        self._before.pop(path, None)

    def close(self, descriptor: int) -> None:
        self._paths.pop(descriptor)
        super().close(descriptor)

    def cut_power(self, dice: random.Random) -> None:
        """Put some of the sectors that were not synced back to what they were."""
        for path, sectors in self._before.items():
            if not path.exists():
                continue  # sealed and removed
            with path.open("r+b") as file:
                for sector, content in sectors.items():
                    if dice.random() < 0.5:
                        file.seek(sector * SECTOR)
                        file.write(content)
        self._before = {}

    def abandon(self) -> None:
        """Close what a killed process would have let go."""
        for descriptor in self._paths:
            os.close(descriptor)
        self._paths = {}
