"""Where the records of a sealed file lie, so that one of them is read without the two thousand around it.

A page is the smallest piece of a Parquet column that can be decompressed by itself. Where the pages of `record` are is
noted when a file is indexed; to read one takes no footer, no schema and no row group. What is noted is only for finding:
a reader believes a record by its own id, and where a page is not what was noted it reads the row group instead.
Format: Apache Parquet, "Data Pages" and "Encodings"; its headers are Thrift structs in the compact protocol.
"""

from __future__ import annotations

import mmap
import os
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tenure.adapters.decision_log.heads import head_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_COLUMN = "record"
_DATA_PAGE, _DICTIONARY_PAGE = 0, 2
_PLAIN = 0
#: fields of a page header, and of the header of a data page within it
_TYPE, _SIZE, _COMPRESSED, _DATA = 1, 2, 3, 5
_VALUES, _ENCODING = 1, 2
#: kinds of values in the compact protocol
_TRUE, _FALSE, _BINARY, _STRUCT = 1, 2, 8, 12
_INTEGERS = frozenset({3, 4, 5, 6})
_LENGTH = struct.Struct("<I")


class StrangePage(Exception):
    """The bytes are no page of records as this module reads them."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page: its first row in the file, the byte where its header begins, and its bytes with the header."""

    row: int
    place: int
    size: int


def pages_of(path: Path) -> list[Page]:
    """Return the pages of a file's records, in order; none where they are not written as we write them."""
    from pyarrow import parquet

    with parquet.ParquetFile(path) as file:
        metadata, column = file.metadata, file.schema.names.index(_COLUMN)
        shape = file.schema.column(column)
        if (shape.max_definition_level, shape.max_repetition_level) != (1, 0):
            return []
        chunks = [metadata.row_group(group).column(column) for group in range(metadata.num_row_groups)]
    if any(chunk.compression != "ZSTD" or chunk.has_dictionary_page for chunk in chunks) or not chunks:
        return []
    found: list[Page] = []
    row = 0
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        try:
            for chunk in chunks:
                row = _walk(content, chunk, row, found)
        except (StrangePage, IndexError):
            return []
    return found


def _walk(content: Any, chunk: Any, row: int, found: list[Page]) -> int:
    """Note the pages of one row group, and return the row after its last."""
    at = chunk.data_page_offset
    end, last = at + chunk.total_compressed_size, row + chunk.num_values
    while at < end and row < last:
        header, body = _struct(content, at)
        size = body - at + header[_COMPRESSED]
        found.append(Page(row, at, size))
        row += _values(header)
        at += size
    if row != last:
        raise StrangePage
    return row


def _values(header: dict[int, Any]) -> int:
    """Return how many rows a page has; raise where its values are not plainly one after the other."""
    data = header.get(_DATA)
    if header.get(_TYPE) != _DATA_PAGE or data is None or data.get(_ENCODING) != _PLAIN:
        raise StrangePage
    count: int = data[_VALUES]
    return count


def read_pages(path: Path, wanted: Mapping[Page, Sequence[tuple[str, int]]]) -> dict[str, bytes]:
    """Return id → record of what is wanted of each page, as (id, row in the page), where it is what stands there."""
    found: dict[str, bytes] = {}
    if not wanted:
        return found
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        for page, places in wanted.items():
            try:
                records = records_in(os.pread(descriptor, page.size, page.place))
                both = [(name, records[row]) for name, row in places]
            except (StrangePage, IndexError):
                continue
            # The file may have been written again since its pages were noted, so a record says itself which it is.
            found.update((name, record) for name, record in both if head_of(record).id == name)
    finally:
        os.close(descriptor)
    return found


def records_in(page: bytes) -> list[bytes]:
    """Return the records of one page; a removed one is empty. Raise `StrangePage` where the bytes are none."""
    import pyarrow as pa

    try:
        header, at = _struct(page, 0)
        count = _values(header)
        content = pa.Codec("zstd").decompress(page[at:], header[_SIZE], asbytes=True)
        (levels,) = _LENGTH.unpack_from(content)
        present = _present(content[4 : 4 + levels], count)
        return _plain(content, 4 + levels, present)
    except (IndexError, KeyError, OSError, ValueError, TypeError, struct.error) as error:
        raise StrangePage from error


def _plain(content: bytes, at: int, present: list[bool]) -> list[bytes]:
    found = []
    for is_there in present:
        if not is_there:
            found.append(b"")
            continue
        (length,) = _LENGTH.unpack_from(content, at)
        at += 4 + length
        found.append(content[at - length : at])
    if at != len(content):
        raise StrangePage
    return found


def _present(levels: bytes, count: int) -> list[bool]:
    """Return which rows have a record: runs of one bit each (RLE / bit-packing hybrid, bit width 1)."""
    found: list[bool] = []
    at = 0
    while len(found) < count:
        head, at = _number(levels, at)
        if head & 1:
            packed = levels[at : at + (head >> 1)]
            found += [bool(byte >> bit & 1) for byte in packed for bit in range(8)]
            at += head >> 1
        else:
            found += [bool(levels[at])] * (head >> 1)
            at += 1
    return found[:count]


def _struct(content: Any, at: int) -> tuple[dict[int, Any], int]:
    """Return a Thrift struct's fields by number, and the byte after it; raise `StrangePage` for a kind that no header has."""
    fields: dict[int, Any] = {}
    number = 0
    while head := content[at]:
        at += 1
        if head >> 4:
            number += head >> 4
        else:
            number, at = _signed(content, at)
        kind = head & 15
        if kind in _INTEGERS:
            fields[number], at = _signed(content, at)
        elif kind in (_TRUE, _FALSE):
            fields[number] = kind == _TRUE
        elif kind == _BINARY:
            length, at = _number(content, at)
            at += length
        elif kind == _STRUCT:
            fields[number], at = _struct(content, at)
        else:
            raise StrangePage
    return fields, at + 1


def _signed(content: Any, at: int) -> tuple[int, int]:
    number, at = _number(content, at)
    return (number >> 1) ^ -(number & 1), at


def _number(content: Any, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = content[at]
        at += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number, at
        shift += 7
