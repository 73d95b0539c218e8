"""Frames: what crosses the socket between a gateway and a worker. Format: docs/formats/frame.md, wire version 1.

A frame is a header of 32 bytes, a short meta part and a body. Standard library alone, Python 3.7 syntax.
"""

from __future__ import annotations

import json
import struct
import time
from typing import Any, NamedTuple

from .columns import FrameError

WIRE_VERSION = 1
MAGIC = b"TN"
HEADER = struct.Struct("<2sBBHHQQII")
MOST_ROWS = 0xFFFF
MOST_META = 2 << 20
MOST_BODY = 64 << 20

HELLO = 1
WELCOME = 2
INFER = 3
RESULT = 4
ERROR = 5
PING = 6
PONG = 7
DESCRIBE = 8
DESCRIPTION = 9
#: only to a worker whose WELCOME says `explains`: older ones take an unknown type for damage
EXPLAIN = 10
EXPLANATION = 11
_KINDS = frozenset(range(HELLO, EXPLANATION + 1))

#: flag of INFER: one call to the model with exactly these rows, no padding, no other rows beside them
EXACT = 1
#: flag of INFER and RESULT, only for a package whose manifest has `explain`: the parts of each score come with it
REASONS = 2
_FLAGS = EXACT | REASONS

#: one call's share of a request: rows of the request, shape of the call, its real rows, first position, compute_us
_SPAN = struct.Struct("<5I")

#: longest error text that is sent, in characters
MOST_ERROR = 500


def now_us() -> int:
    """Return the present moment of the clock that all processes of this machine share, in microseconds."""
    return time.monotonic_ns() // 1000


class Frame(NamedTuple):
    """One frame. `deadline_us` is a moment of this machine's monotonic clock (`now_us`), 0 for no deadline."""

    kind: int
    correlation: int
    flags: int
    rows: int
    deadline_us: int
    meta: bytes
    body: bytes


class Span(NamedTuple):
    """How some consecutive rows of a request were computed; fields as in contract/predictor.py `Batch`."""

    length: int
    shape: int
    rows: int
    position: int
    compute_us: int


def encode(
    kind: int,
    correlation: int = 0,
    rows: int = 0,
    deadline_us: int = 0,
    flags: int = 0,
    meta: bytes = b"",
    body: bytes = b"",
) -> bytes:
    """Return the bytes of one frame; raise `FrameError` when a part is over its limit."""
    if rows > MOST_ROWS or len(meta) > MOST_META or len(body) > MOST_BODY:
        raise FrameError("a frame holds at most %d rows and %d bytes" % (MOST_ROWS, MOST_BODY))
    head = HEADER.pack(MAGIC, WIRE_VERSION, kind, flags, rows, correlation, deadline_us, len(meta), len(body))
    return head + meta + body


def encode_json(kind: int, correlation: int, facts: dict[str, Any]) -> bytes:
    """Return a frame whose body is a JSON object."""
    return encode(kind, correlation, body=json.dumps(facts, sort_keys=True).encode())


def encode_error(correlation: int, code: str, error: str, row: int = 0) -> bytes:
    """Return an ERROR frame: `code` is a failure word, `error` its text (cut), `row` the row of the request."""
    meta = json.dumps({"code": code, "error": error[:MOST_ERROR], "row": row}, sort_keys=True).encode()
    return encode(ERROR, correlation, meta=meta)


def read_json(content: bytes) -> dict[str, Any]:
    """Return the JSON object of a meta part or a body; raise `FrameError` when it is none."""
    try:
        facts = json.loads(content.decode())
    except (ValueError, RecursionError) as error:
        raise FrameError("the JSON of a frame cannot be read") from error
    if not isinstance(facts, dict):
        raise FrameError("the JSON of a frame is no object")
    return facts


def split_told(count: int, inputs: int, body: bytes) -> tuple[bytes, list[tuple[float, ...]]]:
    """Return the output columns of a RESULT with reasons, and for each of its rows the base and the part of each input."""
    size = 8 * (1 + inputs)
    at = len(body) - count * size
    if at < 0:
        raise FrameError("a RESULT with reasons is cut short")
    return body[:at], list(struct.iter_unpack("<%dd" % (1 + inputs), body[at:]))


def encode_spans(spans: list[Span]) -> bytes:
    """Return the meta part of a RESULT."""
    return b"".join([_SPAN.pack(*span) for span in spans])


def read_spans(meta: bytes) -> list[Span]:
    """Return the spans of a RESULT's meta part."""
    if not meta or len(meta) % _SPAN.size:
        raise FrameError("the meta part of a RESULT has %d bytes" % len(meta))
    return [Span(*values) for values in _SPAN.iter_unpack(meta)]


class Parser:
    """Bytes as they arrive, in any pieces, to frames. After a `FrameError` the stream is lost: close it."""

    def __init__(self) -> None:
        self._rest = bytearray()
        # Nothing is tried before this many bytes are there, so that a large frame is not scanned again at each piece.
        self._need = HEADER.size

    def feed(self, content: bytes) -> list[Frame]:
        """Return the frames that are now complete; raise `FrameError` when the stream is damaged."""
        if self._rest:
            self._rest += content
            if len(self._rest) < self._need:
                return []
            content = bytes(self._rest)
        frames, at = self._frames(content)
        self._rest = bytearray(content[at:])
        return frames

    def _frames(self, content: bytes) -> tuple[list[Frame], int]:
        frames, at, size = [], 0, len(content)
        self._need = HEADER.size
        while size - at >= HEADER.size:
            magic, version, kind, flags, rows, correlation, deadline, meta, body = HEADER.unpack_from(content, at)
            if magic != MAGIC or version != WIRE_VERSION or kind not in _KINDS or flags & ~_FLAGS:
                raise FrameError(_strange(magic, version, kind, flags))
            if meta > MOST_META or body > MOST_BODY:
                raise FrameError("a frame claims %d bytes of meta and %d of body" % (meta, body))
            start = at + HEADER.size + meta
            if start + body > size:
                self._need = start + body - at
                break
            own = content[at + HEADER.size : start]
            frames.append(Frame(kind, correlation, flags, rows, deadline, own, content[start : start + body]))
            at = start + body
        return frames, at


def _strange(magic: bytes, version: int, kind: int, flags: int) -> str:
    if magic != MAGIC:
        return "these bytes are no frame: they do not begin with TN"
    if version != WIRE_VERSION:
        return "a frame has wire version %d, this side speaks %d" % (version, WIRE_VERSION)
    if kind not in _KINDS:
        return "a frame has the unknown type %d" % kind
    return "a frame has the unknown flags %d" % flags
