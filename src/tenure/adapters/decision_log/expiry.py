"""Removing records whose retention has run out: their bytes go, their leaves stay, and a signed line says so.

A sealed file is written again with the rows blank, so that every leaf keeps its place and every proof about another
record holds. What was removed stands in `removals.jsonl`; whatever is missing without a line there is damage.
Format: docs/formats/log-record.md, "Removals".
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import msgspec

from tenure.adapters.decision_log import parquet
from tenure.adapters.decision_log.chain import BrokenChain, sealings
from tenure.adapters.decision_log.disk import Disk
from tenure.adapters.decision_log.heads import head_of
from tenure.adapters.decision_log.index import Index
from tenure.adapters.decision_log.sealer import sealer_lock
from tenure.adapters.decision_log.streams import read_stream, stream_folders
from tenure.adapters.signing import fits

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from pathlib import Path

    from tenure.adapters.decision_log.checkpoints import Key
    from tenure.adapters.decision_log.index import Aged

_FIRST = "0" * 64


class Removal(msgspec.Struct, frozen=True, kw_only=True):
    """One line: which leaves of `file` (as [first, last] spans) were removed, for whose and for how old records.

    `digest` is the file's sha256 afterwards, `previous` that of the line before (64 zeros for the first), `signature`
    the home's over the line without it.
    """

    format: int = msgspec.field(name="v", default=1)
    file: str
    digest: str
    leaves: tuple[tuple[int, int], ...]
    application: str
    before: int
    at: int
    previous: str
    signature: str = ""

    @property
    def body(self) -> bytes:
        """Return what is signed."""
        return msgspec.json.encode(msgspec.structs.replace(self, signature=""))


@dataclass(frozen=True, slots=True)
class Removed:
    """How many records were removed from how many files; `open` ones still stand in segments that are written."""

    records: int
    files: int
    open: int


def removals_file(decisions: Path) -> Path:
    """Return where the lines are."""
    return decisions / "removals.jsonl"


def removals(decisions: Path, public: bytes | None = None) -> Iterator[Removal]:
    """Return every removal in order; raise `BrokenChain` at a line that was changed or, given the key, not signed by it."""
    file = removals_file(decisions)
    if not file.exists():
        return
    previous = _FIRST
    for number, line in enumerate(file.read_bytes().split(b"\n")[:-1], 1):
        try:
            one = msgspec.json.decode(line, type=Removal)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise BrokenChain(file=file, line=number, why="it cannot be read") from error
        signature = base64.b64decode(one.signature)
        if one.previous != previous or (public is not None and not fits(public, one.body, signature)):
            raise BrokenChain(
                file=file, line=number, why="it does not follow the line before, or its signature is wrong"
            )
        yield one
        previous = hashlib.sha256(line).hexdigest()


class Expiry:
    """Removes old records of one log."""

    def __init__(self, decisions: Path, key: Key, disk: Disk | None = None) -> None:
        self._decisions, self._key, self._disk = decisions, key, disk or Disk()

    def aged(self, application: str, before: int) -> list[Aged]:
        """Return the sealed records of an application that arrived before a moment."""
        with Index(self._decisions) as index:
            return index.aged(application, before)

    def oldest(self, application: str) -> int | None:
        """Return when the oldest record of an application arrived."""
        with Index(self._decisions) as index:
            return index.oldest(application)

    def remove(self, application: str, before: int, kept: Callable[[Aged], bool], now: int) -> Removed:
        """Remove the application's records that arrived before a moment, except those `kept`; may be done again after a kill."""
        with sealer_lock(self._decisions), Index(self._decisions) as index:
            gone = [one.leaf for one in index.aged(application, before) if not kept(one)]
            files = 0
            for sealing in sealings(self._decisions):
                mine = [leaf for leaf in gone if sealing.first <= leaf < sealing.end]
                if mine:
                    files += 1
                    self._blank(sealing.file, sealing.first, mine, (application, before, now))
                    index.turn(sealing)
            index.forget(gone)
        return Removed(len(gone), files, self._open(application, before))

    def _blank(self, file: str, first: int, leaves: Sequence[int], why: tuple[str, int, int]) -> None:
        """Write the file again without these records: the line that says so first, so that nothing is ever missing without one."""
        path = self._decisions / file
        draft = path.with_suffix(".draft")
        parquet.blank(path, draft, {leaf - first for leaf in leaves})
        application, before, now = why
        line = Removal(
            file=file,
            digest=hashlib.sha256(draft.read_bytes()).hexdigest(),
            leaves=spans(leaves),
            application=application,
            before=before,
            at=now,
            previous=self._last(),
        )
        signature = base64.b64encode(self._key.sign_bytes(line.body)).decode()
        whole = msgspec.json.encode(msgspec.structs.replace(line, signature=signature))
        self._disk.append(removals_file(self._decisions), whole + b"\n")
        self._disk.publish(draft, path)

    def _last(self) -> str:
        """Return the digest of the last line; what stands after it was torn by a crash and is cut off."""
        file = removals_file(self._decisions)
        if not file.exists():
            return _FIRST
        content = file.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            self._disk.truncate(file, whole)
        lines = content[:whole].split(b"\n")[:-1]
        return hashlib.sha256(lines[-1]).hexdigest() if lines else _FIRST

    def _open(self, application: str, before: int) -> int:
        """Return how many such records stand in segments that a living process still writes: they go when it ends."""
        frames = (frame for folder in stream_folders(self._decisions) for frame in read_stream(folder, 0).frames)
        heads = (head_of(frame.record) for frame in frames)
        return sum(head.application == application and head.at < before for head in heads)


def spans(leaves: Collection[int]) -> tuple[tuple[int, int], ...]:
    """Return numbers as spans of neighbours, both ends counted."""
    ordered = sorted(leaves)
    cuts = [0, *(place + 1 for place, (a, b) in enumerate(pairwise(ordered)) if b != a + 1), len(ordered)]
    return tuple((ordered[start], ordered[end - 1]) for start, end in pairwise(cuts) if end > start)
