"""Commands for feature views."""

from pathlib import Path
from typing import Annotated, Any

import typer

from tenure.entrypoints.cli.caller import Caller, opened
from tenure.entrypoints.cli.listing import All, Cursor, Limit, Named, Pages
from tenure.entrypoints.cli.screen import Json, Screen, waits
from tenure.kit.errors import Kind, TenureError

View = Annotated[str, typer.Argument(help="The view's name.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it goes into the audit log.")]

_EVENTS_AT_ONCE = 1000


class OneSource(TenureError):
    """Rows come from a file or from a query."""

    code = "one-source"
    kind = Kind.BAD_INPUT
    message = "rows come from a file or from a query: give one of the two"
    next_step = "tenure features ingest VIEW FILE, or tenure features ingest VIEW --query 'SELECT …' --source URL"


class WholeStore(TenureError):
    """Feast's online store is read whole."""

    code = "whole-store"
    kind = Kind.BAD_INPUT
    message = (
        "Feast's online store has the newest value of each key, with its time: no file and no watermark goes with it"
    )
    next_step = (
        "tenure features ingest VIEW --source feast:FOLDER, and --query FEATURE_VIEW where it is called otherwise"
    )


@waits
def ingest(
    view: View,
    file: Annotated[Path | None, typer.Argument(help="Rows: CSV, JSON, JSON lines or Parquet.", exists=True)] = None,
    key: Annotated[str, typer.Option(help="The column that carries the key; needed the first time.")] = "",
    known_at: Annotated[
        str | None, typer.Option("--known-at", help="Since when the rows are known; default now.")
    ] = None,
    at_column: Annotated[str, typer.Option("--at-column", help="The column that says so for each row.")] = "",
    written_column: Annotated[
        str, typer.Option("--written-column", help="When a row was written: of rows for one moment the latest counts.")
    ] = "",
    query: Annotated[str, typer.Option("--query", help="A SELECT that gives the rows, instead of a file.")] = "",
    source: Annotated[
        str,
        typer.Option(
            "--source",
            help="Where to ask it: a SQLAlchemy URL; without it DuckDB, over files. "
            "feast:FOLDER reads a Feast repository's SQLite online store; --query is then the name of its feature view.",
        ),
    ] = "",
    watermark: Annotated[
        str,
        typer.Option("--watermark", help="A column that only grows: later runs take what is not below the last value."),
    ] = "",
    reason: Reason = "",
    json: Json = False,
) -> None:
    """Take rows into a view, from a file or a query; the first rows define it."""
    screen = Screen(json)
    if source.startswith("feast:"):
        screen.facts(_of_feast(screen, view, source, query, reason, file is not None or bool(watermark)), view)
        return
    if (file is None) == (not query):
        raise OneSource
    options = {
        "key": key, "known_at": known_at, "at_column": at_column, "written_column": written_column, "reason": reason,
    }  # fmt: skip
    with opened() as tenure, screen.waiting(f"ingesting into {view}") as say:
        if file is not None:
            found = _file(tenure, view, file, options)
        else:
            from tenure.entrypoints.cli.querying import Querying

            found = Querying(tenure, view, query, source, watermark).run(options, say)
    screen.facts(found, view)


def _of_feast(screen: Screen, view: str, source: str, query: str, reason: str, more: bool) -> dict[str, Any]:
    if more:
        raise WholeStore
    from tenure.entrypoints.cli.feast import taken

    with opened() as tenure, screen.waiting(f"ingesting into {view}") as say:
        return taken(tenure, view, source, query, reason, say)


def _file(tenure: Caller, view: str, file: Path, options: dict[str, Any]) -> Any:
    from tenure.entrypoints.cli.rows import guessed, read_rows, typed_in

    rows = read_rows(file)
    known = {each["view"]: each for each in tenure.call("features:list", name=view)}
    types = {c["name"]: c["type"] for c in known[view]["columns"]} if view in known else guessed(rows, options["key"])
    return tenure.call("features:ingest", view=view, rows=typed_in(file, rows, types), **options)


@waits
def apply(
    file: Annotated[Path, typer.Argument(help="The view's file: docs/features.md.", exists=True)],
    reason: Reason = "",
    json: Json = False,
) -> None:
    """Define a view as its file says, or widen it: columns, owner, time to live, defaults."""
    from tenure.app.table_files import text_of

    with opened() as tenure:
        found = tenure.call("features:apply", text=text_of(file), reason=reason)
    screen = Screen(json)
    screen.facts(found, found["view"])
    screen.say("defined" if found["changed"] else "nothing has changed")


def get(
    view: View,
    key: Annotated[str, typer.Argument(help="Whose values.")],
    as_of: Annotated[str | None, typer.Option("--as-of", help="As they were known at a moment.")] = None,
    json: Json = False,
) -> None:
    """Show the values of a key, now or as they were known at a moment."""
    with opened() as tenure:
        found = tenure.call("features:get", view=view, key=key, as_of=as_of)
    screen = Screen(json)
    if not json and found["values"] is None:
        screen.say(f"{view} knows nothing of {key}" if as_of is None else f"{view} knew nothing of {key} as of {as_of}")
    else:
        screen.facts(found if json else found | {"age": _span(found["age"])}, f"{view} {key}")


