"""Raw tensors of the Open Inference Protocol: datatypes, their bytes, and where they stand behind the JSON.

Source: Open Inference Protocol V2, "Tensor data types", and Triton's binary tensor data extension
(extension_binary_data.md): little-endian, row-major, without padding; BYTES as length (uint32) and bytes.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from tenure.entrypoints.gateway.model_rows import TEXTS, BadInput

if TYPE_CHECKING:
    from collections.abc import Sequence

FORMATS = {
    "BOOL": "?",
    "UINT8": "B",
    "UINT16": "H",
    "UINT32": "I",
    "UINT64": "Q",
    "INT8": "b",
    "INT16": "h",
    "INT32": "i",
    "INT64": "q",
    "FP16": "e",
    "FP32": "f",
    "FP64": "d",
}
DATATYPES = frozenset({*FORMATS, "BF16", "BYTES"})
_OF_DTYPE = {
    "float64": "FP64",
    "float32": "FP32",
    "int64": "INT64",
    "int32": "INT32",
    "int16": "INT16",
    "int8": "INT8",
    "uint8": "UINT8",
    "bool": "BOOL",
}
_LENGTH = struct.Struct("<I")


def datatype_of(wire_dtype: str) -> str:
    """Return the protocol's datatype for a dtype of our wire."""
    return "BYTES" if wire_dtype in TEXTS else _OF_DTYPE[wire_dtype]


def read_tensor(datatype: str, count: int, raw: bytes) -> list[Any]:
    """Return the items of a raw tensor, row by row; raise `BadInput` when the bytes are not `count` items."""
    if datatype == "BYTES":
        return _read_texts(count, raw)
    if datatype == "BF16":
        return _read_bf16(count, raw)
    _check_size(datatype, count, count * struct.calcsize(f"<{FORMATS[datatype]}"), raw)
    return list(struct.unpack(f"<{count}{FORMATS[datatype]}", raw))


def _check_size(datatype: str, count: int, expected: int, raw: bytes) -> None:
    if len(raw) != expected:
        raise BadInput(why=f"{count} items of {datatype} are {expected} bytes, not {len(raw)}")


def _read_bf16(count: int, raw: bytes) -> list[float]:
    # bfloat16 is the upper half of a float32.
    _check_size("BF16", count, 2 * count, raw)
    widened = b"".join([b"\0\0" + raw[at : at + 2] for at in range(0, len(raw), 2)])
    return list(struct.unpack(f"<{count}f", widened))


def _read_texts(count: int, raw: bytes) -> list[str]:
    texts, at = [], 0
    for nth in range(count):
        if at + _LENGTH.size > len(raw):
            raise BadInput(why=f"a BYTES tensor ends before its item {nth} of {count}")
        start = at + _LENGTH.size
        at = start + _LENGTH.unpack_from(raw, at)[0]
        texts.append(_text(raw[start:at], nth))
    if at != len(raw):
        raise BadInput(why=f"a BYTES tensor of {count} items takes {at} bytes, not {len(raw)}")
    return texts


def _text(item: bytes, nth: int) -> str:
    try:
        return item.decode()
    except UnicodeDecodeError:
        raise BadInput(why=f"item {nth} of a BYTES tensor is no UTF-8 text") from None


def write_tensor(datatype: str, items: Sequence[Any]) -> bytes | None:
    """Return the raw bytes of a tensor, None when an item has none: a null in anything but a float, which becomes NaN."""
    if datatype == "BYTES":
        return None if None in items else b"".join([_LENGTH.pack(len(text)) + text for text in map(str.encode, items)])
    if datatype.startswith("FP"):
        items = [float("nan") if item is None else item for item in items]
    return None if None in items else struct.pack(f"<{len(items)}{FORMATS[datatype]}", *items)
