"""The bytes of a segment and how they are read back: pure, no file is touched here.

Format: docs/formats/log-record.md. Every frame says how many bytes of its segment were durable when it was written. So
a damaged frame that a later valid one claims was durable is a flipped bit, while one that nobody claims was never
acknowledged: a torn tail.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import NamedTuple

from tenure.kit.errors import Kind, TenureError

MAGIC = b"TNRSEGMT"
FORMAT = 1
HEADER_SIZE = 128
MAX_RECORD = 64 << 20

# magic, format, unused, number, first sequence, previous segment's number, end and next sequence, created (UTC us), stream
_HEADER = struct.Struct("<8sHHIQIQQQ64s")
_CRC = struct.Struct("<I")
# length, crc32 of all that follows and of the length, sequence, bytes of this segment durable when written
_FRAME = struct.Struct("<IIQQ")
_CHECKED = struct.Struct("<IQQ")
FRAME_SIZE = _FRAME.size
_ALIGN = 8


class UnreadableSegment(TenureError):
    """A segment was written by a newer Tenure."""

    code = "unreadable-segment"
    kind = Kind.CORRUPT
    message = "{file} has segment format {format}; this Tenure reads up to {known}"
    next_step = "open the home with the Tenure that wrote it"


@dataclass(frozen=True, slots=True)
class Header:
    """What a segment says of itself and of the one before: up to which byte that one may be believed."""

    number: int
    first_sequence: int
    previous_number: int
    previous_end: int
    previous_sequence: int
    created: int
    stream: str
    format: int = FORMAT


class Frame(NamedTuple):
    """One record as found: its place, its number in the stream, and its bytes."""

    offset: int
    sequence: int
    durable: int
    record: bytes

    @property
    def end(self) -> int:
        """Return the offset after the frame."""
        return self.offset + framed_size(len(self.record))

    @property
    def is_mark(self) -> bool:
        """Return whether this is no record but only a later word on what was durable."""
        return not self.record


@dataclass(frozen=True, slots=True)
class Scan:
    """What a segment holds: its records, where they end, damage to acknowledged bytes, and whether a tail was torn."""

    frames: tuple[Frame, ...]
    end: int
    next_sequence: int
    damage: tuple[int, ...] = ()
    torn: int = 0

    @property
    def intact(self) -> tuple[Frame, ...]:
        """Return the records before the first damage: all that may be sealed."""
        if not self.damage:
            return self.frames
        return tuple(frame for frame in self.frames if frame.offset < self.damage[0])


def framed_size(length: int) -> int:
    """Return how many bytes of a segment a record of `length` bytes takes."""
    return FRAME_SIZE + (length + _ALIGN - 1) // _ALIGN * _ALIGN


def encode_header(header: Header) -> bytes:
    """Return the first `HEADER_SIZE` bytes of a segment."""
    fields = _HEADER.pack(
        MAGIC,
        header.format,
        0,
        header.number,
        header.first_sequence,
        header.previous_number,
        header.previous_end,
        header.previous_sequence,
        header.created,
        header.stream.encode(),
    )
    body = fields.ljust(HEADER_SIZE - _CRC.size, b"\0")
    return body + _CRC.pack(zlib.crc32(body))


def decode_header(content: bytes) -> Header | None:
    """Return the header, or None when the bytes are none (not yet written, torn or damaged)."""
    if len(content) < HEADER_SIZE or content[: len(MAGIC)] != MAGIC:
        return None
    body, stated = content[: HEADER_SIZE - _CRC.size], content[HEADER_SIZE - _CRC.size : HEADER_SIZE]
    if zlib.crc32(body) != _CRC.unpack(stated)[0]:
        return None
    _, version, _, number, first, before, end, following, created, stream = _HEADER.unpack_from(body)
    if version > FORMAT:
        raise UnreadableSegment(file=f"segment {number}", format=version, known=FORMAT)
    name = stream.rstrip(b"\0").decode()
    return Header(number, first, before, end, following, created, name, version)


def encode_frame(record: bytes, sequence: int, durable: int) -> bytes:
    """Return the record framed, filled up to a multiple of 8 bytes."""
    length = len(record)
    check = zlib.crc32(record, zlib.crc32(_CHECKED.pack(length, sequence, durable)))
    return _FRAME.pack(length, check, sequence, durable) + record + bytes(-length % _ALIGN)


def decode_frame(content: bytes, at: int, base: int = 0) -> Frame | None:
    """Return the frame at position `at` of `content` (which starts at byte `base` of its segment), or None."""
    if at + FRAME_SIZE > len(content):
        return None
    length, check, sequence, durable = _FRAME.unpack_from(content, at)
    end = at + framed_size(length)
    if end > len(content) or not check or length > MAX_RECORD:
        return None
    record, filling = content[at + FRAME_SIZE : at + FRAME_SIZE + length], content[at + FRAME_SIZE + length : end]
    if any(filling):
        return None
    if zlib.crc32(record, zlib.crc32(_CHECKED.pack(length, sequence, durable))) != check:
        return None
    return Frame(base + at, sequence, durable, record)


def scan(content: bytes, first_sequence: int, known_durable: int = 0) -> Scan:
    """Return everything in a segment's bytes, the header included.

    `known_durable` is how many bytes another witness (the next segment's header) says were durable.
    """
    frames: list[Frame] = []
    damage: list[int] = []
    at, sequence = HEADER_SIZE, first_sequence
    while True:
        at, sequence = _take_run(content, at, sequence, frames)
        claimed = _next_claim(content, at, sequence, known_durable)
        if claimed is None:
            break
        damage.append(at)
        at, sequence = claimed.offset, claimed.sequence
    if at < known_durable:
        damage.append(at)
    torn = 0 if damage else len(content[at:].rstrip(b"\0"))
    return Scan(tuple(frames), at, sequence, tuple(damage), torn)


def says_durable(content: bytes) -> bool:
    """Return whether any frame says that the beginning of its segment was durable, whatever its header says."""
    return _next_claim(content, 0, 0, 0) is not None


def _take_run(content: bytes, at: int, sequence: int, frames: list[Frame]) -> tuple[int, int]:
    """Collect the unbroken run of frames at `at`; return where it ends and the next sequence."""
    while (frame := decode_frame(content, at)) is not None and frame.sequence == sequence:
        if not frame.is_mark:
            frames.append(frame)
            sequence += 1
        at = frame.end
    return at, sequence


def _next_claim(content: bytes, broken: int, sequence: int, known_durable: int) -> Frame | None:
    """Return the next valid frame if some witness says that the byte at `broken` was durable, else None.

    Frames start at multiples of 8, so a search of every such place finds them whatever became of the length between.
    """
    end = min(broken + len(content[broken:].rstrip(b"\0")), len(content) - FRAME_SIZE + 1)
    first: Frame | None = None
    for at in range(broken + _ALIGN, end, _ALIGN):
        _, check, number, durable = _FRAME.unpack_from(content, at)
        if not check or not sequence <= number < sequence + (1 << 32) or durable > at:
            continue
        frame = decode_frame(content, at)
        if frame is None:
            continue
        first = first or frame
        if max(frame.durable, known_durable) > broken:
            return first
    return None
