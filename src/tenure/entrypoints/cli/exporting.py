"""An export in a folder: Parquet files named by their place in the log, and beside them how far they go.

A file is written whole before `export.json` says so; an export that is killed is gone on with, and writes the same
file again under the same name. So every record is there once, whatever happened.
"""

from __future__ import annotations

import base64
import json
import shutil
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tenure.kit.errors import Kind, TenureError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tenure.client.version import Calling

    Say = Callable[[str], None]

_STATE = "export.json"
_FORMAT = 1
LAST = "last"
#: of which there is one table, always whole, and not one for each portion
_WHOLE = frozenset({"alerts"})


class NoSuchTarget(TenureError):
    """The target is of a kind that is not written."""

    code = "unsupported-target"
    kind = Kind.BAD_INPUT
    message = "an export to {target} is not supported; only to a folder"
    next_step = "export to a folder and load its Parquet files from there"


class NoExportYet(TenureError):
    """There is nothing to go on with."""

    code = "no-export-yet"
    kind = Kind.BAD_INPUT
    message = "{folder} holds no export that could be gone on with"
    next_step = "leave --since out the first time"


class ExportedAlready(TenureError):
    """The folder holds an export; another one beside it would double its rows."""

    code = "exported-already"
    kind = Kind.CONFLICT
    message = "{folder} holds an export already, up to place {ending} of the log"
    next_step = "go on with it: --since last; or export into another folder"


class OtherExport(TenureError):
    """The folder's export was begun with something else in mind."""

    code = "other-export"
    kind = Kind.CONFLICT
    message = "the export in {folder} is of {there}, not of {asked}"
    next_step = "ask for the same as the first time, or export into another folder"


@dataclass(frozen=True, slots=True)
class State:
    """How far the folder's files go: all records before place `ending` of the log are in them."""

    format: int
    ending: int
    application: str
    since: str


def folder_for(target: str) -> Path:
    """Return the folder to export to; raise `NoSuchTarget` for an address."""
    if "://" in target:
        raise NoSuchTarget(target=target.partition("://")[0] + "://…")
    return Path(target)


class Export:
    """One run of an export into a folder."""

    def __init__(self, folder: Path, tenure: Calling, state: State) -> None:
        self._folder = folder
        self._tenure = tenure
        self._state = state

    @classmethod
    def into(cls, folder: Path, tenure: Calling, since: str, application: str) -> Export:
        """Begin an export, or with `last` go on with the folder's; raise when that is not what the folder holds."""
        found = _read(folder)
        if since != LAST:
            if found is not None:
                raise ExportedAlready(folder=folder, ending=found.ending)
            # An age means another moment at every run, so what it means now is kept.
            return cls(folder, tenure, State(_FORMAT, 0, application, _fixed(since)))
        if found is None:
            raise NoExportYet(folder=folder)
        if application and application != found.application:
            raise OtherExport(folder=folder, there=found.application or "all applications", asked=application)
        return cls(folder, tenure, found)

    def views(self, say: Say) -> dict[str, Any]:
        """Write what is new in every view; return how many rows of each, and how far the export goes now."""
        rows: dict[str, int] = {}
        more = True
        while more:
            portion = self._ask(self._state.ending, [])
            for table in portion["tables"]:
                self._keep(self._folder / table["name"], portion["first"], table)
                rows[table["name"]] = rows.get(table["name"], 0) + table["rows"]
            self._state = replace(self._state, ending=portion["ending"])
            _write(self._folder / _STATE, json.dumps(asdict(self._state)).encode())
            more = portion["more"]
            say(f"exported up to place {portion['ending']} of the log")
        return {"to": str(self._folder), "ending": self._state.ending, "rows": rows}

    def training(self, parts: Sequence[str], say: Say) -> dict[str, int]:
        """Write the training set anew, for outcomes come late and are corrected; return its rows by application."""
        draft, final = self._folder / "training.draft", self._folder / "training"
        shutil.rmtree(draft, ignore_errors=True)
        rows: dict[str, int] = {}
        after, more = 0, True
        while more:
            portion = self._ask(after, parts)
            for table in portion["tables"]:
                self._keep(draft / table["name"], portion["first"], table)
                rows[table["name"]] = rows.get(table["name"], 0) + table["rows"]
            after, more = portion["ending"], portion["more"]
            say(f"training set up to place {after} of the log")
        draft.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(final, ignore_errors=True)
        draft.rename(final)
        return rows

    def _ask(self, after: int, parts: Sequence[str]) -> dict[str, Any]:
        given = {"after": after, "application": self._state.application, "since": self._state.since, "with": parts}
        found: dict[str, Any] = self._tenure.call("decisions:export", **given)
        return found

    def _keep(self, folder: Path, first: int, table: dict[str, Any]) -> None:
        whole = table["name"] in _WHOLE
        if not table["rows"] and not whole and first:
            return
        folder.mkdir(parents=True, exist_ok=True)
        # Named by its first place alone: what a killed run wrote without saying so is written over.
        name = "all.parquet" if whole else f"{first:012d}.parquet"
        _write(folder / name, base64.b64decode(table["parquet"]))


def _fixed(since: str) -> str:
    from tenure.app.calls.moments import moment, shown
    from tenure.kit.clock import SystemClock

    return shown(moment(since, SystemClock().now())) or ""


def _read(folder: Path) -> State | None:
    try:
        return State(**json.loads((folder / _STATE).read_bytes()))
    except FileNotFoundError:
        return None


def _write(file: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(file.name + ".draft")
    draft.write_bytes(content)
    draft.replace(file)
