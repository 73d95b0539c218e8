"""A feature view out of Feast's SQLite online store, read where the command runs."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from tenure.client.feast import EVENT_TIME, SCHEME, FeastView, feast_view
from tenure.entrypoints.cli.querying import PORTION

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenure.entrypoints.cli.caller import Caller


def taken(
    tenure: Caller, view: str, source: str, name: str, reason: str, say: Callable[[str], None], portion: int = PORTION
) -> dict[str, Any]:
    """Take what Feast's online store has of a feature view (`name`; empty: called as the view) into a view.

    Only the columns of the view come over; one that is not defined yet is, with every feature that can be a column. The
    store is read whole each time, and what is known already is not kept again.
    """
    found = feast_view(Path(source.removeprefix(SCHEME).removeprefix("//") or "."), name or view)
    known = {one["view"]: one for one in tenure.call("features:list", name=view)}
    if view not in known:
        known[view] = tenure.call("features:apply", text=_definition(view, found), reason=reason)
    answer = {"view": view, "rows": 0, "new": 0}
    rows = found.rows([column["name"] for column in known[view]["columns"]])
    while some := [_keyed(row, found.key, known[view]["key"]) for row in islice(rows, portion)]:
        one = tenure.call("features:ingest", view=view, rows=some, at_column=EVENT_TIME, reason=reason)
        answer["rows"] += one["rows"]
        answer["new"] += one["new"]
        say(f"{answer['rows']} rows taken")
    return answer


def _definition(view: str, found: FeastView) -> str:
    """Return the view's file: all that the store has a value of, each of which may be missing."""
    columns = {name: {"type": kind, "required": False} for name, kind in found.kinds.items() if kind in _HELD}
    return yaml.safe_dump({"view": view, "key": found.key, "columns": columns}, sort_keys=False)


_HELD = frozenset({"string", "int", "float", "bool", "timestamp"})


def _keyed(row: dict[str, Any], theirs: str, ours: str) -> dict[str, Any]:
    return {ours: row.pop(theirs), **row}
