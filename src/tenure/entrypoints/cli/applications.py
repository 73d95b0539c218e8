"""Commands for an application's definition."""

from pathlib import Path
from typing import Annotated, Any

import typer

from tenure.entrypoints.cli.caller import opened
from tenure.entrypoints.cli.rules import show_backtest, source_of
from tenure.entrypoints.cli.screen import Json, Screen

_CHANGES = ("what", "before", "after")


def init(
    application: Annotated[str, typer.Argument(help="The new application's name.")],
    model: Annotated[str | None, typer.Option(help="As churn@champion.")] = None,
    entity: Annotated[str | None, typer.Option(help="The field that says whom a decision is about.")] = None,
    output: Annotated[Path | None, typer.Option(help="By default APPLICATION/application.yaml.")] = None,
    json: Json = False,
) -> None:
    """Write an application.yaml from a model's own schema."""
    screen = Screen(json)
    file = output or Path(application) / "application.yaml"
    if file.exists():
        raise typer.BadParameter(f"{file} exists already", param_hint="APPLICATION")
    with opened() as tenure:
        found = tenure.call("applications:init", application=application, model=model, entity=entity)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(found["text"], encoding="utf-8")
    screen.facts({"file": str(file), "next": f'tenure apply {file} --reason "first"'}, application)


def apply(
    file: Annotated[Path, typer.Argument(help="An application.yaml.", exists=True, dir_okay=False)],
    reason: Annotated[str, typer.Option("--reason", help="Why; it goes into the audit log.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check and compare, change nothing.")] = False,
    json: Json = False,
) -> None:
    """Check an application's file and put it in force as the next revision."""
    screen = Screen(json)
    source = source_of(file)
    with opened() as tenure, screen.waiting(f"applying {file}: check it, tell every gateway"):
        found = tenure.call("applications:apply", **source, reason=reason, dry_run=dry_run)
    # Against nothing, everything is a change; a list of it all would say nothing.
    if screen.as_json or found["before"] is not None:
        screen.table(found, found["changes"], _CHANGES, "no change: this very file is in force")
    if found.get("backtest") and not screen.as_json:
        show_backtest(screen, found["backtest"])
    screen.say(f"{found['application']}/{found['revision']}{'  (not applied: --dry-run)' if dry_run else ''}")
    screen.say(found.get("url", ""))


def diff(
    left: Annotated[str, typer.Argument(metavar="FILE|REF", help="A file, or a revision as churn-offers/11.")],
    right: Annotated[str | None, typer.Argument(metavar="[REF]", help="The revision to compare with.")] = None,
    json: Json = False,
) -> None:
    """Show what applying a file would change, or in what two revisions differ."""
    screen = Screen(json)
    with opened() as tenure:
        if right is None:
            found = tenure.call("applications:apply", **source_of(Path(left)), dry_run=True)
        else:
            application, _, number = left.partition("/")
            other = right.rpartition("/")[2]
            found = tenure.call("applications:diff", application=application, one=int(number), other=int(other))
    screen.table(found, found["changes"], _CHANGES, "no difference")


def applications(context: typer.Context, json: Json = False) -> None:
    """List applications; or show one."""
    if context.invoked_subcommand is not None:
        return
    with opened() as tenure:
        found = tenure.call("applications:list")
    columns = ("application", "revision", "model", "at", "actor", "reason", "url")
    Screen(json).table(found, found, columns, "no application is defined yet")


def show_application(
    application: Annotated[str, typer.Argument(metavar="NAME[/REVISION]")],
    yaml: Annotated[bool, typer.Option("--yaml", help="The file as it was written, with its comments.")] = False,
    json: Json = False,
) -> None:
    """Show an application's revision in force, or an earlier one."""
    screen = Screen(json)
    name, _, number = application.partition("/")
    with opened() as tenure:
        found = tenure.call("applications:show", application=name, revision=int(number) if number else None)
    show_revision(screen, found, yaml=yaml)


def show_revision(screen: Screen, found: dict[str, Any], *, yaml: bool) -> None:
    """Show a revision's facts and its file, or with `yaml` the file alone."""
    if yaml:
        screen.text(found, found["source"])
        return
    facts = ("application", "revision", "digest", "at", "actor", "reason")
    screen.facts(found, f"{found['application']}/{found['revision']}", facts)
    if not screen.as_json:
        if found.get("backtest"):
            show_backtest(screen, found["backtest"])
        screen.text(found, found["source"])
