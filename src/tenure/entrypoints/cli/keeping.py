"""Commands that prove, keep and let go: log proofs, holds, retention, destroying, erasing, gc, drills."""

from pathlib import Path
from typing import Annotated, Any

import typer

from tenure.entrypoints.cli.caller import opened, version_at
from tenure.entrypoints.cli.screen import Json, Screen, waits
from tenure.kit.errors import Kind, TenureError

Reason = Annotated[str, typer.Option("--reason", help="Why.")]
Held = Annotated[
    Path | None,
    typer.Option("--held", help="A checkpoint that you kept: prove that the log only grew since.", exists=True),
]
Output = Annotated[
    Path | None, typer.Option("--output", help="Write it there, and beside it check_log.py, which checks it.")
]


class NotACheckpoint(TenureError):
    """The file is none that `tenure log` wrote."""

    code = "not-a-checkpoint"
    kind = Kind.BAD_INPUT
    message = "{file} holds no checkpoint"
    next_step = "give a file that `tenure log checkpoint --output` or `tenure log proof --output` wrote"


def proof(
    decision: Annotated[str, typer.Argument(metavar="ID", help="A sealed decision or outcome.")],
    held: Held = None,
    output: Output = None,
    json: Json = False,
) -> None:
    """Prove that a decision is in the log, to anybody who has Python and nothing else."""
    screen = Screen(json)
    with opened() as tenure, screen.waiting("finding the path from the record to the signed root"):
        found = tenure.call("log:proof", decision=decision, held=size_of(held))
    _exported(screen, found, output, held, f"{decision} is in the log")


def checkpoint(held: Held = None, output: Output = None, json: Json = False) -> None:
    """Give the newest signed checkpoint of the log, to be kept by somebody else."""
    screen = Screen(json)
    with opened() as tenure:
        found = tenure.call("log:checkpoint", held=size_of(held))
    _exported(screen, found, output, held, f"checkpoint of {found['size']} records")


def size_of(held: Path | None) -> int:
    """Return the number of records under a checkpoint or proof that somebody kept; 0 for none."""
    if held is None:
        return 0
    from json import loads

    try:
        return int(loads(held.read_text(encoding="utf-8"))["checkpoint"]["note"].split("\n")[1])
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise NotACheckpoint(file=held) from error


def _exported(screen: Screen, found: dict[str, Any], output: Path | None, held: Path | None, title: str) -> None:
    """Write the document and its script; without a file, show both."""
    from json import dumps

    document = dumps(found["document"], indent=2, ensure_ascii=False)
    if output is None:
        screen.text(found, f"{document}\n\n{found['script']}")
        return
    checker = output.with_name("check_log.py")
    output.write_text(document + "\n", encoding="utf-8")
    checker.write_text(found["script"], encoding="utf-8")
    check = f"python {checker} {output}" + (f" {held}" if held else "")
    screen.facts({"file": str(output), "size": found["size"], "check": check}, title)


def hold(
    ref: Annotated[str, typer.Argument(metavar="REF", help="MODEL/VERSION, a model, an application or features:VIEW.")],
    reason: Reason,
    entity: Annotated[str, typer.Option(help="Only this person, in the application's decisions.")] = "",
    json: Json = False,
) -> None:
    """Place a legal hold: nothing under it can be destroyed or erased."""
    with opened() as tenure:
        found = tenure.call("holds:add", target=ref, entity=entity, reason=reason)
    Screen(json).facts(found, f"{found['target']} is held")


def release(
    ref: Annotated[str, typer.Argument(metavar="REF", help="As it was given to `tenure hold add`.")],
    reason: Reason,
    entity: Annotated[str, typer.Option(help="Only this person, in the application's decisions.")] = "",
    json: Json = False,
) -> None:
    """End a legal hold."""
    with opened() as tenure:
        found = tenure.call("holds:release", target=ref, entity=entity, reason=reason)
    Screen(json).facts(found, f"{found['target']} is held no more")


def retention(
    ref: Annotated[str, typer.Argument(metavar="[REF]", help="One version; without one, all.")] = "",
    json: Json = False,
) -> None:
    """Show until when versions, logs and old feature values are kept, what has run out, and every hold in force."""
    screen = Screen(json)
    with opened() as tenure:
        found = tenure.call("retention:list", ref=ref)
    columns = ("ref", "stage", "until", "retention", "destruction_proposed_by", "holds")
    screen.table(found, found["versions"], columns, "no version")
    if screen.as_json:
        return
    if found["applications"]:
        screen.table(found, found["applications"], ("application", "retention", "oldest", "records", "soon", "held"))
        ready = [one["application"] for one in found["applications"] if one["records"]]
        if ready:
            screen.say(f"has run out: see `tenure expire {ready[0]} --dry-run`")
    if found["views"]:
        screen.table(found, found["views"], ("view", "retention", "before", "values", "keys", "held"))
    if found["holds"]:
        screen.table(found, found["holds"], ("target", "reason", "placed_at", "placed_by"))


def classes(context: typer.Context, json: Json = False) -> None:
    """List retention classes: how long, of what, and on whose word."""
    if context.invoked_subcommand is not None:
        return
    screen = Screen(json)
    with opened() as tenure:
        found = tenure.call("retention:list")["classes"]
    screen.table(found, found, ("name", "keep", "keeps", "told", "used_by"))


