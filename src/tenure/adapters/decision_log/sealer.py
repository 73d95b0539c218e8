"""Control's sealer: durable records of all streams become one order of leaves, Parquet files and an index.

Each batch goes through the same steps, and the line in `chain.jsonl` is the one that counts. A seal that dies at any
step is taken up by the next: before the line everything is made again from the segments, after it the rest follows.
"""

from __future__ import annotations

import fcntl
import hashlib
import itertools
import os
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from tenure.adapters.decision_log import parquet
from tenure.adapters.decision_log.chain import (
    GENESIS,
    LEAF_SIZE,
    BrokenChain,
    Sealing,
    chain_file,
    extend,
    last_sealing,
    leaf_of,
    leaves_file,
    sealed_line,
    sealings,
    whole_size,
)
from tenure.adapters.decision_log.disk import Disk
from tenure.adapters.decision_log.heads import Head, head_of
from tenure.adapters.decision_log.index import Index, has_index, heads_in, index_file
from tenure.adapters.decision_log.streams import (
    Contents,
    Damage,
    StreamInUse,
    StreamLock,
    is_alive,
    read_stream,
    segment_files,
    segments_of,
    stream_folders,
)
from tenure.kit.clock import SECOND, SystemClock

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from pathlib import Path

    from tenure.adapters.decision_log.checkpoints import Checkpoints
    from tenure.kit.clock import Clock

#: a request makes its id when it arrives and its record later: this long the sealer waits so that ids come in order
LAG = 2 * SECOND
_BATCH_BYTES = 32 << 20
#: two writes within a tick of the file system's clock leave the same time on a file (nanoseconds)
_UNMISTAKABLE = SECOND * 1000


@dataclass(frozen=True, slots=True)
class Sealed:
    """What one run of the sealer did: records and files added, damage that stopped a stream, torn tails it met."""

    records: int
    files: tuple[str, ...]
    damage: tuple[Damage, ...] = ()
    torn: tuple[Damage, ...] = ()


class _Row(NamedTuple):
    """One record on its way: what it is ordered by comes first."""

    head: Head
    stream: str
    sequence: int
    record: bytes


class _Stamp(NamedTuple):
    """A stream as it is before it is read: whoever writes changes it. `written` is the newest time of a file of it."""

    position: int
    files: tuple[tuple[str, int, int], ...]
    written: int


def _stamp_of(folder: Path, position: int) -> _Stamp:
    states = [(path.name, path.stat()) for path in segment_files(folder)]
    files = tuple((name, state.st_size, state.st_mtime_ns) for name, state in states)
    return _Stamp(position, files, max((written for _, _, written in files), default=0))


