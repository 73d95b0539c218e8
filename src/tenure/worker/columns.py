"""Column bytes: rows of a schema as raw little-endian columns, the one codec of frames and of columns files.

Format: docs/formats/frame.md. Standard library alone, Python 3.7 syntax: the same file runs in the gateway and inside
the model's own Python. The column bytes of one row are called *row bytes*; every other form is built from them.
"""

from __future__ import annotations

import json
import struct
from operator import itemgetter
from typing import Any, Iterable, Iterator, Mapping, Sequence

COLUMNS_MAGIC = b"TNRC"
COLUMNS_VERSION = 1

#: dtype of the wire for a field that names none (the same table as contract/schema.py, which the worker cannot import).
DEFAULT_DTYPES = {
    "int": "int64",
    "float": "float64",
    "bool": "bool",
    "string": "str",
    "timestamp": "int64",
    "date": "str",
}
_FORMATS = {
    "float64": "d",
    "float32": "f",
    "int64": "q",
    "int32": "i",
    "int16": "h",
    "int8": "b",
    "uint8": "B",
    "bool": "?",
}
#: dtypes of a data frame that cross the wire as text.
_TEXTS = ("str", "object", "category")
_FILE_HEADER = struct.Struct("<4sII")
_MOST_HEADER = 1 << 24
_MOST_ROWS = 1 << 32


class FrameError(ValueError):
    """The bytes are no frame, no columns and no columns file of ours."""


class BadRow(FrameError):
    """A row does not fit the schema; the text names the field and never its value, which may be personal."""


class NumberColumn:
    """One column of numbers or booleans, scalar or of a fixed shape."""

    def __init__(self, name: str, dtype: str, shape: tuple[int, ...], nullable: bool, values: Any) -> None:
        self.name, self.dtype, self.shape, self.nullable, self.values = name, dtype, shape, nullable, values
        self.width = _product(shape)
        self.format = _FORMATS[dtype]
        self._items = struct.Struct("<%d%s" % (self.width, self.format))
        self._mark = b"\x01" if nullable else b""
        self._null = b"\x00" * (1 + self._items.size)
        #: bytes of one row
        self.size = self._items.size + len(self._mark)

    def pack(self, value: Any) -> bytes:
        """Return the row bytes of one value; raise `BadRow` when it does not fit."""
        if value is None:
            return _null(self, self._null)
        try:
            items = (value,) if not self.shape else _flat(value, self.shape)
            if self.dtype == "bool" and not all(item in (True, False) for item in items):
                raise TypeError
            return self._mark + self._items.pack(*items)
        except (struct.error, TypeError, ValueError, OverflowError) as error:
            raise BadRow(_misfit(self, value)) from error

    def read(self, row: bytes, at: int) -> tuple[Any, int]:
        """Return the value that begins at `at`, and where the next column begins."""
        end = at + self.size
        if end > len(row):
            raise FrameError("column %r is cut short" % self.name)
        if self.nullable:
            if not _is_valid(self, row[at]):
                return None, end
            at += 1
        if self.dtype == "bool" and any(byte > 1 for byte in row[at:end]):
            raise FrameError("column %r holds a byte that is no bool" % self.name)
        items = self._items.unpack_from(row, at)
        return (items[0] if not self.shape else _nested(items, self.shape)), end

    def measure(self, count: int, body: bytes, at: int) -> int:
        """Return where this column of `count` rows ends."""
        if at + count * self.size > len(body):
            raise FrameError("column %r is cut short" % self.name)
        return at + count * self.size

    def cut(self, count: int, body: bytes, at: int) -> tuple[list[bytes], int]:
        """Return the row bytes of each of `count` rows, and where the next column begins."""
        end = self.measure(count, body, at)
        data = at + count * len(self._mark)
        step = self._items.size
        pieces = [body[here : here + step] for here in range(data, end, step)]
        if self.nullable:
            pieces = [body[at + nth : at + nth + 1] + piece for nth, piece in enumerate(pieces)]
        return pieces, end

    def join(self, pieces: Sequence[bytes]) -> bytes:
        """Return the column of many rows' bytes."""
        if not self.nullable:
            return b"".join(pieces)
        return b"".join([piece[:1] for piece in pieces]) + b"".join([piece[1:] for piece in pieces])


