"""Feast's SQLite online store, read as it lies on disk: values with their event timestamps, and nothing else.

Nothing of Feast is imported, and its registry is not opened: functions stand in there pickled, and pickles are not loaded here.
What is read: `feature_store.yaml` of the repository, and one table of the online store, whose rows are (entity key, feature,
value, event_ts). Formats: Feast's `protos/feast/types/Value.proto` and its entity keys of serialization version 3.
"""

from __future__ import annotations

import sqlite3
import struct
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

from tenure.kit.errors import Kind, TenureError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

SCHEME = "feast:"
#: the column of `rows` that says since when each is known; no feature of Feast can have this name
EVENT_TIME = "event timestamp"
_SETTINGS = "feature_store.yaml"
_DEFAULT_PATH = "data/online.db"
_STRING = 2
#: fields of Feast's Value that a feature view can hold, by number; and how each lies in the bytes (protocol buffers' wire type)
_KINDS = {
    2: "string",
    3: "int",
    4: "int",
    5: "float",
    6: "float",
    7: "bool",
    8: "timestamp",
    30: "string",
    31: "string",
}
_WIRES = {2: 2, 3: 0, 4: 0, 5: 1, 6: 5, 7: 0, 8: 0, 30: 2, 31: 2}
_NULL = 19
_INTEGERS = {1: ("<b", 1), 3: ("<i", 4), 4: ("<q", 8)}


class FeastUnreadable(TenureError):
    """A Feast repository or its online store cannot be read."""

    code = "feast-unreadable"
    kind = Kind.BAD_INPUT
    message = "{where}: {why}"
    next_step = "{hint}"


class Value(NamedTuple):
    """A value with its kind, `null` where there is none; `unsupported` for lists, bytes and maps."""

    kind: str
    value: Any


@dataclass(frozen=True, slots=True)
class FeastView:
    """One feature view of a Feast repository, as its online store has it."""

    file: Path
    table: str
    key: str
    kinds: Mapping[str, str]

    def rows(self, columns: Collection[str]) -> Iterator[dict[str, Any]]:
        """Return a row for every key: the key, these features, and as `EVENT_TIME` the newest event timestamp among them.

        Raises `FeastUnreadable` for a feature that is not there, or of which no column can be made.
        """
        self._check(columns)
        query = f'SELECT entity_key, feature_name, value, event_ts FROM "{self.table}" ORDER BY entity_key'  # noqa: S608 - a table of the file
        with closing(_opened(self.file)) as store:
            for key, cells in groupby(store.execute(query), key=lambda row: row[0]):
                told = [(name, value, at) for _, name, value, at in cells if name in columns]
                if told:
                    values = {name: decoded(value).value for name, value, _ in told}
                    at = max(_moment(self.file, at) for _, _, at in told)
                    yield {self.key: entity(key)[1], EVENT_TIME: at.isoformat(), **values}

    def _check(self, columns: Collection[str]) -> None:
        for name in columns:
            if name not in self.kinds:
                told = ", ".join(sorted(self.kinds)) or "none"
                raise FeastUnreadable(
                    where=self.table, why=f"it has no feature {name!r}; there are {told}", hint=_OTHER_COLUMNS
                )
            if self.kinds[name] == "unsupported":
                why = f"the feature {name!r} is a list, bytes or a map, of which no column can be made"
                raise FeastUnreadable(where=self.table, why=why, hint=_OTHER_COLUMNS)


_OTHER_COLUMNS = "define the view with the columns that you want (tenure features apply FILE); only these are read"