class Sealer:
    """The only writer of leaves, chain, Parquet and index; a second one waits for the first.

    `hold` names dead streams whose segments must stay (`claims.unsettled_streams`); `checkpoints` sign what is sealed.
    """

    def __init__(
        self,
        decisions: Path,
        *,
        clock: Clock | None = None,
        disk: Disk | None = None,
        hold: Callable[[], Collection[str]] = frozenset,
        lag: int = LAG,
        batch_bytes: int = _BATCH_BYTES,
        checkpoints: Checkpoints | None = None,
    ) -> None:
        self._checkpoints = checkpoints
        self._decisions, self._clock, self._disk = decisions, clock or SystemClock(), disk or Disk()
        self._hold, self._lag, self._batch_bytes = hold, lag, batch_bytes
        self._gone: set[str] = set()
        self._empty: dict[str, tuple[_Stamp, Contents]] = {}

    def seal(self) -> Sealed:
        """Seal everything that is durable and older than the lag (of dead streams: everything), then tidy up."""
        self._decisions.mkdir(parents=True, exist_ok=True)
        files: list[str] = []
        records = 0
        # Asked once: a writer that is faster than the sealer would otherwise keep it for ever.
        before = self._clock.now() - self._lag
        with sealer_lock(self._decisions):
            self._recover()
            while True:
                found = self._collect(before)
                rows = [row for _, taken in found.values() for row in taken]
                if not rows:
                    break
                rows.sort(key=lambda row: (row.head.id, row.stream, row.sequence))
                files.append(self._commit(rows))
                records += len(rows)
                if not any(contents.is_cut for contents, _ in found.values()):
                    break
            self._sign()
            self._tidy()
        contents = [contents for contents, _ in found.values()]
        damage = tuple(fault for content in contents for fault in content.damage)
        torn = tuple(fault for content in contents for fault in content.torn)
        return Sealed(records, tuple(files), damage, torn)

    def _sign(self) -> None:
        """Sign what is sealed; a seal that died before this is signed by the next."""
        last = last_sealing(self._decisions)
        if self._checkpoints is not None and last is not None:
            self._checkpoints.extend(last.end, self._clock.now())

    def _recover(self) -> None:
        """Undo what never counted and finish what did."""
        whole = whole_size(self._decisions)
        chain = chain_file(self._decisions)
        if chain.exists() and chain.stat().st_size > whole:
            self._disk.truncate(chain, whole)
        elif whole and not _ends_with_newline(chain):
            self._disk.append(chain, b"\n")
        last = last_sealing(self._decisions)
        end = last.end if last else 0
        _refuse_lost_lines(self._decisions, end)
        self._recover_leaves(end)
        for draft in (self._decisions / "sealed").glob("*/*.draft"):
            self._disk.remove(draft)
        for orphan in (self._decisions / "sealed").glob(f"*/{end:012d}-*.parquet"):
            self._disk.remove(orphan)
        catch_up(self._decisions, end)

    def _recover_leaves(self, end: int) -> None:
        leaves = leaves_file(self._decisions)
        size = leaves.stat().st_size if leaves.exists() else 0
        if size < end * LEAF_SIZE:
            raise BrokenChain(
                file=leaves, line="the end", why=f"{end} leaves were sealed, {size // LEAF_SIZE} are here"
            )
        if size > end * LEAF_SIZE:
            self._disk.truncate(leaves, end * LEAF_SIZE)

    def _collect(self, before: int) -> dict[str, tuple[Contents, list[_Row]]]:
        """Return for every stream what it holds after the last seal, and the rows that are ready."""
        last = last_sealing(self._decisions)
        positions = last.positions if last else {}
        found = {}
        for folder in stream_folders(self._decisions):
            # Asked first: a writer that is dead now writes no more, so all that is read afterwards is all there is.
            alive = is_alive(folder)
            with suppress(FileNotFoundError):
                contents = self._unsealed(folder, positions.get(folder.name, 0))
                ready = _ready(folder.name, contents, before if alive else None)
                if ready:
                    self._make_durable(folder)
                found[folder.name] = (contents, ready)
        return found

    def _unsealed(self, folder: Path, position: int) -> Contents:
        """Return what the stream holds from its position on; one that held nothing is read again once it was written.

        A living writer's segment lies there in its whole length: reading it every few seconds was most of what an idle
        house did.
        """
        stamp = _stamp_of(folder, position)
        known = self._empty.pop(folder.name, None)
        contents = known[1] if known and known[0] == stamp else read_stream(folder, position, self._batch_bytes)
        if not contents.frames and time.time_ns() - stamp.written > _UNMISTAKABLE:
            self._empty[folder.name] = (stamp, contents)
        return contents

    def _make_durable(self, folder: Path) -> None:
        """Return when all that was read from the stream is on the disk: a segment may be ahead of its last sync."""
        for path in segment_files(folder):
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                self._disk.sync(descriptor)
            finally:
                os.close(descriptor)

    def _commit(self, rows: list[_Row]) -> str:
        """Write the batch's file and leaves, make them count, index them; return the file's name."""
        last = last_sealing(self._decisions)
        first = last.end if last else 0
        file = self._write_file(first, rows)
        leaves = [leaf_of(row.record) for row in rows]
        self._disk.append(leaves_file(self._decisions), b"".join(leaves))
        sealing = Sealing(
            first=first,
            count=len(rows),
            file=str(file.relative_to(self._decisions)),
            digest=hashlib.sha256(file.read_bytes()).hexdigest(),
            chain=extend(bytes.fromhex(last.chain) if last else GENESIS, leaves).hex(),
            positions=self._positions_after(last, rows),
            at=self._clock.now(),
            previous=last.seal if last else "0" * 64,
        )
        self._disk.append(chain_file(self._decisions), sealed_line(sealing))
        with Index(self._decisions) as index:
            index.add(sealing, [row.head for row in rows])
        return sealing.file

    def _write_file(self, first: int, rows: list[_Row]) -> Path:
        """Return the Parquet file, in the folder of its first record's day (UTC)."""
        day = datetime.fromtimestamp(rows[0].head.at / SECOND, tz=UTC).date().isoformat()
        final = self._decisions / "sealed" / day / f"{first:012d}-{first + len(rows) - 1:012d}.parquet"
        draft = final.with_suffix(".draft")
        final.parent.mkdir(parents=True, exist_ok=True)
        parquet.write(draft, first, [(row.stream, row.sequence, row.head, row.record) for row in rows])
        self._disk.publish(draft, final)
        return final

    def _positions_after(self, last: Sealing | None, rows: list[_Row]) -> dict[str, int]:
        """Return for every stream the sequence after its last sealed record; streams long gone are left out."""
        positions = dict(last.positions) if last else {}
        for row in rows:
            positions[row.stream] = max(positions.get(row.stream, 0), row.sequence + 1)
        here = {folder.name for folder in stream_folders(self._decisions)}
        gone = set(positions) - here
        # A writer that opens the stream again at this moment has read its old position: it is kept for one seal more.
        forgotten, self._gone = gone & self._gone, gone
        return {stream: position for stream, position in positions.items() if stream not in forgotten}

    def _tidy(self) -> None:
        """Remove the segments that are sealed and no longer written: rolled past, or left by a dead writer."""
        last = last_sealing(self._decisions)
        if last is None:
            return
        held = self._hold()
        for folder in stream_folders(self._decisions):
            position = last.positions.get(folder.name, 0)
            with suppress(FileNotFoundError):
                self._remove_rolled(folder, position)
            if folder.name not in held:
                self._remove_dead(folder, position)

    def _remove_rolled(self, folder: Path, position: int) -> None:
        segments = segments_of(folder)
        for segment, after in itertools.pairwise(segments):
            if after.header.previous_sequence <= position:
                self._disk.remove(segment.path)

    def _remove_dead(self, folder: Path, position: int) -> None:
        """Remove a whole stream once its writer is dead and all of it is sealed."""
        if is_alive(folder):
            return
        try:
            lock = StreamLock(folder)
        except StreamInUse:
            return
        try:
            contents = read_stream(folder, position)
            if contents.frames or contents.damage:
                return
            for path in segment_files(folder):
                self._disk.remove(path)
            self._disk.remove(folder / "writer.lock")
            with suppress(OSError):
                folder.rmdir()
        finally:
            lock.release()


