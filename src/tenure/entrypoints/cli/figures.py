"""The command that counts."""

from typing import Annotated, Any

import typer

from tenure.entrypoints.cli.caller import opened
from tenure.entrypoints.cli.screen import Json, Screen

_COLUMNS = (
    "application",
    "decisions",
    "model",
    "rule",
    "fallback",
    "person",
    "pending",
    "p50_ms",
    "p95_ms",
    "versions",
)


def figures(
    application: Annotated[str, typer.Option(help="Of one application only.")] = "",
    since: Annotated[str, typer.Option(help="From when: an age as 7d, or a moment.")] = "",
    until: Annotated[str, typer.Option(help="Until when.")] = "",
    steps: Annotated[int, typer.Option(help="In how many steps (--json).")] = 48,
    json: Json = False,
) -> None:
    """Count what was decided, by whom and how fast: of the last day, unless said otherwise."""
    screen = Screen(json)
    with opened() as tenure:
        found = tenure.call("decisions:figures", application=application, since=since, until=until, steps=steps)
    screen.table(found, [_row(one) for one in found["applications"]], _COLUMNS)


def _row(one: dict[str, Any]) -> dict[str, Any]:
    whole = one["whole"]
    times = {
        f"p{part}_ms": f"{whole[f'p{part}_us'] / 1000:.1f}" for part in (50, 95) if whole[f"p{part}_us"] is not None
    }
    versions = ", ".join(f"{ref}: {count}" for ref, count in one["models"].items())
    return {"application": one["application"], **whole, **whole["decided_by"], **times, "versions": versions}