def feast_view(repository: Path, name: str) -> FeastView:
    """Return a feature view of the repository in this folder; raise `FeastUnreadable`."""
    settings, file = _settings(repository)
    table = f"{settings['project']}_{name}"
    with closing(_opened(file)) as store:
        tables = [row[0] for row in store.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
        if table not in tables:
            raise FeastUnreadable(
                where=file,
                why=f"it has no table {table!r}; there are {', '.join(tables) or 'none'}",
                hint="name the feature view as Feast does: --query FEATURE_VIEW",
            )
        first = store.execute(f'SELECT entity_key FROM "{table}" LIMIT 1').fetchone()  # noqa: S608
        if first is None:
            raise FeastUnreadable(where=file, why=f"{table} is empty", hint="materialize it: feast materialize …")
        return FeastView(file, table, entity(first[0])[0], _kinds(store, table))


def _settings(repository: Path) -> tuple[dict[str, Any], Path]:
    """Return what the repository says of itself, and where its online store is."""
    file = repository / _SETTINGS
    if not file.is_file():
        hint = f"name the folder in which {_SETTINGS} lies: --source feast:/path/to/feature_repo"
        raise FeastUnreadable(where=file, why="there is no such file", hint=hint)
    try:
        found = yaml.safe_load(file.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise FeastUnreadable(where=file, why=f"it is no YAML: {error}", hint="correct it") from error
    online = found.get("online_store", "sqlite") if isinstance(found, dict) else None
    online = {"type": online} if isinstance(online, str) else online
    if not isinstance(online, dict) or "project" not in found:
        raise FeastUnreadable(
            where=file, why="it names no project or no online_store", hint="see Feast's documentation"
        )
    if online.get("type", "sqlite") != "sqlite":
        raise FeastUnreadable(
            where=file,
            why=f"the online store is {online['type']!r}; only SQLite's is read",
            hint="read the source of the view instead: --query \"SELECT * FROM 'source.parquet'\" --at-column …",
        )
    path = repository / str(online.get("path", _DEFAULT_PATH))
    if not path.is_file():
        raise FeastUnreadable(where=path, why="the online store is not there", hint="materialize: feast materialize …")
    return found, path


def _opened(file: Path) -> sqlite3.Connection:
    """Return the store opened for reading alone."""
    try:
        store = sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)
        store.execute("SELECT 1 FROM sqlite_master").fetchone()
    except sqlite3.DatabaseError as error:
        raise FeastUnreadable(where=file, why=str(error), hint="is it Feast's SQLite online store?") from error
    return store


def _kinds(store: sqlite3.Connection, table: str) -> dict[str, str]:
    """Return the kind of every feature; `null` for one that never has a value."""
    found: dict[str, str] = {}
    for name, value in store.execute(f'SELECT feature_name, value FROM "{table}"'):  # noqa: S608 - a table of the file
        if found.get(name, "null") == "null":
            found[name] = decoded(value).kind
    return found


def entity(key: bytes) -> tuple[str, Any]:
    """Return name and value of an entity key; raise `FeastUnreadable` for one of several columns or of an older version."""
    try:
        names, values = _pairs(key)
    except (struct.error, UnicodeDecodeError, KeyError, ValueError) as error:
        raise FeastUnreadable(
            where="entity key",
            why=f"{key[:40]!r} is no key of serialization version 3",
            hint="set entity_key_serialization_version: 3 in feature_store.yaml and materialize again",
        ) from error
    if len(names) != 1:
        raise FeastUnreadable(
            where="entity key",
            why=f"it has {len(names)} columns ({', '.join(names)}), and a view here is kept by one",
            hint="make one key of them in a query over the source: tenure features ingest VIEW --query …",
        )
    return names[0], values[0]


def _pairs(key: bytes) -> tuple[list[str], list[Any]]:
    (count,) = struct.unpack_from("<I", key)
    place, names, values = 4, [], []
    for _ in range(count):
        kind, length = struct.unpack_from("<II", key, place)
        if kind != _STRING:
            raise ValueError(kind)
        names.append(key[place + 8 : place + 8 + length].decode())
        place += 8 + length
    for _ in range(count):
        kind, length = struct.unpack_from("<II", key, place)
        values.append(_key_value(kind, key[place + 8 : place + 8 + length]))
        place += 8 + length
    if place != len(key):
        raise ValueError(place)
    return names, values


def _key_value(kind: int, content: bytes) -> Any:
    if kind == _STRING:
        return content.decode()
    shape, size = _INTEGERS[kind]
    if len(content) != size:
        raise ValueError(kind)
    return struct.unpack(shape, content)[0]


def decoded(content: bytes | None) -> Value:
    """Return the value that a `feast.types.Value` holds; raise `FeastUnreadable` for bytes that are none."""
    try:
        return _decoded(content or b"")
    except (IndexError, struct.error, UnicodeDecodeError, OverflowError, ValueError) as error:
        why = f"{content!r:.60} is no value of Feast"
        raise FeastUnreadable(where="value", why=why, hint="is it Feast's own table? materialize again") from error


def _decoded(content: bytes) -> Value:
    """Return the one field that is set; of several the last counts, as protocol buffers say."""
    found, place = Value("null", None), 0
    while place < len(content):
        tag, place = _varint(content, place)
        number, wire = tag >> 3, tag & 7
        if _WIRES.get(number, wire) != wire:
            raise ValueError(number)
        raw: Any
        match wire:
            case 0:
                raw, place = _varint(content, place)
            case 1:
                raw, place = struct.unpack_from("<d", content, place)[0], place + 8
            case 2:
                length, place = _varint(content, place)
                raw, place = content[place : place + length], place + length
            case 5:
                raw, place = struct.unpack_from("<f", content, place)[0], place + 4
            case _:
                return Value("unsupported", None)
        found = _value(number, raw)
    return found


def _value(number: int, raw: Any) -> Value:
    if number == _NULL:
        return Value("null", None)
    match _KINDS.get(number, "unsupported"):
        case "string":
            return Value("string", raw.decode())
        case "bool":
            return Value("bool", bool(raw))
        case "int":
            return Value("int", _signed(raw))
        case "timestamp":
            return Value("timestamp", datetime.fromtimestamp(_signed(raw), tz=UTC).isoformat())
        case kind:
            return Value(kind, raw if kind == "float" else None)


def _signed(number: int) -> int:
    """Return what 64 bits mean as a number with a sign."""
    return number - (1 << 64) if number >= 1 << 63 else number


def _varint(content: bytes, place: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = content[place]
        number |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if byte < 0x80:
            return number, place


def _moment(file: Path, at: Any) -> datetime:
    """Return an event timestamp: text in UTC, or seconds, as versions of Feast write it."""
    try:
        moment = datetime.fromtimestamp(at, tz=UTC) if isinstance(at, int | float) else datetime.fromisoformat(at)
    except (TypeError, ValueError) as error:
        raise FeastUnreadable(where=file, why=f"{at!r} is no event timestamp", hint="materialize again") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
