"""What `tests/golden/frame-v1.bin` and `columns-v1.columns` hold. They were written once and are never written again."""

import struct
from pathlib import Path
from typing import Any

from tenure.worker import frames
from tenure.worker.frames import Frame, Span

FOLDER = Path(__file__).parent.parent / "golden"

SPANS = [Span(1, 8, 3, 0, 1234), Span(2, 8, 2, 0, 99)]
ROWS = struct.pack("<3d", 0.5, float("inf"), -0.0)
FRAMES = [
    Frame(frames.HELLO, 1, 0, 0, 0, b"", b""),
    Frame(frames.WELCOME, 1, 0, 0, 0, b"", b'{"digest": "sha256:00", "wire": 1}'),
    Frame(frames.INFER, 2, 0, 3, 1_790_000_000_000_000, b"", ROWS),
    Frame(frames.INFER, 3, frames.EXACT, 3, 0, b"", ROWS),
    Frame(frames.RESULT, 2, 0, 3, 0, frames.encode_spans(SPANS), ROWS),
    Frame(frames.ERROR, 3, 0, 0, 0, b'{"code": "raised", "error": "ValueError: no", "row": 2}', b""),
    Frame(frames.PING, 4, 0, 0, 0, b"", b""),
    Frame(frames.PONG, 4, 0, 0, 0, b"", b""),
    Frame(frames.DESCRIBE, (1 << 64) - 1, 0, 3, 0, b"", ROWS),
    Frame(frames.DESCRIPTION, (1 << 64) - 1, 0, 0, 0, b"", b'{"fields": []}'),
]

FIELDS: list[dict[str, Any]] = [
    {"name": "amount", "type": "float"},
    {"name": "months", "type": "int", "dtype": "int16", "nullable": True},
    {"name": "grade", "type": "string", "nullable": True},
    {"name": "active", "type": "bool"},
    {"name": "shape", "type": "float", "dtype": "float32", "shape": [2]},
]
TABLE: list[dict[str, Any]] = [
    {"amount": 1.5, "months": -3, "grade": "A", "active": True, "shape": [0.5, 0.25]},
    {"amount": float("-inf"), "months": None, "grade": "grün", "active": False, "shape": [0.0, -0.0]},
    {"amount": 0.1, "months": 12, "grade": None, "active": True, "shape": [1.0, 2.0]},
]