def _ready(stream: str, contents: Contents, before: int | None) -> list[_Row]:
    """Return the longest run of intact records that are old enough, so that a position says all about a stream."""
    rows = []
    for frame in contents.intact:
        head = head_of(frame.record)
        if before is not None and head.at > before:
            break
        rows.append(_Row(head, stream, frame.sequence, frame.record))
    return rows


def _ends_with_newline(path: Path) -> bool:
    return path.read_bytes()[-1:] == b"\n"


def catch_up(decisions: Path, end: int) -> None:
    """Bring the index up to `end` leaves: make it again when it is missing, else add the files it lacks."""
    if end and not has_index(decisions):
        rebuild_index(decisions)
        return
    with Index(decisions) as index:
        known = index.ending
        if known < end:
            for sealing in sealings(decisions):
                if sealing.first >= known:
                    index.add(sealing, heads_in(decisions, sealing))


def _refuse_lost_lines(decisions: Path, end: int) -> None:
    """Raise `BrokenChain` when the index knows of more than the chain: lines were lost after they had counted."""
    if not has_index(decisions):
        return
    with Index(decisions) as index:
        known = index.ending
    if known > end:
        raise BrokenChain(file=chain_file(decisions), line="the end", why=f"it names {end} of {known} sealed records")


def rebuild_index(decisions: Path) -> None:
    """Make `index.db` again from the chain and the Parquet files, as the sealer does when it finds it missing."""
    if not has_index(decisions):
        for suffix in ("", "-wal", "-shm"):
            index_file(decisions).with_name("index.db" + suffix).unlink(missing_ok=True)
    with Index(decisions) as index:
        index.rebuild(decisions, sealings(decisions))


@contextmanager
def sealer_lock(decisions: Path) -> Iterator[None]:
    """Hold the right to seal; waits for whoever has it."""
    descriptor = os.open(decisions / "sealer.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
