"""Commands that give data out: SQL, and exports that go on where they ended."""

from typing import Annotated, Any

import typer

from tenure.entrypoints.cli.caller import opened
from tenure.entrypoints.cli.screen import Json, Screen, waits


def sql(
    query: Annotated[str, typer.Argument(help="One SELECT over the views: docs/data-out.md lists them.")],
    limit: Annotated[int, typer.Option(help="At most so many rows.", min=1)] = 1000,
    json: Json = False,
) -> None:
    """Ask in SQL: decisions, rules_fired, reasons, features_used, resolutions, outcomes, alerts."""
    screen = Screen(json)
    with opened() as tenure, screen.waiting("asking the log"):
        found = tenure.call("sql", query=query, limit=limit)
    names = [column["name"] for column in found["columns"]]
    if screen.as_json:
        screen.document(found)
        return
    screen.table(found, [_row(names, row) for row in found["rows"]], _distinct(names), "no row")
    if found["more"]:
        screen.say(f"there are more than {limit} rows; see --limit")


def _distinct(names: list[str]) -> list[str]:
    """Return names for the table's columns; SQL may give two columns one name."""
    return [name if name not in names[:place] else f"{name} {place + 1}" for place, name in enumerate(names)]


def _row(names: list[str], values: list[Any]) -> dict[str, Any]:
    return dict(zip(_distinct(names), values, strict=True))


@waits
def export(
    to: Annotated[str, typer.Option("--to", help="A folder, made if need be, or postgresql://…")],
    since: Annotated[
        str, typer.Option(help="An age or a moment; `last` goes on where the folder's export ended.")
    ] = "",
    parts: Annotated[str, typer.Option("--with", help="features,outcomes: also a training set.")] = "",
    application: Annotated[str, typer.Option(help="Only one application.")] = "",
    json: Json = False,
) -> None:
    """Write decisions into a folder (Parquet) or PostgreSQL, a table for each view; with --since last only what is new."""
    from tenure.entrypoints.cli.exporting import Export, target_of

    screen = Screen(json)
    chosen = [part for part in parts.replace(" ", "").split(",") if part]
    with opened() as tenure, screen.waiting("exporting") as say:
        run = Export.into(target_of(to), tenure, since, application)
        found = run.views(say)
        if chosen:
            found["training"] = run.training(chosen, say)
    screen.facts(found, found["to"])
