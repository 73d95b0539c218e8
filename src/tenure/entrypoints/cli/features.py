"""Commands for feature views."""

from pathlib import Path
from typing import Annotated

import typer

from tenure.entrypoints.cli.caller import opened
from tenure.entrypoints.cli.screen import Json, Screen

View = Annotated[str, typer.Argument(help="The view's name.")]


def ingest(
    view: View,
    file: Annotated[Path, typer.Argument(help="Rows: CSV, JSON, JSON lines or Parquet.", exists=True)],
    key: Annotated[str, typer.Option(help="The column that carries the key; needed the first time.")] = "",
    known_at: Annotated[
        str | None, typer.Option("--known-at", help="Since when the rows are known; default now.")
    ] = None,
    at_column: Annotated[str, typer.Option("--at-column", help="The column that says so for each row.")] = "",
    reason: Annotated[str, typer.Option("--reason", help="Why; it goes into the audit log.")] = "",
    json: Json = False,
) -> None:
    """Take rows into a view, all or none; the first rows define it."""
    from tenure.entrypoints.cli.rows import guessed, read_rows, typed

    screen = Screen(json)
    rows = read_rows(file)
    with opened() as tenure, screen.waiting(f"ingesting {len(rows)} rows into {view}"):
        known = {each["view"]: each for each in tenure.call("features:list")}
        types = {c["name"]: c["type"] for c in known[view]["columns"]} if view in known else guessed(rows, key)
        found = tenure.call(
            "features:ingest",
            view=view,
            rows=[typed(row, types) for row in rows],
            key=key,
            known_at=known_at,
            at_column=at_column,
            reason=reason,
        )
    screen.facts(found, view)


def get(
    view: View,
    key: Annotated[str, typer.Argument(help="Whose values.")],
    as_of: Annotated[str | None, typer.Option("--as-of", help="As they were known at a moment.")] = None,
    json: Json = False,
) -> None:
    """Show the values of a key, now or as they were known at a moment."""
    with opened() as tenure:
        found = tenure.call("features:get", view=view, key=key, as_of=as_of)
    Screen(json).facts(found, f"{view} {key}")


def list_views(json: Json = False) -> None:
    """List feature views with how much they hold and how fresh they are."""
    with opened() as tenure:
        found = tenure.call("features:list")
    Screen(json).table(found, found, ("view", "key", "keys", "newest", "owner"), "no feature view is defined")
