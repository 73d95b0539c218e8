"""The newest decisions of an application as pieces that several processes can read: groups of rows of sealed files."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tenure.adapters.decision_log.reader import LogReader


class Piece(msgspec.Struct, frozen=True):
    """One row group of a sealed file: how many decisions of the application it has, less the oldest `skip`."""

    path: str
    group: int
    skip: int
    count: int


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest decisions: pieces of files, newest first, and the records that are not sealed yet."""

    pieces: tuple[Piece, ...]
    unsealed: tuple[bytes, ...]

    @property
    def count(self) -> int:
        """Return how many decisions there are."""
        return len(self.unsealed) + sum(piece.count for piece in self.pieces)


def newest(reader: LogReader, application: str, last: int) -> Newest:
    """Return the `last` newest decisions of an application, or as many as there are."""
    whole = reader.whole()
    unsealed = [
        entry.record
        for entry in sorted(whole.unsealed, key=lambda entry: entry.head.id)
        if entry.head.kind == "decision" and entry.head.application == application
    ][-last:]
    pieces: list[Piece] = []
    left = last - len(unsealed)
    for path in reversed(whole.files):
        for group, count in reversed(list(enumerate(_counts(path, application)))):
            if left > 0 and count:
                pieces.append(Piece(str(path), group, max(0, count - left), min(count, left)))
                left -= count
        if left <= 0:
            break
    return Newest(tuple(pieces), tuple(unsealed))


def _counts(path: Path, application: str) -> Iterator[int]:
    """Return for each row group how many decisions of the application it holds."""
    from pyarrow import parquet

    with parquet.ParquetFile(path) as file:
        for group in range(file.num_row_groups):
            yield _mask(file.read_row_group(group, columns=["kind", "application"]), application).true_count


def read(pieces: Iterable[Piece], application: str) -> Iterator[list[bytes]]:
    """Return the records of the pieces, one list for each."""
    from pyarrow import parquet

    for path, mine in itertools.groupby(pieces, key=lambda piece: piece.path):
        with parquet.ParquetFile(Path(path)) as file:
            for piece in mine:
                table = file.read_row_group(piece.group, columns=["kind", "application", "record"])
                records: list[bytes] = table.filter(_mask(table, application)).column("record").to_pylist()
                yield records[piece.skip :]


def _mask(table: Any, application: str) -> Any:
    import pyarrow.compute as pc

    mask = pc.and_(pc.equal(table.column("kind"), "decision"), pc.equal(table.column("application"), application))
    return mask.combine_chunks() if mask.num_chunks != 1 else mask.chunk(0)
