"""Rows of files one after the other, so that a file of any length fits into memory; forms and errors as in `rows`."""

from __future__ import annotations

import csv
import itertools
import json
import os
from typing import TYPE_CHECKING, Any

import msgspec

from tenure.entrypoints.cli.rows import UnknownFileKind, UnreadableRows, csv_rows, flat, parquet, read_rows, text_of
from tenure.kit.digests import digest_of_file
from tenure.kit.errors import Kind, TenureError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

_TOGETHER = 1024
_LINES = {".jsonl", ".ndjson"}
_WRITABLE = {".json", ".csv", ".parquet", *_LINES}


def rows_in(file: Path) -> Iterator[dict[str, Any]]:
    """Give the rows of a file as `read_rows` does; only a JSON list is read whole."""
    try:
        if file.suffix == ".parquet":
            for batch in parquet().ParquetFile(file).iter_batches(_TOGETHER):
                yield from _rows_of(batch)
        elif file.suffix == ".csv":
            with file.open(newline="", encoding="utf-8-sig") as source:
                yield from csv_rows(source)
        elif file.suffix in _LINES:
            with file.open("rb") as source:
                yield from (msgspec.json.decode(line, type=dict) for line in source if line.strip())
        else:
            yield from read_rows(file)
    except (OSError, ValueError, csv.Error) as error:
        raise UnreadableRows(file=file, why=str(error)) from error


def _rows_of(batch: Any) -> Iterator[dict[str, Any]]:
    """Give the rows of an Arrow batch: made of whole columns, which costs a third of making each row by itself."""
    names = batch.schema.names
    columns = [column.to_pylist() for column in batch.columns]
    return (dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True))


def count_in(file: Path) -> int:
    """Return how many rows a file has."""
    if file.suffix == ".parquet":
        try:
            return int(parquet().ParquetFile(file).metadata.num_rows)
        except (OSError, ValueError) as error:
            raise UnreadableRows(file=file, why=str(error)) from error
    return sum(1 for _ in rows_in(file))


class NoFolder(TenureError):
    """The folder to write into does not exist."""

    code = "no-folder"
    kind = Kind.BAD_INPUT
    message = "{file} cannot be written: there is no folder {folder}"
    next_step = "make it: mkdir -p {folder}"


def check_writable(file: Path) -> None:
    """Raise for a file that `write_stream` could not write, before any work is done: its ending, or its folder."""
    if file.suffix not in _WRITABLE:
        raise UnknownFileKind(file=file)
    check_folder(file)
    if file.suffix == ".parquet":
        parquet()


def check_folder(file: Path) -> None:
    """Raise `NoFolder` for a file to be written where there is no folder, before any work is done."""
    if not file.parent.is_dir():
        raise NoFolder(file=file, folder=file.parent)


def write_stream(file: Path, rows: Callable[[], Iterable[Mapping[str, Any]]], columns: Sequence[str]) -> None:
    """Write rows in the form that the file's ending says, whole or not at all; `columns` are all that a row may have."""
    draft = file.with_name(f".{file.name}.new")
    if file.suffix == ".csv":
        _write_csv(draft, rows(), columns)
    elif file.suffix == ".parquet":
        _write_parquet(draft, rows(), columns)
    else:
        _write_json(draft, rows(), as_lines=file.suffix in _LINES)
    draft.replace(file)


def _write_csv(file: Path, rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> None:
    with file.open("w", newline="", encoding="utf-8") as target:
        writer = csv.DictWriter(target, columns)
        writer.writeheader()
        writer.writerows(flat(row) for row in rows)


def _write_json(file: Path, rows: Iterable[Mapping[str, Any]], *, as_lines: bool) -> None:
    with file.open("wb") as target:
        if as_lines:
            target.writelines(msgspec.json.encode(row) + b"\n" for row in rows)
            return
        target.write(b"[")
        for place, row in enumerate(rows):
            target.write((b",\n" if place else b"\n") + msgspec.json.encode(row))
        target.write(b"\n]\n")


def _write_parquet(file: Path, rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> None:
    import pyarrow as pa

    # Types by name and not by the first rows, so that every file of answers has the same columns.
    schema = pa.schema([(name, pa.int64() if name == "revision" else pa.string()) for name in columns])
    with parquet().ParquetWriter(file, schema) as writer:
        remaining = iter(rows)
        while some := list(itertools.islice(remaining, _TOGETHER)):
            columns_of = [pa.array([text_of(row.get(field.name)) for row in some], field.type) for field in schema]
            writer.write_table(pa.Table.from_arrays(columns_of, schema=schema))


class AnotherRun(TenureError):
    """The answers begun beside the output belong to another run."""

    code = "another-run"
    kind = Kind.CONFLICT
    message = "{file} holds the answers of another run: {what} is {theirs!r} there and {ours!r} here"
    next_step = "finish that run with its own --key and --input, or remove the file"


#: how the line of a row begins that was refused
_FAILED = b'{"error":'


class Journal:
    """The answers of a run so far, one JSON line each after a line that says which run it is; outlives a kill.

    `count` says how many rows were answered, `failed` how many of these were refused.
    """

    def __init__(self, file: Path, run: Mapping[str, Any]) -> None:
        """Open it, cutting off a line that a kill tore; raise `AnotherRun` when it is not this run's."""
        self._file = file
        self._run = dict(run)
        self.count = self.failed = 0
        if file.exists() and file.stat().st_size:
            self._resume()
        else:
            file.write_bytes(msgspec.json.encode(self._run) + b"\n")
        self._target = file.open("ab")

    def _resume(self) -> None:
        whole = 0
        with self._file.open("rb") as source:
            for line in source:
                if not line.endswith(b"\n"):
                    break
                if whole == 0:
                    self._check(json.loads(line))
                else:
                    self.count += 1
                    self.failed += line.startswith(_FAILED)
                whole += len(line)
        os.truncate(self._file, whole)
        if not whole:
            self._file.write_bytes(msgspec.json.encode(self._run) + b"\n")

    def _check(self, found: Mapping[str, Any]) -> None:
        for what, ours in self._run.items():
            if found.get(what) != ours:
                raise AnotherRun(file=self._file, what=what, theirs=found.get(what), ours=ours)

    def add(self, answers: Sequence[bytes]) -> None:
        """Keep answers, each an object of JSON on one line; they are durable when this returns."""
        self._target.write(b"\n".join([*answers, b""]))
        self._target.flush()
        os.fdatasync(self._target.fileno())
        self.count += len(answers)
        self.failed += sum(answer.startswith(_FAILED) for answer in answers)

    def answers(self) -> Iterator[dict[str, Any]]:
        """Give all answers, in order."""
        with self._file.open("rb") as source:
            next(source)
            yield from (msgspec.json.decode(line) for line in source)

    def close(self, *, remove: bool = False) -> None:
        """Close the file, and remove it when its answers are where they belong."""
        self._target.close()
        if remove:
            self._file.unlink()


def run_of(application: str, key: str, file: Path) -> dict[str, str]:
    """Return what tells a run from others: whom it asks, its key, and the content of its input."""
    return {"application": application, "key": key, "input": digest_of_file(file)}