def list_views(
    name: Named = "",
    owner: Annotated[str, typer.Option(help="Of one owner.")] = "",
    limit: Limit = None,
    cursor: Cursor = None,
    everything: All = False,
    json: Json = False,
) -> None:
    """List feature views with how much they hold and how fresh they are."""
    pages = Pages(limit, cursor, everything)
    with opened() as tenure:
        found = pages.of(tenure, "features:list", name=name, owner=owner)
    columns = ("view", "key", "keys", "stale", "newest", "age", "owner")
    rows = [_aged(dict(one)) for one in found.rows]
    pages.show(Screen(json), found, columns, "no feature view is defined", rows)


def show(view: View, json: Json = False) -> None:
    """Show one view: its columns, how fresh it is, what is missing, how far its sources were read, who uses it."""
    with opened() as tenure:
        found = tenure.call("features:show", view=view)
    Screen(json).facts(found if json else _aged(found), view)


def _aged(found: dict[str, Any]) -> dict[str, Any]:
    """Return a view with its times as people say them, and shares as per cent."""
    shares = {column: f"{share:.1%}" for column, share in found.get("missing", {}).items()}
    return found | {"age": _span(found["age"]), "ttl": _span(found["ttl"])} | ({"missing": shares} if shares else {})


def _span(seconds: float | None) -> str:
    """Return a length of time in the greatest unit of which there is one at least."""
    if seconds is None:
        return ""
    units = ((86_400, "days"), (3_600, "hours"), (60, "minutes"))
    found = next(((length, unit) for length, unit in units if seconds >= length), (1, "seconds"))
    return f"{seconds / found[0]:.4g} {found[1]}"


@waits
def join(
    file: Annotated[Path, typer.Argument(help="Rows with keys and a moment: CSV, JSON lines or Parquet.", exists=True)],
    output: Annotated[Path, typer.Option("--output", help="The training set: .parquet or .csv.")],
    at: Annotated[str, typer.Option("--at", help="The column with each row's own moment.")] = "event_time",
    views: Annotated[
        list[str] | None, typer.Option("--view", help="A view, or VIEW:COLUMN where its key has another name.")
    ] = None,
    application: Annotated[str, typer.Option(help="The views that an application reads, with its defaults.")] = "",
    json: Json = False,
) -> None:
    """Make a training set: each row with what the views knew at its own moment; no row is lost or multiplied."""
    from tenure.entrypoints.cli.joining import joined

    screen = Screen(json)
    asked = {name: column for name, _, column in (one.partition(":") for one in views or ())}
    with opened() as tenure, screen.waiting("joining") as say:
        rows = joined(tenure, file, output, {"at": at, "views": asked, "application": application}, say)
    screen.facts({"rows": rows, "output": str(output)}, str(output))


def expire(
    view: View,
    reason: Reason = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what has run out.")] = False,
    json: Json = False,
) -> None:
    """Remove old values that have outlived their retention. The first call proposes, another person's call removes."""
    screen = Screen(json)
    with opened() as tenure, screen.waiting(f"looking for what has run out of {view}"):
        found = tenure.call("features:expire", view=view, reason=reason, dry_run=dry_run)
    if screen.as_json:
        screen.document(found)
        return
    if found["removed"]:
        title = f"{found['removed']} old values removed"
    else:
        title = f"{found['found']['values']} old values have run out{'' if dry_run else ': removal proposed'}"
    shown = {**found["found"], **{name: value for name, value in found.items() if name != "found"}}
    screen.facts(shown, title, ("retention", "before", "keys", "held", "proposed_by", "next_step"))


@waits
def import_events(
    file: Annotated[
        Path, typer.Argument(help="One row for each event: CSV, JSON, JSON lines or Parquet.", exists=True)
    ],
    application: Annotated[str, typer.Option(help="Whose events they are.")],
    event: Annotated[str, typer.Option(help="Which event, as the feature view names it.")],
    at_column: Annotated[str, typer.Option("--at-column", help="The column that says when it happened.")] = "",
    id_column: Annotated[
        str, typer.Option("--id-column", help="The column with an id of its own: the same one counts once.")
    ] = "",
    json: Json = False,
) -> None:
    """Tell what happened: events that feature views are computed from."""
    from tenure.entrypoints.cli.rows import read_rows, typed

    screen = Screen(json)
    rows = read_rows(file)
    with opened() as tenure, screen.counting("telling events", len(rows)) as say:
        types = _event_types(tenure, application, event)
        recorded = 0
        for start in range(0, len(rows), _EVENTS_AT_ONCE):
            some = [typed(row, types) for row in rows[start : start + _EVENTS_AT_ONCE]]
            told = [_told(row, event, at_column, id_column) for row in some]
            recorded += tenure.call("events:import", application=application, events=told)["recorded"]
            say(len(told))
    screen.facts({"application": application, "event": event, "recorded": recorded}, f"events of {application}")


def _event_types(tenure: Caller, application: str, event: str) -> dict[str, Any]:
    """Return the types of the event's fields, as the views that it feeds declare them."""
    feeds = [view["feed"] for view in tenure.call("features:list") if view["feed"]]
    fed = [feed for feed in feeds if (feed["application"], feed["event"]) == (application, event)]
    return {field["name"]: field["type"] for feed in fed for field in feed["fields"]}


def _told(row: dict[str, Any], event: str, at_column: str, id_column: str) -> dict[str, Any]:
    values = {name: value for name, value in row.items() if name not in {at_column, id_column}}
    at, own = row.get(at_column), row.get(id_column)
    return {
        "event": event,
        "values": values,
        "id": "" if own is None else str(own),
        "at": None if at is None else str(at),
    }
