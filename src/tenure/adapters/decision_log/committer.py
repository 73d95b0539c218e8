"""Makes records durable in one stream's segments, one group at a time; no threads and no waiting in here.

The states of a group: framed → written → synced (acknowledged). When a write or a sync fails, every byte after the last
sync is distrusted for ever, because the kernel may have marked pages clean that never reached the disk: the records are
written again, with the same sequences, into a new segment whose header says how far the old one may be believed.
"""

from __future__ import annotations

import contextlib
import errno
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tenure.adapters.decision_log.ahead import Ahead
from tenure.adapters.decision_log.full import DiskFull
from tenure.adapters.decision_log.segment import (
    FRAME_SIZE,
    HEADER_SIZE,
    MAX_RECORD,
    Header,
    encode_frame,
    encode_header,
    framed_size,
)
from tenure.adapters.decision_log.streams import Damage, read_stream, segment_files, segment_path, segments_of
from tenure.kit.errors import Kind, TenureError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tenure.adapters.decision_log.ahead import Run
    from tenure.adapters.decision_log.disk import Disk
    from tenure.kit.clock import Clock

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_RETRY_SECONDS = 0.2


class RecordTooLarge(TenureError):
    """One record is larger than a segment may be."""

    code = "record-too-large"
    kind = Kind.TOO_LARGE
    message = "a record of {size} bytes is over the log's limit of {limit}"
    next_step = "keep large inputs outside the request and send their digest"


class LogFailed(TenureError):
    """The disk refused to make records durable twice in a row.

    Whether they are on it shows when the stream goes on (they are not) or when another process continues it (they may be).
    """

    code = "log-failed"
    kind = Kind.UNAVAILABLE
    message = "the decision log could not be made durable in {folder}: {why}"
    next_step = "look at the disk (dmesg); the log tries again with the next request"


class DamagedStream(TenureError):
    """A stream may not be written on while acknowledged records in it are damaged."""

    code = "damaged-stream"
    kind = Kind.CORRUPT
    message = "{file} is damaged at byte {offset}: {what}"
    next_step = "keep the file, run `tenure verify`, and start the writer with a new stream"


@dataclass(frozen=True, slots=True)
class Done:
    """How a group went: the first `durable` records are; the others failed with `error`."""

    durable: int
    error: TenureError | None = None


@dataclass(slots=True)
class _Open:
    """The segment being written: bytes written, and bytes known durable."""

    number: int
    path: Path
    descriptor: int
    size: int
    end: int = 0
    durable: int = 0


