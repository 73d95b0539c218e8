"""What an export is written into, and the one that is a folder of Parquet files."""

from __future__ import annotations

import base64
import json
import shutil
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    #: a table of a portion, as the action gives it: name, rows, parquet
    Table = dict[str, Any]

_STATE = "export.json"
#: of which there is one table, always whole, and not one for each portion
WHOLE = frozenset({"alerts"})


@dataclass(frozen=True, slots=True)
class State:
    """How far the target goes: all records before place `ending` of the log are in it."""

    format: int
    ending: int
    application: str
    since: str


class Keeping(Protocol):
    """Where the portions of a training set are kept until it is whole."""

    def keep(self, first: int, table: Table) -> None:
        """Keep a table of the portion that begins at this place of the log."""


class Target(Protocol):
    """Where an export is written."""

    @property
    def name(self) -> str:
        """Return what a person knows it by."""

    def read(self) -> State | None:
        """Return how far the export there goes, None where there is none."""

    def keep(self, first: int, tables: Sequence[Table], state: State) -> None:
        """Keep the tables of the portion that begins at this place of the log, and then how far the export goes."""

    def training(self) -> AbstractContextManager[Keeping]:
        """Give where a training set is made; it takes the place of the former one when the block ends well."""


class Folder:
    """A folder of Parquet files, named by their place in the log; `export.json` beside them says how far they go."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def name(self) -> str:
        """Return the folder's path."""
        return str(self._folder)

    def read(self) -> State | None:
        """Return what `export.json` says."""
        try:
            return State(**json.loads((self._folder / _STATE).read_bytes()))
        except FileNotFoundError:
            return None

    def keep(self, first: int, tables: Sequence[Table], state: State) -> None:
        """Write each file whole before `export.json` says so; one that a killed run left is written over."""
        for table in tables:
            _keep(self._folder / table["name"], first, table)
        _write(self._folder / _STATE, json.dumps(asdict(state)).encode())

    @contextmanager
    def training(self) -> Iterator[Keeping]:
        """Make the training set in a folder of its own, which takes the place of the former one in the end."""
        draft, final = self._folder / "training.draft", self._folder / "training"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        yield _Draft(draft)
        shutil.rmtree(final, ignore_errors=True)
        draft.rename(final)


class _Draft:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, first: int, table: Table) -> None:
        _keep(self._folder / table["name"], first, table)


def _keep(folder: Path, first: int, table: Table) -> None:
    whole = table["name"] in WHOLE
    if not table["rows"] and not whole and first:
        return
    # Named by its first place alone: what a killed run wrote without saying so is written over.
    _write(folder / ("all.parquet" if whole else f"{first:012d}.parquet"), base64.b64decode(table["parquet"]))


def _write(file: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(file.name + ".draft")
    draft.write_bytes(content)
    draft.replace(file)