class TextColumn:
    """One column of text, scalar or of a fixed shape: offsets, then UTF-8."""

    size = 0
    format = ""

    def __init__(self, name: str, dtype: str, shape: tuple[int, ...], nullable: bool, values: Any) -> None:
        self.name, self.dtype, self.shape, self.nullable, self.values = name, dtype, shape, nullable, values
        self.width = _product(shape)
        self._offsets = struct.Struct("<%dI" % (self.width + 1))
        self._mark = b"\x01" if nullable else b""
        self._null = b"\x00" * (1 + self._offsets.size)

    def pack(self, value: Any) -> bytes:
        """Return the row bytes of one value; raise `BadRow` when it is no text."""
        if value is None:
            return _null(self, self._null)
        try:
            items = (value,) if not self.shape else _flat(value, self.shape)
            texts = [str.encode(item) for item in items]
        except (TypeError, ValueError) as error:
            raise BadRow(_misfit(self, value)) from error
        return self._mark + self._offsets.pack(*_ends(texts)) + b"".join(texts)

    def read(self, row: bytes, at: int) -> tuple[Any, int]:
        """Return the value that begins at `at`, and where the next column begins."""
        offsets, start, end = self._bounds(1, row, at)
        if self.nullable and not _is_valid(self, row[at]):
            return None, end
        try:
            items = [row[start + a : start + b].decode() for a, b in zip(offsets, offsets[1:])]
        except UnicodeDecodeError as error:
            raise FrameError("column %r is not UTF-8" % self.name) from error
        return (items[0] if not self.shape else _nested(items, self.shape)), end

    def measure(self, count: int, body: bytes, at: int) -> int:
        """Return where this column of `count` rows ends."""
        return self._bounds(count, body, at)[2]

    def cut(self, count: int, body: bytes, at: int) -> tuple[list[bytes], int]:
        """Return the row bytes of each of `count` rows, and where the next column begins."""
        offsets, start, end = self._bounds(count, body, at)
        pieces = []
        for nth in range(count):
            own = offsets[nth * self.width : (nth + 1) * self.width + 1]
            mark = body[at + nth : at + nth + 1] if self.nullable else b""
            local = self._offsets.pack(*[offset - own[0] for offset in own])
            pieces.append(mark + local + body[start + own[0] : start + own[-1]])
        return pieces, end

    def join(self, pieces: Sequence[bytes]) -> bytes:
        """Return the column of many rows' bytes."""
        marks, ends, texts, base = [], [0], [], 0
        skip = len(self._mark)
        for piece in pieces:
            own = self._offsets.unpack_from(piece, skip)
            marks.append(piece[:skip])
            ends.extend([base + offset for offset in own[1:]])
            texts.append(piece[skip + self._offsets.size :])
            base += own[-1]
        return b"".join(marks) + struct.pack("<%dI" % len(ends), *ends) + b"".join(texts)

    def _bounds(self, count: int, body: bytes, at: int) -> tuple[tuple[int, ...], int, int]:
        """Return the offsets, where the text begins, and where it ends."""
        at += count * len(self._mark)
        start = at + 4 * (count * self.width + 1)
        if start > len(body):
            raise FrameError("column %r is cut short" % self.name)
        offsets = struct.unpack_from("<%dI" % (count * self.width + 1), body, at)
        if offsets[0] != 0 or any(a > b for a, b in zip(offsets, offsets[1:])):
            raise FrameError("the offsets of column %r do not rise from 0" % self.name)
        if start + offsets[-1] > len(body):
            raise FrameError("the text of column %r is cut short" % self.name)
        return offsets, start, start + offsets[-1]


