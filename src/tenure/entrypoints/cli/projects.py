"""Commands for projects: what applications and models are for, and whether they do it."""

from typing import Annotated, Any, Literal

import typer

from tenure.entrypoints.cli.caller import opened
from tenure.entrypoints.cli.listing import All, Cursor, Limit, Named, Pages
from tenure.entrypoints.cli.screen import Json, Screen

_COLUMNS = ("project", "goal", "measure", "better", "applications", "models", "owner")
_MEASURED = ("value", "labelled", "decisions")


def projects(
    context: typer.Context,
    name: Named = "",
    owner: Annotated[str, typer.Option(help="Of one owner.")] = "",
    limit: Limit = None,
    cursor: Cursor = None,
    everything: All = False,
    json: Json = False,
) -> None:
    """List projects; or show one, or describe one."""
    if context.invoked_subcommand is not None:
        return
    pages = Pages(limit, cursor, everything)
    with opened() as tenure:
        found = pages.of(tenure, "projects:list", name=name, owner=owner)
    pages.show(Screen(json), found, _COLUMNS, "no project is described, and no application names one")


def set_project(
    project: Annotated[str, typer.Argument(metavar="NAME")],
    goal: Annotated[str, typer.Option(help="What it is for, in a sentence.")],
    measure: Annotated[str, typer.Option(help="Its success, over the outcome: 'rate(left == false)'.")] = "",
    better: Annotated[Literal["lower", "higher"], typer.Option(help="Which way success is.")] = "higher",
    owner: Annotated[str, typer.Option(help="Who answers for it.")] = "",
    reason: Annotated[str, typer.Option("--reason", help="Why; it goes into the audit log.")] = "",
    json: Json = False,
) -> None:
    """Say what a project is for and how its success is measured."""
    screen = Screen(json)
    given = {"goal": goal, "measure": measure, "better": better, "owner": owner, "reason": reason}
    with opened() as tenure:
        found = tenure.call("projects:set", project=project, **given)
    screen.facts(found, project, _COLUMNS)


def show(
    project: Annotated[str, typer.Argument(metavar="NAME")],
    by: Annotated[Literal["day", "week", "month"], typer.Option(help="The periods to show.")] = "week",
    since: Annotated[str, typer.Option(help="Decisions since then, as 90d.")] = "",
    json: Json = False,
) -> None:
    """Show a project's goal and its measure over time, by revision and by version."""
    screen = Screen(json)
    with opened() as tenure, screen.waiting(f"measuring {project} on its outcomes"):
        found = tenure.call("projects:show", project=project, by=by, since=since)
    screen.facts(found, project, _COLUMNS)
    if screen.as_json:
        return
    for one in found["measured"]:
        _show_application(screen, one, by)


def _show_application(screen: Screen, one: dict[str, Any], by: str) -> None:
    screen.say(f"{one['application']}/{one['revision']}  outcome {one['outcome'] or '–'}")
    if one["trouble"]:
        screen.say(f"  not measured: {one['trouble']}")
        return
    rows = [{"by": "all", **one["whole"]}]
    for kind, name in (("periods", by), ("revisions", "revision"), ("versions", "version")):
        rows += [{**row, "by": f"{name} {row['key'] or '(no model asked)'}"} for row in one[kind]]
    screen.table(one, rows, ("by", *_MEASURED))