def define(
    name: Annotated[str, typer.Argument(metavar="NAME")],
    keep: Annotated[str, typer.Option(help="How long: 10y, 25mo or 90d.")],
    keeps: Annotated[
        list[str], typer.Option("--of", help="packages, decisions, features; may be given several times.")
    ],
    reason: Reason,
    basis: Annotated[str, typer.Option(help="What demands it: statute and article, or a rule of the house.")] = "",
    source: Annotated[str, typer.Option(help="Where that was read.")] = "",
    read_on: Annotated[str, typer.Option(help="The day it was read: 2026-11-23.")] = "",
    standing: Annotated[str, typer.Option(help="own, primary (the law's own text), secondary or memory.")] = "own",
    effective: Annotated[str, typer.Option(help="The day from which it applies.")] = "",
    json: Json = False,
) -> None:
    """Make or change a retention class. Only a basis read in a primary text is ever printed as the reason."""
    with opened() as tenure:
        found = tenure.call(
            "retention:define", name=name, keep=keep, keeps=keeps, reason=reason, basis=basis, source=source,
            read_on=read_on, standing=standing, effective=effective,
        )  # fmt: skip
    Screen(json).facts(found, found["told"])


def retain(
    target: Annotated[str, typer.Argument(metavar="MODEL|APPLICATION|features:VIEW")],
    name: Annotated[str, typer.Option("--class", help="Which retention class.")],
    reason: Reason,
    json: Json = False,
) -> None:
    """Keep a model's versions, an application's log or a view's old values under a retention class."""
    with opened() as tenure:
        found = tenure.call("retention:assign", target=target, name=name, reason=reason)
    Screen(json).facts(found, f"{found['target']} has class {found['retention_class']}")


@waits
def expire(
    application: Annotated[str, typer.Argument(metavar="APPLICATION")],
    reason: Annotated[str, typer.Option("--reason", help="Why.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what has run out.")] = False,
    json: Json = False,
) -> None:
    """Remove records that have outlived their retention. The first call proposes, another person's call removes."""
    screen = Screen(json)
    with opened() as tenure, screen.waiting(f"looking for what has run out of {application}"):
        found = tenure.call("retention:expire", application=application, reason=reason, dry_run=dry_run)
    if found["removed"]:
        title = f"{found['removed']} records removed; their leaves and all proofs stay"
    else:
        title = f"{found['found']['records']} records have run out{'' if dry_run else ': removal proposed'}"
    shown = {**found["found"], **{name: value for name, value in found.items() if name != "found"}}
    if screen.as_json:
        shown = found
    columns = ("retention", "before", "by_kind", "soon", "held", "proposed_by", "still_open", "next_step")
    screen.facts(shown, title, columns)


@waits
def destroy(
    ref: Annotated[str, typer.Argument(metavar="MODEL/VERSION")],
    reason: Reason,
    json: Json = False,
) -> None:
    """Destroy an archived version after its time. The first call proposes, another person's call destroys."""
    screen = Screen(json)
    with opened() as tenure, screen.waiting(f"destroying {ref}"):
        found = tenure.call("versions:destroy", **version_at(ref), reason=reason)
    done = found["tombstone"] is not None
    screen.facts(found, f"{ref} is destroyed" if done else f"{ref}: destruction proposed")


@waits
def erase(
    application: Annotated[str, typer.Option(help="Whose decisions.")],
    entity: Annotated[str, typer.Option(help="The person, as requests name them.")],
    reason: Reason,
    json: Json = False,
) -> None:
    """Erase a person: their key is destroyed for ever, and every proof and all other replays still hold."""
    with opened() as tenure:
        found = tenure.call("persons:erase", application=application, entity=entity, reason=reason)
    screen = Screen(json)
    title = "erased" if found["erased"] else "nothing personal was kept"
    screen.facts(found, title, ("person", "decisions", "events", "features"))
    if found["out_of_reach"] and not json:
        screen.say("out of reach, for it left the home before; whoever has it must see to it:")
        screen.table(found, found["out_of_reach"], ("what", "where", "by", "at", "times"))


@waits
def backup(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new folder, on the machine where the home is.")],
    reason: Annotated[str, typer.Option("--reason", help="Why.")] = "",
    json: Json = False,
) -> None:
    """Copy the whole home at one point, while it serves: databases, log, packages, keys. Back: tenure up --from DIR."""
    screen = Screen(json)
    with opened() as tenure, screen.waiting(f"copying the home to {folder}"):
        found = tenure.call("backup", folder=str(folder.absolute()), reason=reason)
    screen.facts(found, "backup")
    screen.say(f"back again: TENURE_HOME=… tenure up --from {folder}")


@waits
def gc(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    older_than: Annotated[str, typer.Option(help="Leave what was touched since, as 1h or 7d.")] = "1h",
    reason: Annotated[str, typer.Option("--reason", help="Why.")] = "",
    json: Json = False,
) -> None:
    """Remove files that no version, logged decision, hold or retention period needs, and what was never finished."""
    screen = Screen(json)
    with opened() as tenure, screen.waiting("looking for files that nothing needs"):
        found = tenure.call("gc", dry_run=dry_run, older_than=older_than, reason=reason)
    title = f"{len(found['files'])} files, {found['bytes']} bytes {'removed' if found['removed'] else 'could go'}"
    screen.facts(found, title, ("files",))


@waits
def drill(
    json: Json = False,
) -> None:
    """Restore every distinct environment from blobs alone, re-run golden rows, write down the result; exit 1 on failure."""
    screen = Screen(json)
    with opened() as tenure, screen.waiting("restoring every environment into an empty place"):
        found = tenure.call("drill")
    rows = [
        {
            "ref": one["ref"],
            "ok": "ok" if one["ok"] else "FAILED",
            "environment": one["environment"][:19],
            **one["found"],
        }
        for one in found["environments"]
    ]
    screen.table(
        found,
        rows,
        ("ok", "ref", "environment", "source", "verdict", "rows", "seconds", "failed"),
        "nothing to restore",
    )
    if not found["passed"]:
        raise typer.Exit(1)
