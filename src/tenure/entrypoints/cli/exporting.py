"""An export that goes on where it ended, into a folder (`Folder`) or a database (exporting_sql.py).

What a target keeps, it keeps together with how far it goes; an export that is killed is gone on with. So every record is
there once, whatever happened.
"""

from __future__ import annotations

import base64
import json
import shutil
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from tenure.kit.errors import Kind, TenureError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from tenure.client.version import Calling

    Say = Callable[[str], None]
    #: a table of a portion, as the action gives it: name, rows, parquet
    Table = dict[str, Any]

_STATE = "export.json"
FORMAT = 1
LAST = "last"
#: of which there is one table, always whole, and not one for each portion
WHOLE = frozenset({"alerts"})


class NoSuchTarget(TenureError):
    """The target is of a kind that is not written."""

    code = "unsupported-target"
    kind = Kind.BAD_INPUT
    message = "an export to {target} is not supported; only to a folder or to postgresql://…"
    next_step = "export to a folder and load its Parquet files from there"


class NoExportYet(TenureError):
    """There is nothing to go on with."""

    code = "no-export-yet"
    kind = Kind.BAD_INPUT
    message = "{target} holds no export that could be gone on with"
    next_step = "leave --since out the first time"


class ExportedAlready(TenureError):
    """The target holds an export; another one beside it would double its rows."""

    code = "exported-already"
    kind = Kind.CONFLICT
    message = "{target} holds an export already, up to place {ending} of the log"
    next_step = "go on with it: --since last; or export into another place"


class OtherExport(TenureError):
    """The target's export was begun with something else in mind."""

    code = "other-export"
    kind = Kind.CONFLICT
    message = "the export in {target} is of {there}, not of {asked}"
    next_step = "ask for the same as the first time, or export into another place"


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


def target_of(text: str) -> Target:
    """Return the folder or the database that the text names; raise `NoSuchTarget` for any other address."""
    scheme = text.partition("://")[0] if "://" in text else ""
    if scheme in {"postgresql", "postgres"}:
        from tenure.entrypoints.cli.exporting_sql import Postgres

        return Postgres(text)
    if scheme:
        raise NoSuchTarget(target=f"{scheme}://…")
    return Folder(Path(text))


class Export:
    """One run of an export."""

    def __init__(self, target: Target, tenure: Calling, state: State) -> None:
        self._target = target
        self._tenure = tenure
        self._state = state

    @classmethod
    def into(cls, target: Target, tenure: Calling, since: str, application: str) -> Export:
        """Begin an export, or with `last` go on with the target's; raise when that is not what it holds."""
        found = target.read()
        if since != LAST:
            if found is not None:
                raise ExportedAlready(target=target.name, ending=found.ending)
            # An age means another moment at every run, so what it means now is kept.
            return cls(target, tenure, State(FORMAT, 0, application, _fixed(since)))
        if found is None:
            raise NoExportYet(target=target.name)
        if application and application != found.application:
            raise OtherExport(target=target.name, there=found.application or "all applications", asked=application)
        return cls(target, tenure, found)

    def views(self, say: Say) -> dict[str, Any]:
        """Write what is new in every view; return how many rows of each, and how far the export goes now."""
        rows: dict[str, int] = {}
        more = True
        while more:
            portion = self._ask(self._state.ending, [])
            self._state = replace(self._state, ending=portion["ending"])
            self._target.keep(portion["first"], portion["tables"], self._state)
            for table in portion["tables"]:
                rows[table["name"]] = rows.get(table["name"], 0) + table["rows"]
            more = portion["more"]
            say(f"exported up to place {portion['ending']} of the log")
        return {"to": self._target.name, "ending": self._state.ending, "rows": rows}

    def training(self, parts: Sequence[str], say: Say) -> dict[str, int]:
        """Write the training set anew, for outcomes come late and are corrected; return its rows by application."""
        rows: dict[str, int] = {}
        after, more = 0, True
        with self._target.training() as keeping:
            while more:
                portion = self._ask(after, parts)
                for table in portion["tables"]:
                    keeping.keep(portion["first"], table)
                    rows[table["name"]] = rows.get(table["name"], 0) + table["rows"]
                after, more = portion["ending"], portion["more"]
                say(f"training set up to place {after} of the log")
        return rows

    def _ask(self, after: int, parts: Sequence[str]) -> dict[str, Any]:
        given = {"after": after, "application": self._state.application, "since": self._state.since, "with": parts}
        found: dict[str, Any] = self._tenure.call("decisions:export", **given)
        return found


def _fixed(since: str) -> str:
    from tenure.app.calls.moments import moment, shown
    from tenure.kit.clock import SystemClock

    return shown(moment(since, SystemClock().now())) or ""


def _write(file: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(file.name + ".draft")
    draft.write_bytes(content)
    draft.replace(file)