class Codec:
    """Rows of one schema to column bytes and back.

    `fields` are dicts as in a manifest (name, type, dtype, nullable, shape, values) or objects with these attributes.
    A value that is None is a null; a key that is absent counts as None.
    """

    def __init__(self, fields: Iterable[Any]) -> None:
        self.columns = [_column(field) for field in fields]
        self.names = [column.name for column in self.columns]
        if len(set(self.names)) != len(self.names):
            raise FrameError("two columns have one name")
        #: no column holds text, so every row has `row_size` bytes
        self.fixed = not any(isinstance(column, TextColumn) for column in self.columns)
        self.row_size = sum(column.size for column in self.columns)
        self._cutter = self._row_cutter()
        self._runs = list(_runs(self.columns))
        self._values: Any = None
        self._plain = self._plain_row()

    def _row_cutter(self) -> struct.Struct | None:
        if not self.fixed or not self.columns:
            return None
        return struct.Struct("<" + "".join("%ds" % column.size for column in self.columns))

    def _plain_row(self) -> struct.Struct | None:
        """Return one struct for the whole row when every column is a number that is never null: the hot path."""
        plain = all(c.format and c.format != "?" and not c.shape and not c.nullable for c in self.columns)
        if not plain or not self.columns:
            return None
        # itemgetter gives a tuple only for two names or more.
        self._values = itemgetter(*self.names) if len(self.names) > 1 else _first(self.names[0])
        return struct.Struct("<" + "".join(column.format for column in self.columns))

    def pack_row(self, row: Mapping[str, Any]) -> bytes:
        """Return the row bytes; raise `BadRow` naming the field that does not fit."""
        if self._plain is not None:
            try:
                return self._plain.pack(*self._values(row))
            except (KeyError, struct.error, TypeError, ValueError, OverflowError):
                pass  # the slow way finds out which field it was
        return b"".join([column.pack(row.get(column.name)) for column in self.columns])

    def unpack_row(self, body: bytes) -> dict[str, Any]:
        """Return the values of row bytes; raise `FrameError` when they are damaged."""
        if self._plain is not None:
            if len(body) != self.row_size:
                raise FrameError("a row has %d bytes, not %d" % (len(body), self.row_size))
            return dict(zip(self.names, self._plain.unpack(body)))
        at, row = 0, {}
        for column in self.columns:
            row[column.name], at = column.read(body, at)
        _check_end(at, body)
        return row

    def pack(self, rows: Iterable[Mapping[str, Any]]) -> bytes:
        """Return the column bytes of many rows."""
        return self.join_rows([self.pack_row(row) for row in rows])

    def unpack(self, count: int, body: bytes) -> list[dict[str, Any]]:
        """Return the rows of column bytes."""
        return [self.unpack_row(row) for row in self.split_rows(count, body)]

    def join_rows(self, rows: Sequence[bytes]) -> bytes:
        """Return the column bytes of many rows' bytes."""
        if len(rows) == 1:
            return rows[0]
        columns: Iterable[Any] = zip(*self._apart(rows)) if rows else [()] * len(self.columns)
        return b"".join([column.join(own) for column, own in zip(self.columns, columns)])

    def _apart(self, rows: Sequence[bytes]) -> Iterable[Sequence[bytes]]:
        """Return each row's bytes column by column; rows of one length are cut by one struct, which is many times as fast."""
        if self._cutter is None:
            return [self.pieces(row) for row in rows]
        for row in rows:
            if len(row) != self.row_size:
                raise FrameError("a row has %d bytes, not %d" % (len(row), self.row_size))
        return self._cutter.iter_unpack(b"".join(rows))

    def split_rows(self, count: int, body: bytes) -> list[bytes]:
        """Return the row bytes of each of `count` rows; raise `FrameError` when the bytes are not that many rows."""
        self.check(count, body)
        if count == 1:
            return [body]
        at, columns = 0, []
        for column in self.columns:
            pieces, at = column.cut(count, body, at)
            columns.append(pieces)
        return [b"".join(pieces) for pieces in zip(*columns)] if columns else [b""] * count

    def check(self, count: int, body: bytes) -> None:
        """Raise `FrameError` unless the bytes have the length and the offsets of `count` rows."""
        if self.fixed:
            at = count * self.row_size
        else:
            at = 0
            for column in self.columns:
                at = column.measure(count, body, at)
        if at != len(body):
            raise FrameError("%d rows have %d bytes, not %d" % (count, at, len(body)))

    def apart(self, row: bytes) -> tuple[bytes, list[Any]]:
        """Return the bytes of the row's number columns, in order, and the values of its text columns."""
        fixed, texts, at = [], [], 0
        for length, column in self._runs:
            fixed.append(row[at : at + length])
            at += length
            if column is not None:
                value, at = column.read(row, at)
                texts.append(value)
        return b"".join(fixed), texts

    def pieces(self, row: bytes) -> list[bytes]:
        """Return the row's bytes column by column; put together in order they are the row again."""
        at, pieces = 0, []
        for column in self.columns:
            end = column.measure(1, row, at)
            pieces.append(row[at:end])
            at = end
        _check_end(at, row)
        return pieces


