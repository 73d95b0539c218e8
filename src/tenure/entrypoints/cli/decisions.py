"""Commands that make decisions, find them, and run them again."""

import uuid
from pathlib import Path
from typing import Annotated, Any

import typer

from tenure.entrypoints.cli.caller import opened
from tenure.entrypoints.cli.listing import All, Cursor, Limit, Pages
from tenure.entrypoints.cli.names import numbered
from tenure.entrypoints.cli.screen import Json, Screen, waits

_COLUMNS = ("decision_id", "at", "application", "revision", "decided_by", "status", "answer", "rules", "model")

Id = Annotated[str, typer.Argument(metavar="ID", help="A decision's id.")]


@waits
def decide(
    application: Annotated[str, typer.Argument(help="The application to ask.")],
    input: Annotated[Path, typer.Option("--input", help="Requests: CSV, JSON, JSON lines or Parquet.", exists=True)],  # noqa: A002
    output: Annotated[Path | None, typer.Option("--output", help="Where the answers go.")] = None,
    key: Annotated[str | None, typer.Option("--key", help="Names the run: repeated, it decides nothing twice.")] = None,
    connections: Annotated[int, typer.Option(help="How many parts of the file at once.", min=1, max=64)] = 4,
    json: Json = False,
) -> None:
    """Decide every row of a file: same rules, same log; with --key and --output it goes on after a kill."""
    from tenure.entrypoints.cli.deciding import COLUMNS, decided, decisions_page, request_types, show
    from tenure.entrypoints.cli.gateways import asking
    from tenure.entrypoints.cli.streams import check_writable, count_in, write_stream

    screen = Screen(json)
    if output is not None:
        check_writable(output)
    run = key or f"run-{uuid.uuid4().hex}"
    with (
        opened() as tenure,
        asking(tenure, application) as connect,
        screen.counting(f"deciding {input.name}", count_in(input)) as count,
        decided(
            connect, application, request_types(tenure, application), input, output, run, connections, count
        ) as journal,
    ):
        if output is not None:
            write_stream(output, journal.answers, COLUMNS)
        failed = show(screen, application, journal, run, output, decisions_page(tenure, application))
    if failed:
        raise typer.Exit(1)


def decisions(
    context: typer.Context,
    application: Annotated[str | None, typer.Option(help="Of one application.")] = None,
    entity: Annotated[str | None, typer.Option(help="About one person or thing.")] = None,
    pseudonym: Annotated[
        str | None, typer.Option(help="About whom the log names so, as `tenure reviews` does.")
    ] = None,
    since: Annotated[str | None, typer.Option(help="An age as 30d, or a moment.")] = None,
    until: Annotated[str | None, typer.Option(help="An age or a moment.")] = None,
    rule: Annotated[str | None, typer.Option(help="In which this rule fired.")] = None,
    decided_by: Annotated[str | None, typer.Option("--decided-by", help="model, rule, fallback or person.")] = None,
    model: Annotated[str | None, typer.Option(help="As churn, or churn/2.")] = None,
    score_from: Annotated[float | None, typer.Option("--score-from", help="The least score; needs --since.")] = None,
    score_to: Annotated[float | None, typer.Option("--score-to", help="The greatest score.")] = None,
    ms_from: Annotated[float | None, typer.Option("--ms-from", help="Took at least so many ms; needs --since.")] = None,
    ms_to: Annotated[float | None, typer.Option("--ms-to", help="Took at most so many ms.")] = None,
    limit: Limit = None,
    cursor: Cursor = None,
    everything: All = False,
    json: Json = False,
) -> None:
    """List decisions, newest first, 50 if nothing is said; or export them. A decision is found the moment it is made."""
    if context.invoked_subcommand is not None:
        return
    name, number = numbered(model or "")
    pages = Pages(limit, cursor, everything, usual=50)
    with opened() as tenure:
        page = pages.of(
            tenure,
            "decisions:list",
            application=application,
            entity=entity,
            pseudonym=pseudonym,
            since=since,
            until=until,
            rule=rule,
            decided_by=decided_by,
            model=name or None,
            version=number,
            score_from=score_from,
            score_to=score_to,
            ms_from=ms_from,
            ms_to=ms_to,
        )
    screen = Screen(json)
    last = page.rows[-1]["decision_id"] if page.next_cursor else None
    found = {"decisions": page.rows, "next": last, "next_cursor": page.next_cursor or None}
    rows = [{**row, "model": _ref(row["model"])} for row in page.rows]
    screen.table(found, rows, _COLUMNS, "no decision found")
    if not screen.as_json:
        pages.tell(screen, page)


def _ref(model: dict[str, Any] | None) -> str:
    return f"{model['name']}/{model['version']}" if model else ""


def decision(decision_id: Id, json: Json = False) -> None:
    """Show one decision."""
    with opened() as tenure:
        found = tenure.call("decisions:show", decision=decision_id)
    Screen(json).facts(found, decision_id)


_WORST_FIRST = ("MISMATCH", "DECISION_ONLY", "TOLERANCE", "ULP", "BIT")
#: rows of replays on the screen
_SHOWN = 50


@waits
def replay(
    decision_ids: Annotated[list[str] | None, typer.Argument(metavar="[ID]...")] = None,
    sample: Annotated[int | None, typer.Option(help="So many decisions at random.")] = None,
    application: Annotated[str | None, typer.Option(help="Of one application.")] = None,
    model: Annotated[str | None, typer.Option(help="Made by this version, as churn/1.")] = None,
    json: Json = False,
) -> None:
    """Run decisions again, rules and model, and say how near the outcome comes: BIT is the same bits."""
    screen = Screen(json)
    name, number = numbered(model or "")
    if bool(decision_ids) == bool(sample):
        raise typer.BadParameter("give either decision ids or --sample N")
    with opened() as tenure, screen.waiting("replaying: rebuild and start each version that decided"):
        found = tenure.call(
            "replay",
            decisions=decision_ids or None,
            sample=sample,
            application=application,
            model=name or None,
            version=number,
        )
    screen.facts({"verdicts": found["verdicts"]} if not screen.as_json else found, "replay")
    if not screen.as_json:
        rows = sorted(found["decisions"], key=lambda one: _WORST_FIRST.index(one["verdict"]))
        screen.table(found, rows[:_SHOWN], tuple(rows[0]) if rows else ())
        if len(rows) > _SHOWN:
            screen.say(f"and {len(rows) - _SHOWN} more that came at least as near; --json has all")
    if "MISMATCH" in found["verdicts"]:
        raise typer.Exit(1)


@waits
def import_outcomes(
    file: Annotated[Path, typer.Argument(help="Rows with decision_id, value, and if known observed_at.", exists=True)],
    application: Annotated[str, typer.Option(help="Whose decisions they are about.")],
    json: Json = False,
) -> None:
    """Tell what became of earlier decisions; a later outcome for the same decision corrects it."""
    from tenure.entrypoints.cli.rows import read_rows, typed_in

    screen = Screen(json)
    with opened() as tenure:
        shown = tenure.call("applications:show", application=application)
        outcome = shown["definition"].get("outcome") or {}
        types = {"value": outcome.get("type", "string")}
        rows = [_outcome(row) for row in typed_in(file, read_rows(file), types)]
        with screen.waiting(f"importing {len(rows)} outcomes"):
            found = tenure.call("outcomes:import", application=application, outcomes=rows)
    screen.facts(found, f"outcomes of {application}")


def _outcome(row: dict[str, Any]) -> dict[str, Any]:
    """Return of a row what an outcome has; a file may have more columns."""
    return {name: row[name] for name in ("decision_id", "value", "name", "observed_at") if name in row}
