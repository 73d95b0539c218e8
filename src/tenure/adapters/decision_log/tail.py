"""What is not sealed yet, kept at hand: each look reads only what the streams' writers added since the last."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tenure.adapters.decision_log.heads import Head, head_of
from tenure.adapters.decision_log.segment import FRAME_SIZE, HEADER_SIZE, MAX_RECORD, Frame, Header, decode_frame
from tenure.adapters.decision_log.streams import segments_of, stream_folders

if TYPE_CHECKING:
    from pathlib import Path

    from tenure.adapters.decision_log.streams import Segment

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Entry:
    """One unsealed record."""

    sequence: int
    head: Head
    record: bytes


@dataclass(slots=True)
class _StreamTail:
    """One stream's unsealed records and the place up to which its segments are read."""

    entries: list[Entry] = field(default_factory=list)
    header: Header | None = None
    offset: int = 0
    sequence: int = 0

    @property
    def number(self) -> int:
        """Return the number of the segment being read; 0 before the first."""
        return self.header.number if self.header else 0

    def refresh(self, folder: Path, position: int) -> None:
        """Forget what is sealed and read what was added."""
        if self.entries and self.entries[0].sequence < position:
            self.entries = [entry for entry in self.entries if entry.sequence >= position]
        segments = segments_of(folder)
        self._notice_another(segments)
        for segment in segments:
            if segment.header.number < self.number:
                continue
            if segment.header.number > self.number:
                self._enter(segment)
            self._read(segment, position)

    def _notice_another(self, segments: list[Segment]) -> None:
        """Begin again when the stream was sealed, removed, and opened again: its numbers begin again too."""
        headers = {segment.header.number: segment.header for segment in segments}
        known = headers.get(self.number, self.header)
        if known != self.header or max(headers, default=0) < self.number:
            self.entries, self.header = [], None

    def _enter(self, segment: Segment) -> None:
        """Go on in a later segment; records that its header does not believe in were written again in it."""
        trusted = segment.header.previous_sequence
        self.entries = [entry for entry in self.entries if entry.sequence < trusted]
        self.header, self.offset, self.sequence = segment.header, HEADER_SIZE, segment.header.first_sequence

    def _read(self, segment: Segment, position: int) -> None:
        """Take the frames after the last one seen; past damage, take what a full scan still finds."""
        frames, stuck = _frames_from(segment.path, self.offset, self.sequence)
        if stuck:
            frames += [frame for frame in segment.read().frames if frame.sequence >= self.sequence + len(frames)]
        for frame in frames:
            self.offset = frame.end
            if frame.is_mark:
                continue
            self.sequence = frame.sequence + 1
            if frame.sequence >= position:
                self.entries.append(Entry(frame.sequence, head_of(frame.record), frame.record))


def _frames_from(path: Path, offset: int, sequence: int) -> tuple[list[Frame], bool]:
    """Return the unbroken frames from `offset` on, and whether something other than empty space stopped them."""
    frames: list[Frame] = []
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        while True:
            content = os.pread(descriptor, _CHUNK, offset)
            length = int.from_bytes(content[:4], "little")
            if _CHUNK - FRAME_SIZE < length <= MAX_RECORD:
                content = os.pread(descriptor, length + 2 * FRAME_SIZE, offset)
            taken = _run(content, offset, sequence)
            if not taken:
                return frames, bool(content[:FRAME_SIZE].strip(b"\0"))
            frames += taken
            offset = taken[-1].end
            sequence += sum(not frame.is_mark for frame in taken)
    finally:
        os.close(descriptor)


def _run(content: bytes, offset: int, sequence: int) -> list[Frame]:
    frames: list[Frame] = []
    at = 0
    while (frame := decode_frame(content, at, offset)) is not None and frame.sequence == sequence:
        frames.append(frame)
        sequence += not frame.is_mark
        at = frame.end - offset
    return frames


class Tail:
    """The unsealed records of all streams."""

    def __init__(self, decisions: Path) -> None:
        self._decisions = decisions
        self._streams: dict[str, _StreamTail] = {}

    def refresh(self, positions: dict[str, int]) -> list[Entry]:
        """Return all records from the given positions on; raises `FileNotFoundError` when they were sealed meanwhile."""
        folders = stream_folders(self._decisions)
        self._streams = {folder.name: self._streams.get(folder.name, _StreamTail()) for folder in folders}
        for folder in folders:
            self._streams[folder.name].refresh(folder, positions.get(folder.name, 0))
        return [entry for stream in self._streams.values() for entry in stream.entries]
