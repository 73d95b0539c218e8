"""The folders of streams: whose writer lives, which segments count, and every record that is not yet sealed.

Light enough for a gateway, which reads dead streams here to settle their claims.
"""

from __future__ import annotations

import fcntl
import os
import re
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tenure.adapters.decision_log.heads import head_of
from tenure.adapters.decision_log.segment import HEADER_SIZE, Frame, Header, Scan, decode_header, says_durable, scan
from tenure.kit.errors import Kind, TenureError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_LOCK = "writer.lock"


class BadStreamName(TenureError):
    """A stream is a folder's name, so it must be one."""

    code = "bad-stream-name"
    kind = Kind.BAD_INPUT
    message = "{stream!r} cannot name a stream"
    next_step = "use up to 64 letters, digits, dots, dashes and underscores"


class StreamInUse(TenureError):
    """One process writes a stream, and another tried to."""

    code = "stream-in-use"
    kind = Kind.CONFLICT
    message = "the stream {stream} already has a living writer"
    next_step = "give every writing process a stream of its own"


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment that counts: `limit` is the byte up to which the next one believes it, None for the last."""

    path: Path
    header: Header
    limit: int | None = None

    def read(self) -> Scan:
        """Return what it holds, damage included."""
        content = self.path.read_bytes()
        if self.limit is None:
            return scan(content, self.header.first_sequence)
        return scan(content[: self.limit], self.header.first_sequence, self.limit)


@dataclass(frozen=True, slots=True)
class Damage:
    """Acknowledged bytes that cannot be read: the file, the place, and what is wrong there."""

    file: Path
    offset: int
    what: str


@dataclass(frozen=True, slots=True)
class Contents:
    """All that a stream's segments hold from a position on."""

    frames: tuple[Frame, ...]
    next_sequence: int
    damage: tuple[Damage, ...] = ()
    torn: tuple[Damage, ...] = ()
    #: the records before the first damage: all that may be sealed
    intact: tuple[Frame, ...] = ()
    #: there was enough before the last segment was reached
    is_cut: bool = False


def folder_of(decisions: Path, stream: str) -> Path:
    """Return the folder of a stream; raise `BadStreamName` when the name is none."""
    if not _NAME.fullmatch(stream):
        raise BadStreamName(stream=stream)
    return decisions / "streams" / stream


def stream_folders(decisions: Path) -> list[Path]:
    """Return the folders of all streams that exist, by name."""
    streams = decisions / "streams"
    return sorted(folder for folder in streams.iterdir() if folder.is_dir()) if streams.is_dir() else []


def segment_path(folder: Path, number: int) -> Path:
    """Return where the segment of this number lies."""
    return folder / f"{number:08d}.segment"


def segment_files(folder: Path) -> list[Path]:
    """Return the segment files in order; one that is filled ahead but not begun is among them."""
    return sorted(folder.glob("*.segment"))


def segments_of(folder: Path) -> list[Segment]:
    """Return the segments that count, in order, each with the end that the next one believes."""
    begun = {header.number: (path, header) for path in segment_files(folder) if (header := _header_of(path))}
    chosen: list[Segment] = []
    number, limit = max(begun, default=0), None
    while number in begun:
        path, header = begun[number]
        chosen.insert(0, Segment(path, header, limit))
        number, limit = header.previous_number, header.previous_end
    return chosen


def damaged_headers(folder: Path) -> list[Damage]:
    """Return the segments that should count but whose header cannot be read."""
    headers = {path: _header_of(path) for path in segment_files(folder)}
    named = {segment_path(folder, header.previous_number) for header in headers.values() if header}
    unread = [path for path, header in headers.items() if header is None]
    return [
        Damage(path, 0, "the header is damaged") for path in unread if path in named or says_durable(path.read_bytes())
    ]


def _header_of(path: Path) -> Header | None:
    try:
        with path.open("rb") as file:
            return decode_header(file.read(HEADER_SIZE))
    except FileNotFoundError:
        return None  # sealed and removed since the folder was listed