def write_columns(schema_json: list[dict[str, Any]], count: int, body: bytes) -> bytes:
    """Return a columns file: the schema, the number of rows and their column bytes."""
    Codec(schema_json).check(count, body)
    header = {"fields": schema_json, "rows": count}
    text = json.dumps(header, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
    return _FILE_HEADER.pack(COLUMNS_MAGIC, COLUMNS_VERSION, len(text)) + text + body


def read_columns(content: bytes) -> tuple[list[dict[str, Any]], int, bytes]:
    """Return (schema, number of rows, column bytes) of a columns file; raise `FrameError` when it is damaged."""
    if len(content) < _FILE_HEADER.size:
        raise FrameError("a columns file has at least %d bytes" % _FILE_HEADER.size)
    magic, version, length = _FILE_HEADER.unpack_from(content)
    if magic != COLUMNS_MAGIC:
        raise FrameError("this is no columns file: it does not begin with TNRC")
    if version != COLUMNS_VERSION:
        raise FrameError("the columns file has version %d, this reader knows %d" % (version, COLUMNS_VERSION))
    body = content[_FILE_HEADER.size + length :]
    schema, count = _read_header(content[_FILE_HEADER.size : _FILE_HEADER.size + length], length)
    Codec(schema).check(count, body)
    return schema, count, body


def _read_header(text: bytes, length: int) -> tuple[list[dict[str, Any]], int]:
    if len(text) != length or length > _MOST_HEADER:
        raise FrameError("the header of the columns file is cut short or too long")
    try:
        header = json.loads(text.decode())
        schema, count = header["fields"], header["rows"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise FrameError("the header of the columns file cannot be read") from error
    if not isinstance(schema, list) or type(count) is not int or not 0 <= count < _MOST_ROWS:
        raise FrameError("the header of the columns file lacks fields or rows")
    return schema, count


def _column(field: Any) -> Any:
    told = field.get if isinstance(field, dict) else lambda name, default=None: getattr(field, name, default)
    name, dtype, shape = told("name"), told("dtype") or DEFAULT_DTYPES.get(told("type", ""), ""), told("shape") or ()
    if not isinstance(name, str) or not isinstance(dtype, str):
        raise FrameError("a field needs a name and a type")
    if not isinstance(shape, (list, tuple)) or not all(type(side) is int and side > 0 for side in shape):
        raise FrameError("the shape of field %r is no list of positive integers" % name)
    if dtype not in _FORMATS and dtype not in _TEXTS:
        raise FrameError("field %r has the unknown dtype %r" % (name, dtype))
    kind = NumberColumn if dtype in _FORMATS else TextColumn
    return kind(name, dtype, tuple(shape), bool(told("nullable", False)), told("values"))


def _runs(columns: Sequence[Any]) -> Iterator[tuple[int, Any]]:
    """Yield (bytes of number columns, the text column after them), the last with None."""
    length = 0
    for column in columns:
        if isinstance(column, TextColumn):
            yield length, column
            length = 0
        else:
            length += column.size
    yield length, None


def _first(name: str) -> Any:
    return lambda row: (row[name],)


def _check_end(at: int, body: bytes) -> None:
    if at != len(body):
        raise FrameError("a row has %d bytes, not %d" % (len(body), at))


def _null(column: Any, null: bytes) -> bytes:
    if not column.nullable:
        raise BadRow("field %r has no value" % column.name)
    return null


def _misfit(column: Any, value: Any) -> str:
    shape = " of shape %s" % list(column.shape) if column.shape else ""
    return "field %r: this %s is no %s%s" % (column.name, type(value).__name__, column.dtype, shape)


def _is_valid(column: Any, mark: int) -> bool:
    if mark > 1:
        raise FrameError("column %r holds a validity byte that is neither 0 nor 1" % column.name)
    return mark == 1


def _ends(texts: Sequence[bytes]) -> list[int]:
    ends = [0]
    for text in texts:
        ends.append(ends[-1] + len(text))
    return ends


def _product(shape: Iterable[int]) -> int:
    items = 1
    for side in shape:
        items *= side
    return items


def _flat(value: Any, shape: tuple[int, ...]) -> list[Any]:
    """Return the items of a nested list of exactly this shape; numpy arrays are taken as lists."""
    value = value.tolist() if hasattr(value, "tolist") else value
    if not isinstance(value, (list, tuple)) or len(value) != shape[0]:
        raise TypeError
    if len(shape) == 1:
        return list(value)
    return [item for part in value for item in _flat(part, shape[1:])]


def _nested(items: Sequence[Any], shape: tuple[int, ...]) -> list[Any]:
    if len(shape) == 1:
        return list(items)
    step = len(items) // shape[0]
    return [_nested(items[nth * step : (nth + 1) * step], shape[1:]) for nth in range(shape[0])]
