"""Commands for an application's definition."""

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from tenure.entrypoints.cli.caller import Caller, opened
from tenure.entrypoints.cli.listing import All, Cursor, Limit, Named, Pages
from tenure.entrypoints.cli.names import numbered
from tenure.entrypoints.cli.remembered import last_seen, remember
from tenure.entrypoints.cli.rules import naming, show_backtest, source_of
from tenure.entrypoints.cli.screen import Json, Screen, readable, waits
from tenure.kit.errors import TenureError

_CHANGES = ("what", "before", "after")
_ENDINGS = frozenset({".yaml", ".yml"})


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
    told = {"file": str(file), "next": f'tenure apply {file} --reason "first"', "url": found["url"]}
    screen.facts(told, application)


From = Annotated[str, typer.Option("--from", help="When it comes into force, as 2026-12-01T00:00:00Z.")]
Until = Annotated[str, typer.Option("--until", help="When the revision before it returns.")]
Shadow = Annotated[bool, typer.Option("--shadow", help="Evaluate it on live requests without answering any.")]
Share = Annotated[float | None, typer.Option("--share", help="Let it answer this part of the entities, as 0.1.")]
Why = Annotated[str, typer.Option("--reason", help="Why; it goes into the audit log.")]


@waits
def apply(
    file: Annotated[Path, typer.Argument(help="An application.yaml.", exists=True, dir_okay=False)],
    reason: Why = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check and compare, change nothing.")] = False,
    draft: Annotated[bool, typer.Option("--draft", help="Check and keep it, put nothing in force.")] = False,
    starts: From = "",
    until: Until = "",
    shadow: Shadow = False,
    share: Share = None,
    base: Annotated[
        int | None, typer.Option(help="The revision it was edited from; refused when another is in force.")
    ] = None,
    json: Json = False,
) -> None:
    """Check an application's file and put it in force as the next revision, or keep, schedule or try it."""
    screen = Screen(json)
    placed = {"draft": draft, "from": starts, "until": until, "shadow": shadow, "share": share, "base": base}
    doing = f"checking {file}" if dry_run else f"applying {file}: check it, tell every gateway"
    seen = "" if dry_run else last_seen(os.environ, file)
    with opened() as tenure, screen.waiting(doing):
        try:
            found = tenure.call(
                "applications:apply", **source_of(file), reason=reason, dry_run=dry_run, seen=seen or None, **placed
            )
        except TenureError as error:
            raise naming(file, error) from error
    if is_rebased := found["done"] and _rebased(file, found["revision"]):
        screen.say(f"{file} now says base: {found['revision']}")
    if not dry_run:
        _noted(screen, file, found)
    # Against nothing, everything is a change; a list of it all would say nothing.
    if screen.as_json or found["before"] is not None:
        is_same = found["revision"] == found["before"]
        nothing = "no change: this very file is in force" if is_same else "it decides as before: only its text differs"
        screen.table(found, found["changes"], _CHANGES, nothing)
    if found.get("backtest") and not screen.as_json:
        show_backtest(screen, found["backtest"])
    if found["done"] and found["over"] and not (seen or is_rebased or base is not None):
        screen.say(_over(found["over"]))
    ref = f"{found['application']}/{found['revision']}"
    screen.say(f"{ref}{'  (not applied: --dry-run)' if dry_run else _where(ref, found['stage'])}")
    screen.say(found.get("url", ""))


def _noted(screen: Screen, file: Path, found: dict[str, Any]) -> None:
    """Remember what a file is now."""
    if failed := remember(os.environ, file, found["digest"]):
        screen.aside(
            f"it could not be noted what {file} is now: {failed}; the next apply will not see what others did since"
        )


def _over(over: dict[str, Any]) -> str:
    """Return over whose revision a file was applied of which nothing was known: it may have been begun long before."""
    return f"over revision {over['revision']}, by {over['actor']}, {over['at']}: {over['reason'] or 'no reason given'}"


def _rebased(file: Path, number: int) -> bool:
    """Have a file that names its base name the revision that it has become; return whether it did."""
    from tenure.application.revisions.base import with_base, without_base

    text = file.read_bytes().decode("utf-8-sig")
    if without_base(text) == text or with_base(text, number) == text:
        return False
    file.write_bytes(with_base(text, number).encode())
    return True


def _where(ref: str, stage: str) -> str:
    """Return what is said of a revision that is not in force, with the next step."""
    told = {
        "draft": f"  draft; next: tenure approve {ref} --reason …, then tenure activate {ref} --reason …",
        "approved": f"  approved; next: tenure activate {ref} --reason …",
        "scheduled": "  scheduled; it comes into force by itself",
        "trial": f"  on trial; see: tenure applications trial {ref.partition('/')[0]}",
    }
    return told.get(stage, "")


