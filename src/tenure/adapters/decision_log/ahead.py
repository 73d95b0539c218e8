"""Fills the next segment with zeros before it is needed, so that no request waits for that."""

from __future__ import annotations

import contextlib
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from tenure.adapters.decision_log.streams import segment_path

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tenure.adapters.decision_log.disk import Disk

    #: runs a job now or beside: a thread in a gateway, at once in a test
    Run: TypeAlias = Callable[[Callable[[], None]], None]


def in_thread(job: Callable[[], None]) -> None:
    """Run the job beside everything else."""
    threading.Thread(target=job, name="log-ahead", daemon=True).start()


@dataclass(slots=True)
class _Filling:
    """One file being filled; `descriptor` is set when it is complete."""

    number: int
    size: int
    done: threading.Event = field(default_factory=threading.Event)
    descriptor: int | None = None
    begun: float = field(default_factory=time.monotonic)


#: how long after a failure the next attempt to fill a segment may begin
_RETRY_SECONDS = 1.0


class Ahead:
    """At most one segment filled in advance, for one thread at a time."""

    def __init__(self, folder: Path, disk: Disk, run: Run) -> None:
        self._folder, self._disk, self._run = folder, disk, run
        self._filling: _Filling | None = None

    def start(self, number: int, size: int) -> None:
        """Begin to fill a segment, unless one is being filled."""
        if self._filling is not None and not self._may_retry(self._filling):
            return
        filling = self._filling = _Filling(number, size)
        self._run(lambda: self._fill(filling))

    @staticmethod
    def _may_retry(filling: _Filling) -> bool:
        failed = filling.done.is_set() and filling.descriptor is None
        return failed and time.monotonic() - filling.begun > _RETRY_SECONDS

    def _fill(self, filling: _Filling) -> None:
        # A failure shows when the segment is needed: it is then made on the spot, and the caller hears why not.
        with contextlib.suppress(OSError):
            filling.descriptor = self._disk.create(segment_path(self._folder, filling.number), filling.size)
        filling.done.set()

    def take(self, number: int, size: int, need: int) -> tuple[int, int, int]:
        """Return number, descriptor and size of a zero-filled segment of at least `need` bytes."""
        filling, self._filling = self._filling, None
        if filling is not None:
            filling.done.wait()
            if filling.descriptor is not None and filling.size >= need:
                return filling.number, filling.descriptor, filling.size
            number = max(number, filling.number + 1) if self._drop(filling) else number
        return number, self._disk.create(segment_path(self._folder, number), size), size

    def _drop(self, filling: _Filling) -> bool:
        """Remove a file that is of no use; return whether there was one."""
        if filling.descriptor is None:
            return False
        self._disk.close(filling.descriptor)
        with contextlib.suppress(OSError):
            self._disk.remove(segment_path(self._folder, filling.number))
        return True

    def discard(self) -> None:
        """Remove what was filled in advance."""
        filling, self._filling = self._filling, None
        if filling is not None:
            filling.done.wait()
            self._drop(filling)
