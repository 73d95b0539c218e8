"""A training set in portions: each row's features depend on that row alone, so a file of any length is joined piece by piece."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tenure.client.tables import from_parquet, to_parquet
from tenure.entrypoints.cli.rows import UnknownFileKind, UnreadableRows, parquet, read_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tenure.entrypoints.cli.caller import Caller

#: rows that are joined at once
PORTION = 50_000


def joined(
    tenure: Caller,
    file: Path,
    output: Path,
    asked: Mapping[str, Any],
    say: Callable[[str], None],
    portion: int = PORTION,
) -> int:
    """Write the joined rows to `output`, whole or not at all, and return how many there are."""
    if output.suffix not in {".parquet", ".csv"}:
        raise UnknownFileKind(file=output)
    table = _table(file)
    pieces = []
    for start in range(0, max(1, table.num_rows), portion):
        found = tenure.call("features:join", table=to_parquet(table.slice(start, portion)), **asked)
        pieces.append(from_parquet(found["parquet"]))
        say(f"joined {min(table.num_rows, start + portion)} of {table.num_rows} rows")
    _write(pieces, output)
    return int(table.num_rows)


def _table(file: Path) -> Any:
    import pyarrow as pa
    from pyarrow import csv

    try:
        if file.suffix == ".parquet":
            return parquet().read_table(file)
        if file.suffix == ".csv":
            return csv.read_csv(file)
        return pa.Table.from_pylist(read_rows(file))
    except (OSError, ValueError) as error:
        raise UnreadableRows(file=file, why=str(error)) from error


def _write(pieces: list[Any], output: Path) -> None:
    import pyarrow as pa
    from pyarrow import csv

    whole = pa.concat_tables(pieces)
    draft = output.with_name(output.name + ".draft")
    if output.suffix == ".csv":
        csv.write_csv(whole, draft)
    else:
        parquet().write_table(whole, draft, compression="zstd")
    draft.replace(output)