@waits
def activate(
    ref: Annotated[str, typer.Argument(metavar="APPLICATION/N", help="A kept revision, as churn-offers/13.")],
    reason: Annotated[str, typer.Option("--reason", help="Why.")],
    starts: From = "",
    until: Until = "",
    shadow: Shadow = False,
    share: Share = None,
    json: Json = False,
) -> None:
    """Put a kept revision in force, now or for a time, or on trial; ends its trial."""
    screen = Screen(json)
    placed = {"from": starts, "until": until, "shadow": shadow, "share": share}
    with opened() as tenure, screen.waiting(f"placing {ref}: check it, tell every gateway"):
        found = tenure.call("applications:activate", **revision_at(ref), reason=reason, **placed)
    screen.table(found, found["changes"], _CHANGES, "no change")
    screen.say(f"{ref}  {found['stage']}")
    screen.say(found["url"])


def revision_at(ref: str) -> dict[str, Any]:
    """Return the application and the number of a revision written as churn-offers/13."""
    name, number = numbered(ref)
    if number is None:
        raise typer.BadParameter(f"{ref!r} names no revision; write it as {name}/13", param_hint="APPLICATION/N")
    return {"application": name, "revision": number}


def list_revisions(
    application: Annotated[str, typer.Argument(metavar="NAME")],
    stage: Annotated[str, typer.Option(help="Those at one stage.")] = "",
    limit: Limit = None,
    cursor: Cursor = None,
    everything: All = False,
    json: Json = False,
) -> None:
    """List an application's revisions and where each stands: draft, approved, scheduled, on trial, active, retired."""
    pages = Pages(limit, cursor, everything)
    with opened() as tenure:
        found = pages.of(tenure, "applications:revisions", application=application, stage=stage)
    rows = [one | {"schedules": [_scheduled(each) for each in one["schedules"]]} for one in found.rows]
    columns = ("ref", "stage", "share", "schedules", "approved_by", "own_work", "at", "actor", "reason")
    pages.show(Screen(json), found, columns, "no revision", rows)


def _scheduled(one: dict[str, Any]) -> str:
    until = f" until {one['until']}" if one["until"] else ""
    return f"{one['state']}: from {one['from']}{until}{': ' + one['why'] if one['why'] else ''}"


def trial(
    application: Annotated[
        str, typer.Argument(metavar="NAME[/N]", help="An application, or a revision that was tried.")
    ],
    json: Json = False,
) -> None:
    """Show what a revision on trial makes of live requests: how many answers differ, by which rules, with examples."""
    screen = Screen(json)
    name, number = numbered(application)
    with opened() as tenure:
        found = tenure.call("applications:trial", application=name, revision=number)
    facts = ("share", "since", "evaluated", "differing", "refused", "failed", "answered", "reason")
    screen.facts(found, f"{name}/{found['revision']}  {'on trial' if found['running'] else 'its trial is over'}", facts)
    if screen.as_json:
        return
    screen.table(found, found["differences"], ("active_rule", "trial_rule", "times"), "no answer differs")
    for one in found["examples"][:10]:
        tried = one["error"] or readable(one["trial_answer"])
        screen.say(f"{one['decision_id']}  {readable(one['active_answer'])} | {tried}")


@waits
def end(
    application: Annotated[str, typer.Argument(metavar="NAME")],
    reason: Annotated[str, typer.Option("--reason", help="Why.")],
    json: Json = False,
) -> None:
    """End the trial of a revision, and what waits for its time; what is in force stays."""
    screen = Screen(json)
    with opened() as tenure, screen.waiting(f"ending what {application} tries: tell every gateway"):
        found = tenure.call("applications:end", application=application, reason=reason)
    screen.facts(found, f"{application}: ended")


def diff(
    left: Annotated[str, typer.Argument(metavar="FILE|REF", help="A file, or a revision as churn-offers/11.")],
    right: Annotated[str | None, typer.Argument(metavar="[REF]", help="The revision to compare with.")] = None,
    json: Json = False,
) -> None:
    """Show what applying a file would change, or in what two revisions differ."""
    screen = Screen(json)
    with opened() as tenure:
        found = _compared(tenure, left, right)
    screen.table(found, found["changes"], _CHANGES, "no difference")


def _compared(tenure: Caller, left: str, right: str | None) -> Any:
    """Return what differs between a file, or a revision, and a revision: the one in force where none is named."""
    name, number = (None, None) if right is None else _other(right)
    if Path(left).is_file():
        return _file_compared(tenure, Path(left), name, number)
    if "/" not in left or Path(left).suffix in _ENDINGS:
        raise typer.BadParameter(f"{left} is neither a file nor a revision as churn-offers/13", param_hint="FILE|REF")
    one = revision_at(left)
    if number is None:
        number = tenure.call("applications:show", application=one["application"])["revision"]
    _refuse_others(name, one["application"])
    return tenure.call("applications:diff", application=one["application"], one=one["revision"], other=number)


