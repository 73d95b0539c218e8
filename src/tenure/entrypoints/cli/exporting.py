"""An export that goes on where it ended, into a folder (exporting_folder.py) or a database (exporting_sql.py).

What a target keeps, it keeps together with how far it goes; an export that is killed is gone on with. So every record is
there once, whatever happened.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tenure.entrypoints.cli.exporting_folder import Folder, State
from tenure.kit.errors import Kind, TenureError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tenure.client.version import Calling
    from tenure.entrypoints.cli.exporting_folder import Target

    Say = Callable[[str], None]

FORMAT = 1
LAST = "last"


class NoSuchTarget(TenureError):
    """The target is of a kind that is not written."""

    code = "unsupported-target"
    kind = Kind.BAD_INPUT
    message = "an export to {target} is not supported; only to a folder or to postgresql://…"
    next_step = "export to a folder and load its Parquet files from there"


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
        """Begin an export, or with `last` go on with the target's; raise when that is not what it holds.

        Where it holds none yet `last` begins one, so that what runs every night is the same the first night.
        """
        found = target.read()
        begun = State(FORMAT, 0, application, "")
        if since != LAST:
            if found is not None:
                raise ExportedAlready(target=target.name, ending=found.ending)
            # An age means another moment at every run, so what it means now is kept.
            return cls(target, tenure, replace(begun, since=_fixed(since)))
        if found is None:
            return cls(target, tenure, begun)
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
