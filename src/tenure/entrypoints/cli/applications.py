"""Commands for an application's definition."""

from pathlib import Path
from typing import Annotated

import typer

from tenure.entrypoints.cli.caller import opened
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
    text = file.read_text(encoding="utf-8")
    with opened() as tenure, screen.waiting(f"applying {file}: check it, tell every gateway"):
        found = tenure.call("applications:apply", text=text, reason=reason, dry_run=dry_run)
    screen.table(found, found["changes"], _CHANGES, "no change: this very file is in force")
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
            text = Path(left).read_text(encoding="utf-8")
            found = tenure.call("applications:apply", text=text, dry_run=True)
        else:
            application, _, number = left.partition("/")
            other = right.rpartition("/")[2]
            found = tenure.call("applications:diff", application=application, one=int(number), other=int(other))
    screen.table(found, found["changes"], _CHANGES, "no difference")