def _file_compared(tenure: Caller, file: Path, name: str | None, number: int | None) -> Any:
    try:
        found = tenure.call("applications:apply", **source_of(file), dry_run=True, against=number)
    except TenureError as error:
        raise naming(file, error) from error
    _refuse_others(name, found["application"])
    return found


def _other(ref: str) -> tuple[str | None, int]:
    """Return the application and the number of the revision to compare with; `12` alone is of the same application."""
    if ref.isascii() and ref.isdecimal():
        return None, int(ref)
    found = revision_at(ref)
    return found["application"], found["revision"]


def _refuse_others(name: str | None, ours: str) -> None:
    if name not in {None, ours}:
        raise typer.BadParameter(f"{name} is not {ours}; compare revisions of one application", param_hint="REF")


def applications(
    context: typer.Context,
    name: Named = "",
    owner: Annotated[str, typer.Option(help="Of one owner.")] = "",
    project: Annotated[str, typer.Option(help="Of one project.")] = "",
    model: Annotated[str, typer.Option(help="On one model, as churn@champion.")] = "",
    limit: Limit = None,
    cursor: Cursor = None,
    everything: All = False,
    json: Json = False,
) -> None:
    """List applications; or show one."""
    if context.invoked_subcommand is not None:
        return
    pages = Pages(limit, cursor, everything)
    with opened() as tenure:
        found = pages.of(tenure, "applications:list", name=name, owner=owner, project=project, model=model)
    columns = ("application", "revision", "model", "at", "actor", "reason", "url")
    pages.show(Screen(json), found, columns, "no application is defined yet")


def show_application(
    application: Annotated[str, typer.Argument(metavar="NAME[/REVISION]")],
    yaml: Annotated[bool, typer.Option("--yaml", help="The file as it was written, byte for byte.")] = False,
    with_base: Annotated[
        bool, typer.Option("--with-base", help="That file, begun by a line that names the revision in force.")
    ] = False,
    output: Annotated[
        Path | None, typer.Option(help="Write it as application.yaml into this folder, with the tables that it names.")
    ] = None,
    json: Json = False,
) -> None:
    """Show an application's revision in force, or an earlier one."""
    screen = Screen(json)
    name, number = numbered(application)
    with opened() as tenure:
        found = tenure.call("applications:show", application=name, revision=number)
    if output is not None:
        written = write_revision(output, found, found["editable" if with_base else "source"])
        if number is None:
            _noted(screen, output / "application.yaml", found)
        screen.facts({"files": written, "base": found["in_force"]}, f"{name}/{found['revision']}")
        return
    show_revision(screen, found, yaml=yaml, with_base=with_base)


def write_revision(folder: Path, found: dict[str, Any], text: str) -> list[str]:
    """Write a revision's file and the tables that lay beside it; return their paths. What is there already is refused."""
    from tenure.application.revisions.tables import WORKBOOK

    files = {"application.yaml": text, **found["files"]}
    if books := [name for name in files if WORKBOOK in name]:
        why = f"{', '.join(books)}: of a workbook only the values are kept; they stand as CSV in `files` of --json"
        raise typer.BadParameter(why, param_hint="--output")
    if outside := [name for name in files if not (folder / name).resolve().is_relative_to(folder.resolve())]:
        raise typer.BadParameter(f"{', '.join(outside)} would lie outside of the folder", param_hint="--output")
    if there := [str(folder / name) for name in files if (folder / name).exists()]:
        raise typer.BadParameter(f"{', '.join(there)} exists already", param_hint="--output")
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode())
    return [str(folder / name) for name in files]


def show_revision(screen: Screen, found: dict[str, Any], *, yaml: bool, with_base: bool = False) -> None:
    """Show a revision's facts and its file, or with `yaml` the file alone, byte for byte, or that `with_base` before it."""
    if with_base:
        screen.verbatim(found, found["editable"])
        return
    if yaml:
        screen.verbatim(found, found["source"])
        screen.aside(f"edited from revision {found['in_force']}; then: tenure apply FILE --base {found['in_force']}")
        return
    facts = ("application", "revision", "stage", "digest", "at", "actor", "reason")
    screen.facts(found, f"{found['application']}/{found['revision']}", facts)
    if not screen.as_json:
        if found.get("backtest"):
            show_backtest(screen, found["backtest"])
        screen.text(found, found["source"])


def show_approved(screen: Screen, found: dict[str, Any]) -> None:
    """Show an approved revision with what its approver should have seen."""
    screen.table(found, found["changes"], _CHANGES, "it says what is in force")
    if screen.as_json:
        return
    if found["backtest"]:
        show_backtest(screen, found["backtest"])
    else:
        screen.say(f"it was not back-tested: tenure rules backtest {found['ref']}")
    own = ", the author" if found["own_work"] else ""
    screen.say(
        f"{found['ref']} approved by {found['approved_by']}{own}; next: tenure activate {found['ref']} --reason …"
    )