def read_stream(folder: Path, position: int = 0, enough: int | None = None) -> Contents:
    """Return the stream's records with a sequence of at least `position`, each once, and what is wrong with it.

    Stops between segments once `enough` bytes of records are read. Raises `FileNotFoundError` when a segment is sealed
    and removed meanwhile.
    """
    contents = Contents((), position, tuple(damaged_headers(folder)))
    for segment in _from(segments_of(folder), position):
        if enough is not None and sum(len(frame.record) for frame in contents.frames) >= enough:
            return replace(contents, is_cut=True)
        contents = _joined(contents, segment, _settled(segment))
    return contents


def _from(segments: list[Segment], position: int) -> list[Segment]:
    """Return the segments that may hold the position or what follows."""
    start = sum(1 for after in segments[1:] if after.header.previous_sequence <= position)
    return segments[start:]


def _settled(segment: Segment) -> Scan:
    """Return what the segment holds; a read that overtook its writer looks like damage, but not twice the same."""
    found = segment.read()
    while found.damage:
        again = segment.read()
        if again.damage == found.damage:
            break
        found = again
    return found


def _joined(contents: Contents, segment: Segment, found: Scan) -> Contents:
    """Return the contents with one more segment."""
    damage, path, header = list(contents.damage), segment.path, segment.header
    if header.previous_sequence > contents.next_sequence and not damage:
        what = f"the records {contents.next_sequence} to {header.previous_sequence - 1} before it are gone"
        damage.append(Damage(path, 0, what))
    whole = not damage
    damage += [Damage(path, at, "a record that was durable is damaged") for at in found.damage]
    fresh = tuple(frame for frame in found.frames if frame.sequence >= contents.next_sequence)
    intact = tuple(frame for frame in found.intact if frame.sequence >= contents.next_sequence)
    torn = (Damage(path, found.end, f"a torn tail of {found.torn} bytes"),) if found.torn else ()
    return Contents(
        contents.frames + fresh,
        max(contents.next_sequence, found.next_sequence),
        tuple(damage),
        contents.torn + torn,
        contents.intact + intact if whole else contents.intact,
    )


def is_alive(folder: Path) -> bool:
    """Return whether a process holds the stream open for writing; it lets go even when killed."""
    try:
        descriptor = os.open(folder / _LOCK, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def dead_streams(decisions: Path) -> list[str]:
    """Return the streams whose writer is gone."""
    return [folder.name for folder in stream_folders(decisions) if not is_alive(folder)]


class StreamLock:
    """The right to write in a stream's folder, held until released or until the process ends."""

    def __init__(self, folder: Path) -> None:
        self._descriptor = _take(folder)

    def release(self) -> None:
        """Let go."""
        os.close(self._descriptor)


def _take(folder: Path) -> int:
    """Return a locked descriptor of the folder's lock file; the file may be removed by the sealer meanwhile."""
    path = folder / _LOCK
    while True:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            _lock(descriptor, folder.name)
            if path.exists() and os.path.samestat(os.fstat(descriptor), path.stat()):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _lock(descriptor: int, stream: str) -> None:
    """Lock exclusively; whoever only asks whether the writer lives holds a shared lock for an instant."""
    for _ in range(20):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.01)
        else:
            return
    raise StreamInUse(stream=stream)


class UnsealedLog:
    """What streams hold before it is sealed, found by decision id without any library: for settling claims."""

    def __init__(self, decisions: Path) -> None:
        self._decisions = decisions

    def among(self, stream: str, decision_ids: Collection[str]) -> dict[str, bytes]:
        """Return the records of those of these decisions that the stream holds, read in one pass."""
        wanted = frozenset(decision_ids)
        heads = ((head_of(record).id, record) for record in self.records(folder_of(self._decisions, stream)))
        return {name: record for name, record in heads if name in wanted}

    def records(self, folder: Path) -> Iterator[bytes]:
        """Return the records of one stream's segments."""
        return (frame.record for frame in read_stream(folder).frames) if folder.is_dir() else iter(())
