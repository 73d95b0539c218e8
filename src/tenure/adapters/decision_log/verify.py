"""Checks the whole log against itself: every byte that was ever acknowledged, sealed or chained."""

from __future__ import annotations

import hashlib
from array import array
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tenure.adapters.decision_log import parquet
from tenure.adapters.decision_log.chain import (
    GENESIS,
    LEAF_SIZE,
    BrokenChain,
    chain_file,
    extend,
    last_sealing,
    leaf_of,
    leaves_file,
    read_leaves,
    sealings,
)
from tenure.adapters.decision_log.checkpoints import checkpoints_file
from tenure.adapters.decision_log.checkpoints import problems as checkpoint_problems
from tenure.adapters.decision_log.expiry import removals
from tenure.adapters.decision_log.heads import head_of
from tenure.adapters.decision_log.index import Index, has_index
from tenure.adapters.decision_log.sealer import sealer_lock
from tenure.adapters.decision_log.segment import encode_frame
from tenure.adapters.decision_log.streams import read_stream, stream_folders

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from tenure.adapters.decision_log.chain import Sealing


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is not as it was written; `place` is a byte, a row or a leaf of the file, as `what` says."""

    file: Path
    place: int
    what: str

    def __str__(self) -> str:
        return f"{self.file}: {self.what}"


def verify_log(decisions: Path, public: bytes | None = None) -> list[Problem]:
    """Return every problem of the log; an empty list says that all its bytes are those that were written.

    `public` is the key that its checkpoints must be signed with. Waits for a seal under way. A torn tail is no problem: nothing in it was acknowledged.
    """
    if not decisions.is_dir():
        return []
    with sealer_lock(decisions):
        ids = _Ids()
        gone, damaged = _removals(decisions, public)
        problems = [*damaged, *_sealed_problems(decisions, ids, gone), *_segment_problems(decisions, ids)]
        file = checkpoints_file(decisions)
        problems += [Problem(file, 0, what) for what in checkpoint_problems(decisions, public)]
        return problems + [
            Problem(decisions, 0, f"the record {name} stands {count} times in the log")
            for name, count in ids.met_again(_every_id(decisions))
        ]


class _Ids:
    """Which ids were met more than once, in eight bytes for each: the ids of a long log do not fit into memory."""

    def __init__(self) -> None:
        self._hashes = array("q")

    def add(self, records: Iterable[bytes]) -> None:
        """Meet the ids of some records; what has none is passed over."""
        self._hashes.extend(hash(name) for record in records if record and (name := head_of(record).id))

    def met_again(self, every: Iterable[str]) -> list[tuple[str, int]]:
        """Return those that were met more than once and how often, given all of them again if there may be one."""
        import numpy as np

        hashes = np.sort(np.frombuffer(self._hashes, dtype=np.int64))
        repeated = frozenset(hashes[1:][hashes[1:] == hashes[:-1]].tolist())
        names = Counter(name for name in every if hash(name) in repeated) if repeated else Counter()
        return [(name, count) for name, count in names.items() if count > 1]


def _every_id(decisions: Path) -> Iterator[str]:
    """Return the id of every record that can be read."""
    positions: dict[str, int] = {}
    with suppress(BrokenChain):
        for sealing in sealings(decisions):
            positions = sealing.positions
            with suppress(Exception):  # what cannot be read was named as a problem before
                for group in parquet.records(decisions / sealing.file):
                    yield from (head_of(record).id for record in group if record)
    for folder in stream_folders(decisions):
        yield from (head_of(frame.record).id for frame in read_stream(folder, positions.get(folder.name, 0)).frames)


@dataclass(frozen=True, slots=True)
class _Gone:
    """Of one sealed file: the leaves that were removed, and its digests since."""

    leaves: set[int]
    digests: set[str]


def _removals(decisions: Path, public: bytes | None) -> tuple[dict[str, _Gone], list[Problem]]:
    """Return what was removed by file, as far as the lines that say so are what was signed."""
    gone: dict[str, _Gone] = {}
    try:
        for one in removals(decisions, public):
            mine = gone.setdefault(one.file, _Gone(set(), set()))
            mine.leaves.update(leaf for first, last in one.leaves for leaf in range(first, last + 1))
            mine.digests.add(one.digest)
    except BrokenChain as error:
        return gone, [Problem(error.facts["file"], 0, str(error))]
    return gone, []


def _sealed_problems(decisions: Path, ids: _Ids, gone: dict[str, _Gone]) -> Iterator[Problem]:
    """Follow the chain from its beginning: each line, its leaves, its file."""
    chain, end = GENESIS, 0
    try:
        for sealing in sealings(decisions):
            mine = read_leaves(decisions, sealing.first, sealing.end)
            hashes = [mine[at : at + LEAF_SIZE] for at in range(0, len(mine), LEAF_SIZE)]
            if extend(chain, hashes).hex() != sealing.chain:
                what = f"the leaves {sealing.first} to {sealing.end - 1} are not those that were chained"
                yield Problem(leaves_file(decisions), sealing.first, what)
            yield from _file_problems(decisions / sealing.file, sealing, hashes, ids, gone.get(sealing.file))
            chain, end = bytes.fromhex(sealing.chain), sealing.end
    except BrokenChain as error:
        yield Problem(error.facts["file"], 0, str(error))
        return
    if has_index(decisions):
        with Index(decisions) as index:
            if index.ending > end:
                yield Problem(chain_file(decisions), 0, f"it names {end} of {index.ending} sealed records")


def _file_problems(
    path: Path, sealing: Sealing, hashes: list[bytes], ids: _Ids, gone: _Gone | None
) -> Iterator[Problem]:
    """Compare a file with its digest, and if that does not fit, find the rows that changed."""
    if not path.exists():
        yield Problem(path, 0, "the sealed file is gone")
        return
    # A kill between a removal's line and its file leaves the file as it was before.
    known = {sealing.digest} | (gone.digests if gone else set())
    fits = hashlib.sha256(path.read_bytes()).hexdigest() in known
    try:
        records = [record for group in parquet.records(path) for record in group]
    except Exception as error:  # noqa: BLE001  a changed byte makes the Parquet reader raise anything
        yield Problem(path, 0, f"the sealed file was changed and cannot be read: {error}")
        return
    expected = hashes + [b""] * (len(records) - len(hashes))
    missing = {leaf - sealing.first for leaf in gone.leaves} if gone else set()
    changed = [
        row
        for row, record in enumerate(records)
        if leaf_of(record) != expected[row] and not (row in missing and not record)
    ]
    yield from (Problem(path, row, f"the record in row {row} is not the one that was sealed") for row in changed)
    if not fits and not changed:
        yield Problem(path, 0, "the sealed file was changed (no record in it, but its columns or its layout)")
    ids.add(records)


def _segment_problems(decisions: Path, ids: _Ids) -> Iterator[Problem]:
    """Read every stream's unsealed part."""
    try:
        last = last_sealing(decisions)
    except BrokenChain:
        last = None
    positions = last.positions if last else {}
    for folder in stream_folders(decisions):
        contents = read_stream(folder, positions.get(folder.name, 0))
        yield from (
            Problem(fault.file, fault.offset, f"{fault.what} (byte {fault.offset})") for fault in contents.damage
        )
        yield from (
            Problem(
                fault.file, fault.offset, f"a byte after the last record was changed (byte {fault.offset} or later)"
            )
            for fault in contents.torn
            if _was_flipped(
                fault.file.read_bytes()[fault.offset :], encode_frame(b"", contents.next_sequence, fault.offset)
            )
        )
        ids.add(frame.record for frame in contents.frames)


def _was_flipped(tail: bytes, mark: bytes) -> bool:
    """Return whether a torn tail is one byte away from what an untorn one is: the closing mark, or zeros.

    A crash tears off the end of what was written; it does not leave all of it but one byte.
    """
    whole = mark + bytes(max(0, len(tail) - len(mark)))
    return any(_differing(tail, each) == 1 for each in (whole, bytes(len(tail))))


def _differing(one: bytes, other: bytes) -> int:
    if len(one) != len(other):
        return max(len(one), len(other))
    return sum(a != b for a, b in zip(one, other, strict=True))
