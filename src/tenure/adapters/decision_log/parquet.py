"""Sealed records as Parquet: typed columns to ask about beside the raw record, which alone is the truth."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Any

from tenure.adapters.decision_log.heads import EXPIRED

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

    from tenure.adapters.decision_log.heads import Head

#: what such a row keeps
_PLACE = {"leaf", "stream", "sequence"}
#: rows that are read together by whoever reads many
GROUP_ROWS = 2048
#: bytes that are decompressed together to get one record (pages.py)
_PAGE_BYTES = 64 << 10
#: the writer looks only after so many values whether a page is full
_LOOK_ROWS = 32
_SCAN_ROWS = 4096
_LOW_VARIETY = ["stream", "kind", "application", "decided_by", "status", "model", "name", "rules.list.element"]
#: columns in whose least and greatest value nobody is interested: of records that would be whole records in each footer
_NO_BOUNDS = {"record", "rules"}


def write(path: Path, first: int, rows: Sequence[tuple[str, int, Head, bytes]]) -> None:
    """Write rows of (stream, sequence, head, record) whose leaves begin at `first`."""
    _write(table(first, rows), path)


def _write(content: Any, path: Path) -> None:
    from pyarrow import parquet

    parquet.write_table(
        content,
        path,
        compression="zstd",
        row_group_size=GROUP_ROWS,
        use_dictionary=_LOW_VARIETY,
        data_page_size=_PAGE_BYTES,
        write_batch_size=_LOOK_ROWS,
        write_statistics=[name for name in content.column_names if name not in _NO_BOUNDS],
    )


def table(first: int, rows: Sequence[tuple[str, int, Head, bytes]]) -> Any:
    """Return the columns as docs/formats/log-record.md lists them; moments are UTC microseconds."""
    import pyarrow as pa

    heads = [head for _, _, head, _ in rows]
    served = [head.served for head in heads]
    moment = pa.timestamp("us")
    columns = {
        "leaf": pa.array(range(first, first + len(rows)), pa.int64()),
        "stream": pa.array([stream for stream, _, _, _ in rows], pa.string()),
        "sequence": pa.array([sequence for _, sequence, _, _ in rows], pa.int64()),
        "id": pa.array([head.id for head in heads], pa.string()),
        "kind": pa.array([head.kind for head in heads], pa.string()),
        "at": pa.array([head.at for head in heads], moment),
        "application": pa.array([head.application for head in heads], pa.string()),
        "revision": pa.array([head.revision for head in heads], pa.int64()),
        "entity": pa.array([head.entity for head in heads], pa.string()),
        "event_time": pa.array([head.event_time for head in heads], moment),
        "decided_by": pa.array([head.decided_by for head in heads], pa.string()),
        "status": pa.array([_status_of(head) for head in heads], pa.string()),
        "model": pa.array([asked.model if asked else None for asked in served], pa.string()),
        "version": pa.array([asked.version if asked else None for asked in served], pa.int64()),
        "elapsed_us": pa.array([head.elapsed_us for head in heads], pa.int64()),
        "score": pa.array([head.score for head in heads], pa.float64()),
        "rules": pa.array([head.rules for head in heads], pa.list_(pa.string())),
        "decision": pa.array([head.decision for head in heads], pa.string()),
        "name": pa.array([head.name for head in heads], pa.string()),
        "record": pa.array([record for _, _, _, record in rows], pa.large_binary()),
    }
    return pa.table(columns)


def blank(path: Path, into: Path, rows: Collection[int]) -> None:
    """Write a file again with nothing left of some rows but their place."""
    import pyarrow as pa
    from pyarrow import parquet

    found = parquet.read_table(path)
    columns = {}
    for name in found.column_names:
        values = found[name].to_pylist()
        if name not in _PLACE:
            left = EXPIRED if name == "kind" else None
            values = [left if place in rows else value for place, value in enumerate(values)]
        columns[name] = pa.array(values, found.schema.field(name).type)
    _write(pa.table(columns), into)


def _status_of(head: Head) -> str | None:
    """Return the status; a record leaves out the one that most decisions have."""
    return head.status or ("final" if head.kind == "decision" else None)


def records_at(path: Path, rows: Sequence[int]) -> list[bytes]:
    """Return the records at these rows of one file, reading only the groups that hold them; a removed one is empty."""
    from pyarrow import parquet

    with parquet.ParquetFile(path) as file:
        groups = {
            group: file.read_row_group(group, columns=["record"]) for group in {row // GROUP_ROWS for row in rows}
        }
    return [groups[row // GROUP_ROWS]["record"][row % GROUP_ROWS].as_py() or b"" for row in rows]


def records(path: Path) -> Iterator[list[bytes]]:
    """Return all records of one file in their order, a group at a time; a removed one is empty."""
    from pyarrow import parquet

    with parquet.ParquetFile(path) as file:
        for group in range(file.num_row_groups):
            found = file.read_row_group(group, columns=["record"])["record"].to_pylist()
            yield [record or b"" for record in found]


def matching_records(path: Path, equal: dict[str, Any], since: int | None, until: int | None) -> Iterator[list[bytes]]:
    """Return the records whose columns equal the given values (of a frozenset, one of them) and whose `at` is in [since, until)."""
    from pyarrow import parquet

    with parquet.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=_SCAN_ROWS, columns=[*equal, "at", "record"]):
            yield batch.filter(_mask(batch, equal, since, until)).column("record").to_pylist()


def _mask(batch: Any, equal: dict[str, Any], since: int | None, until: int | None) -> Any:
    """Return which rows are wanted; none that was removed."""
    import pyarrow.compute as pc

    moments = batch.column("at").cast("int64")
    tests = [pc.is_valid(batch.column("record"))]
    tests += [_fits(batch.column(name), value) for name, value in equal.items()]
    tests += [pc.greater_equal(moments, since)] if since is not None else []
    tests += [pc.less(moments, until)] if until is not None else []
    return reduce(pc.and_, tests)


def _fits(column: Any, value: Any) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    if isinstance(value, frozenset):
        return pc.is_in(column, pa.array(sorted(value), column.type))
    return pc.equal(column, value)
