"""Commands for officers: papers attached to versions, and the inventory of models."""

import base64
import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from tenure.entrypoints.cli.caller import opened, version_at
from tenure.entrypoints.cli.screen import Json, Screen
from tenure.entrypoints.cli.versions import Ref

_SHOWN = (
    "model", "version", "stage", "risk_tier", "owner", "developer", "validator", "dependents",
    "last_validation", "next_validation",
)  # fmt: skip
_ALL = (
    "model", "served_here", "where", "owner", "developer", "validator", "risk_tier", "use", "limits", "version", "stage",
    "versions", "dependents", "last_validation", "next_validation", "overdue",
)  # fmt: skip
#: a cell that begins so is a formula to a spreadsheet
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

Text = Annotated[str | None, typer.Option()]


def attach(
    ref: Ref,
    file: Annotated[Path, typer.Argument(help="The paper.", exists=True, dir_okay=False)],
    kind: Annotated[str, typer.Option(help="validation, approval-memo, monitoring-plan or exception.")],
    note: Annotated[str, typer.Option(help="What it says, in a sentence.")] = "",
    json: Json = False,
) -> None:
    """Keep a paper with a version: signed, listed by `show`, and there for as long as the version is."""
    screen = Screen(json)
    content = base64.b64encode(file.read_bytes()).decode()
    with opened() as tenure:
        found = tenure.call("versions:attach", **version_at(ref), kind=kind, name=file.name, content=content, note=note)
    own = "  (by the one who registered the version)" if found["own_work"] else ""
    screen.facts(found, f"{found['kind']} of {found['ref']}{own}", ("name", "digest", "size", "at", "by", "url"))


def paper(
    ref: Ref,
    which: Annotated[str, typer.Argument(metavar="PAPER", help="Its name, its digest, or seven characters of that.")],
    output: Annotated[
        Path | None, typer.Option("--output", help="The file to write; its own name if not said.")
    ] = None,
    json: Json = False,
) -> None:
    """Write an attached paper to a file, after checking that it is what was attached."""
    screen = Screen(json)
    with opened() as tenure:
        found = tenure.call("versions:paper", **version_at(ref), paper=which)
    file = output or Path(found["name"])
    file.write_bytes(base64.b64decode(found.pop("content")))
    shown = ("output", "kind", "digest", "at", "by", "note")
    screen.facts(found | {"output": str(file)}, f"{found['name']} of {found['ref']}", shown)


def inventory(
    context: typer.Context,
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="A moment: 2026-03-05, RFC 3339, or an age as 30d.")
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", help="A CSV file to write.")] = None,
    json: Json = False,
) -> None:
    """List all models with who answers for them, now or as it was."""
    if context.invoked_subcommand is not None:
        return
    screen = Screen(json)
    with opened() as tenure:
        found = tenure.call("inventory:show", as_of=as_of)
    if output is not None:
        write_csv(output, found["models"])
        found["output"] = str(output)
    screen.table(found, found["models"], _SHOWN, f"there was no model at {found['as_of']}")
    overdue = [line["model"] for line in found["models"] if line["overdue"]]
    if overdue:
        screen.say(f"validation overdue: {', '.join(overdue)}")
    if output is not None:
        screen.say(f"written: {output}")


def inventory_add(
    model: Annotated[str, typer.Argument(help="A model, served here or not.")],
    owner: Text = None,
    developer: Text = None,
    validator: Text = None,
    risk_tier: Annotated[str | None, typer.Option(help="high, medium or low.")] = None,
    use: Text = None,
    limits: Text = None,
    next_validation: Annotated[str | None, typer.Option(help="A day, as 2027-03-31.")] = None,
    validate_every: Annotated[int | None, typer.Option(help="Days between validations.")] = None,
    where: Annotated[str | None, typer.Option(help="Where it runs, if not here.")] = None,
    retired: Annotated[bool | None, typer.Option("--retired/--not-retired")] = None,
    reason: Annotated[str, typer.Option()] = "",
    json: Json = False,
) -> None:
    """Say something of a model; what is left out stays as it was, and what was said before stays in its history."""
    screen = Screen(json)
    said = {
        "owner": owner,
        "developer": developer,
        "validator": validator,
        "risk_tier": risk_tier,
        "use": use,
        "limits": limits,
        "next_validation": next_validation,
        "validate_every": validate_every,
        "where": where,
        "retired": retired,
    }
    told = {name: value for name, value in said.items() if value is not None}
    with opened() as tenure:
        found = tenure.call("inventory:add", model=model, **told, reason=reason)
    screen.facts(found, f"inventory: {model}", _ALL)


def write_csv(path: Path, lines: Sequence[dict[str, Any]]) -> None:
    """Write the inventory as CSV, no cell of which a spreadsheet takes for a formula."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(_ALL)
        writer.writerows([[_cell(line[name]) for name in _ALL] for line in lines])


def _cell(value: Any) -> Any:
    text = "; ".join(value) if isinstance(value, list) else value
    return f"'{text}" if isinstance(text, str) and text.startswith(_FORMULA) else text
