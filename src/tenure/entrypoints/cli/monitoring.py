"""Commands for monitoring: reports and alerts."""

from typing import Annotated, Any

import typer

from tenure.entrypoints.cli.caller import opened, version_at
from tenure.entrypoints.cli.screen import Json, Screen
from tenure.entrypoints.cli.versions import Ref

_ALERTS = ("id", "state", "ref", "kind", "column", "first_day", "last_day", "opened_at", "evidence")


def report(
    ref: Ref,
    since: Annotated[str | None, typer.Option(help="The first day.")] = None,
    until: Annotated[str | None, typer.Option(help="The last day.")] = None,
    json: Json = False,
) -> None:
    """Report a version day by day: volume, errors, who decided, drift, performance."""
    screen = Screen(json)
    with opened() as tenure, screen.waiting(f"reading the log for {ref}"):
        found = tenure.call("monitor:report", **version_at(ref), since=since, until=until)
    if screen.as_json:
        screen.document(found)
        return
    for name, part in found.items():
        if _is_table(part):
            screen.say(name)
            screen.table(found, part, tuple(dict.fromkeys(column for row in part for column in row)))
    screen.facts({name: part for name, part in found.items() if not _is_table(part)}, ref)


def _is_table(part: Any) -> bool:
    return isinstance(part, list) and bool(part) and isinstance(part[0], dict)


def alerts(
    context: typer.Context,
    model: Annotated[str, typer.Option(help="Of one model.")] = "",
    status: Annotated[str, typer.Option(help="open, acknowledged or resolved.")] = "",
    json: Json = False,
) -> None:
    """List alerts, newest first; or say that one is known."""
    if context.invoked_subcommand is not None:
        return
    with opened() as tenure:
        found = tenure.call("alerts:list", model=model, status=status)
    Screen(json).table(found, found, _ALERTS, "no alert")


def ack(
    alert: Annotated[str, typer.Argument(metavar="ID")],
    reason: Annotated[str, typer.Option("--reason", help="What you know about it.")],
    json: Json = False,
) -> None:
    """Say that an alert is known."""
    with opened() as tenure:
        found = tenure.call("alerts:ack", alert=alert, reason=reason)
    Screen(json).facts(found, alert)
