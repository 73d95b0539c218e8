"""What a shared library says it needs: enough of the ELF format to read that, from bytes, running nothing.

Only 64-bit little-endian files, which is what x86_64 and aarch64 have; of any other nothing is known. The format is in
elf(5).
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

_MAGIC = b"\x7fELF\x02\x01"
_HEADER = struct.Struct("<16xHHIQQQIHHHHHH")
_SEGMENT = struct.Struct("<IIQQQQQQ")
_ENTRY = struct.Struct("<qQ")
_LOADED, _DYNAMIC = 1, 2
_END, _NEEDED, _STRINGS, _SONAME = 0, 1, 5, 14
_GLIBC = re.compile(rb"GLIBC_(\d+)\.(\d+)(?:\.\d+)?\0")


@dataclass(frozen=True, slots=True)
class Elf:
    """A file's machine, its own name, and the names of the libraries that the loader will look for."""

    machine: int
    soname: str
    needed: tuple[str, ...]


def read(content: bytes) -> Elf | None:
    """Return what the file says of itself; None for what is no 64-bit ELF file or is cut short."""
    if not content.startswith(_MAGIC):
        return None
    try:
        return _read(content)
    except (struct.error, IndexError, ValueError, OverflowError):
        return None


def oldest_glibc(content: bytes) -> str:
    """Return the newest version of glibc whose symbols the file names, as 2.34; "" where it names none."""
    found = {(int(major), int(minor)) for major, minor in _GLIBC.findall(content)}
    return ".".join(map(str, max(found))) if found else ""


def _read(content: bytes) -> Elf:
    _, machine, _, _, table, _, _, _, size, count, *_ = _HEADER.unpack_from(content)
    segments = [_SEGMENT.unpack_from(content, table + size * nth) for nth in range(count)]
    entries = [
        pair
        for kind, _, offset, _, _, length, *_ in segments
        if kind == _DYNAMIC
        for pair in _pairs(content, offset, length)
    ]
    strings = next((_offset(segments, value) for tag, value in entries if tag == _STRINGS), 0)
    names = {
        tag: [_text(content, strings + value) for one, value in entries if one == tag] for tag in (_NEEDED, _SONAME)
    }
    return Elf(machine, next(iter(names[_SONAME]), ""), tuple(names[_NEEDED]))


def _pairs(content: bytes, offset: int, length: int) -> list[tuple[int, int]]:
    pairs = []
    for place in range(offset, offset + length, _ENTRY.size):
        tag, value = _ENTRY.unpack_from(content, place)
        if tag == _END:
            break
        pairs.append((tag, value))
    return pairs


def _offset(segments: list[tuple[int, ...]], address: int) -> int:
    """Return where in the file an address of the loaded library lies."""
    for kind, _, offset, start, _, length, *_ in segments:
        if kind == _LOADED and start <= address < start + length:
            return address - start + offset
    raise ValueError(address)


def _text(content: bytes, place: int) -> str:
    return content[place : content.index(b"\0", place)].decode()