class Committer:
    """One stream's end, for one thread at a time. Continues a stream that was left; `torn` says what it cut off."""

    def __init__(
        self,
        folder: Path,
        *,
        disk: Disk,
        clock: Clock,
        segment_size: int,
        run: Run,
        floor: int = 0,
        before_sync: Callable[[], None] | None = None,
    ) -> None:
        self._folder, self._disk, self._clock, self._size = folder, disk, clock, segment_size
        self._before_sync = before_sync
        self._ahead = Ahead(folder, disk, run)
        self._trim: tuple[Path, int] | None = None
        self._refused: tuple[float, TenureError] | None = None
        self.mean_us = 0.0
        self._adopt(floor)
        self._roll(HEADER_SIZE)
        self._sync()
        # The first sync of a new file says nothing about the next ones.
        self.mean_us = 0.0

    def _adopt(self, floor: int) -> None:
        """Take up where the last writer of the stream ended; `floor` is the sequence after the last sealed one."""
        segments = segments_of(self._folder)
        found = read_stream(self._folder, floor)
        if found.damage:
            first = found.damage[0]
            raise DamagedStream(file=first.file, offset=first.offset, what=first.what)
        self.torn: tuple[Damage, ...] = found.torn
        self._sequence = self._trusted_sequence = found.next_sequence
        self._segment: _Open | None = None
        self._previous = (0, 0)
        counted = {segment.path for segment in segments}
        for path in segment_files(self._folder):
            if path not in counted:
                self._disk.remove(path)
        if segments:
            last = segments[-1]
            end = last.read().end
            # Records that were complete but not acknowledged become durable before anything is written after them.
            self._disk.truncate(last.path, end)
            self._previous = (last.header.number, end)
        self._next_number = self._previous[0] + 1

    @property
    def room(self) -> int:
        """Return how many bytes of frames the present segment still takes."""
        segment = self._segment
        return segment.size - segment.end if segment else 0

    @property
    def next_sequence(self) -> int:
        """Return the sequence of the next record."""
        return self._sequence

    def commit(self, records: Sequence[bytes]) -> Done:
        """Make the records durable in their order, in as few syncs as fit; never raises for a fault of the disk."""
        durable = 0
        while durable < len(records):
            try:
                durable += self._commit_piece(records, durable)
            except TenureError as error:
                return Done(durable, error)
        self._fill_ahead()
        return Done(durable)

    def _commit_piece(self, records: Sequence[bytes], start: int) -> int:
        """Make as many records durable as fit into one segment, trying a second segment if the disk fails."""
        self._sync_others()
        try:
            count = self._write(records, start)
            self._sync()
        except OSError:
            self._distrust()
            count = self._write_again(records, start)
        self._sequence += count
        self._trusted_sequence = self._sequence
        self._trim_old()
        return count

    def _write_again(self, records: Sequence[bytes], start: int) -> int:
        """Write what failed into a new segment; if that fails too, its sequences are never used for other records."""
        try:
            count = self._write(records, start)
            self._sync()
        except TenureError as error:
            self._sequence += len(records) - start
            # The first try may have reached the disk, which "full" alone would deny.
            raise LogFailed(folder=self._folder, why=error) from error
        except OSError as error:
            self._distrust()
            self._sequence += len(records) - start
            raise LogFailed(folder=self._folder, why=error.strerror or error) from error
        return count

    def _sync_others(self) -> None:
        """Make durable what the records rely on (a person's key, a claim), before they can be acknowledged."""
        if self._before_sync is None:
            return
        try:
            self._before_sync()
        except OSError as error:
            raise LogFailed(folder=self._folder, why=error.strerror or error) from error

    def _write(self, records: Sequence[bytes], start: int) -> int:
        """Write the frames that fit, rolling first when not even one does; return how many."""
        if self._segment is None or self.room < framed_size(len(records[start])):
            self._roll(HEADER_SIZE + framed_size(len(records[start])))
        segment = self._segment
        assert segment is not None
        frames: list[bytes] = []
        left = self.room
        for record in records[start:]:
            left -= framed_size(len(record))
            if left < 0:
                break
            frames.append(encode_frame(record, self._sequence + len(frames), segment.durable))
        content = b"".join(frames)
        self._disk.write(segment.descriptor, content, segment.end)
        segment.end += len(content)
        return len(frames)

    def _sync(self) -> None:
        """Return when all that is written is durable, and remember how long the disk took."""
        segment = self._segment
        assert segment is not None
        started = time.perf_counter()
        self._disk.sync(segment.descriptor)
        took = (time.perf_counter() - started) * 1e6
        self.mean_us = took if not self.mean_us else 0.9 * self.mean_us + 0.1 * took
        segment.durable = segment.end

    def _distrust(self) -> None:
        """Believe nothing after the last sync, and write no more into this segment."""
        segment = self._segment
        if segment is None:
            return
        if segment.durable:
            self._previous = (segment.number, segment.durable)
            self._trim = (segment.path, segment.durable)
        else:
            self._trim = (segment.path, 0)
        with contextlib.suppress(OSError):
            self._disk.close(segment.descriptor)
        self._segment = None

    def _roll(self, need: int) -> None:
        """Go on in a new segment of at least `need` bytes; its header is durable with its first records."""
        self._refuse_while_full()
        try:
            number, descriptor, size = self._ahead.take(self._next_number, max(need, self._size), need)
        except OSError as error:
            if error.errno not in _FULL:
                raise
            full = DiskFull(folder=self._folder)
            self._refused = (time.monotonic(), full)
            raise full from error
        self._distrust()
        self._next_number = number + 1
        self._segment = _Open(number, segment_path(self._folder, number), descriptor, size)
        header = Header(
            number, self._sequence, *self._previous, self._trusted_sequence, self._clock.now(), self._folder.name
        )
        self._disk.write(descriptor, encode_header(header), 0)
        self._segment.end = HEADER_SIZE

    def _refuse_while_full(self) -> None:
        """Refuse at once for a moment after the disk was found full, rather than fill it with zeros at each request."""
        if self._refused is None:
            return
        since, full = self._refused
        if time.monotonic() - since < _RETRY_SECONDS:
            raise full
        self._refused = None

    def _trim_old(self) -> None:
        """Give back what the last segment does not use, now that a durable header says where it ends."""
        if self._trim is None:
            return
        path, end = self._trim
        self._trim = None
        with contextlib.suppress(OSError):
            if end:
                self._disk.truncate(path, end)
            else:
                self._disk.remove(path)

    def _fill_ahead(self) -> None:
        """Start filling the next segment when half of this one is used."""
        if self.room < self._size // 2:
            self._ahead.start(self._next_number, self._size)

    def mark(self) -> None:
        """Write down that the last group is durable, so that a bit flipped in it is never taken for a torn tail."""
        segment = self._segment
        if segment is None or segment.end != segment.durable or self.room < FRAME_SIZE:
            return
        with contextlib.suppress(OSError):
            self._disk.write(segment.descriptor, encode_frame(b"", self._sequence, segment.durable), segment.end)
            segment.end += FRAME_SIZE

    def close(self) -> None:
        """Mark the end and give back the space that was filled ahead."""
        self.mark()
        segment, self._segment = self._segment, None
        self._ahead.discard()
        if segment is None:
            return
        self._disk.close(segment.descriptor)
        with contextlib.suppress(OSError):
            self._disk.truncate(segment.path, segment.end)


def check_size(record: bytes) -> None:
    """Raise `RecordTooLarge` for a record that no segment takes."""
    if len(record) > MAX_RECORD:
        raise too_large(record)


def too_large(record: bytes) -> RecordTooLarge:
    """Return the refusal of a record that no segment takes."""
    return RecordTooLarge(size=len(record), limit=MAX_RECORD)
