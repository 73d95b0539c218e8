"""Commands for a model's versions, from package to archive."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from tenure.entrypoints.cli.applications import revision_at, show_approved, show_revision
from tenure.entrypoints.cli.caller import opened, version_at
from tenure.entrypoints.cli.listing import All, Cursor, Limit, Named, Pages
from tenure.entrypoints.cli.screen import Json, Quiet, Screen, readable, waits

Ref = Annotated[str, typer.Argument(metavar="MODEL/VERSION", help="As churn/2, or churn@champion.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it goes into the audit log.")]

_COLUMNS = ("ref", "stage", "role", "share", "aliases", "python", "metrics", "registered_at", "registered_by")
_MOVED = ("ref", "stage", "role", "share", "champion", "challenger", "before", "tombstone")


@waits
def package(
    source: Annotated[
        Path,
        typer.Argument(help="A saved model, a folder with model.toml, an MLflow model folder, models:/… or runs:/…"),
    ],
    name: Annotated[str, typer.Option(help="The model's name.")] = "",
    inputs: Annotated[Path | None, typer.Option(help="Rows to prove the package with: CSV, JSON or Parquet.")] = None,
    reference: Annotated[Path | None, typer.Option(help="Rows that monitoring compares with.")] = None,
    requirements: Annotated[
        Path | None, typer.Option(help="What the model needs; by default what loading imports.")
    ] = None,
    python: Annotated[str, typer.Option(help="The model's Python, as 3.9.")] = "",
    predict: Annotated[str, typer.Option(help="The method to ask, as predict_proba.")] = "",
    code: Annotated[list[Path] | None, typer.Option(help="Code that the model needs.")] = None,
    metrics: Annotated[Path | None, typer.Option(help="A JSON file of names and numbers.")] = None,
    data: Annotated[str, typer.Option(help="Where the training data is.")] = "",
    explain: Annotated[
        str, typer.Option(help="How it tells reasons: native, shap, closed_form or shapley; by default what holds.")
    ] = "",
    output: Annotated[Path | None, typer.Option(help="The folder to write.")] = None,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Make a sealed package of a trained model; needs no server."""
    from tenure.app.packaging import PackageSource
    from tenure.app.packaging import package as make

    screen = Screen(json, quiet)
    described = PackageSource(
        source=source,
        name=name,
        inputs=inputs,
        reference=reference,
        requirements=requirements or (),
        python=python,
        predict=predict,
        code=tuple(code or ()),
        metrics=metrics,
        data=data,
        explain=explain,
    )
    with screen.waiting(f"packaging {name or source.name}") as progress:
        made = make(described, output, progress=progress)
    for note in made.notes:
        screen.say(note)
    found = {"name": made.manifest.name, "digest": made.digest, "sealed": made.sealed, "folder": str(made.folder)}
    screen.facts(found, "package")
    screen.say(f"next: tenure register {made.folder}")


@waits
def register(
    package: Annotated[Path, typer.Argument(help="A package folder.", exists=True, file_okay=False)],
    reason: Reason = "",
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Give a package a version number, after it has reproduced its golden outputs here."""
    screen = Screen(json, quiet)
    with opened() as tenure, screen.waiting(f"registering {package}: rebuild its environment, load, reproduce outputs"):
        found = tenure.upload("versions:register", package.absolute(), reason=reason)
    again = "  (the same bytes were registered before)" if found["again"] else ""
    screen.facts(found, f"{found['ref']}{again}", ("stage", "aliases", "metrics", "python", "digest"))


def versions(
    model: Annotated[str | None, typer.Argument(help="A model; without one, all models.")] = None,
    name: Named = "",
    stage: Annotated[str, typer.Option(help="A model's versions at one stage.")] = "",
    limit: Limit = None,
    cursor: Cursor = None,
    everything: All = False,
    json: Json = False,
) -> None:
    """List a model's versions, or all models."""
    screen, pages = Screen(json), Pages(limit, cursor, everything)
    with opened() as tenure:
        if model is None:
            found = pages.of(tenure, "models:list", name=name)
            pages.show(screen, found, ("model", "champion", "aliases", "versions"), "no model is registered yet")
            return
        found = pages.of(tenure, "versions:list", model=model, stage=stage)
    pages.show(screen, found, _COLUMNS, f"{model} has no version" + (f" that is {stage}" if stage else ""))


def show(
    ref: Annotated[str, typer.Argument(help="churn/2, churn@champion, a model or an application.")],
    yaml: Annotated[bool, typer.Option("--yaml", help="An application's file, with its comments.")] = False,
    json: Json = False,
) -> None:
    """Show a version, a model or an application."""
    screen = Screen(json)
    with opened() as tenure:
        found = _shown(tenure, ref)
    if "source" in found:
        show_revision(screen, found, yaml=yaml)
    elif "manifest" in found and not screen.as_json:
        screen.facts(found | _of_package(found["manifest"]) | {"seal": _told_of(found["seal"])}, ref)
        screen.say("the whole manifest: tenure show --json")
    else:
        screen.facts(found, ref)


def _shown(tenure: Any, ref: str) -> Any:
    from tenure.entrypoints.cli.names import either, is_model, numbered

    if "@" in ref:
        return tenure.call("versions:show", **version_at(ref))
    name, number = numbered(ref)
    if is_model(tenure, name):
        return tenure.call("versions:show", **version_at(ref)) if number else tenure.call("models:show", model=name)
    with either(name):
        return tenure.call("applications:show", application=name, revision=number)


def _told_of(seal: dict[str, Any]) -> str:
    """Return in words what a version's newest restore did without, and why not without more."""
    without = ["a network"] if seal["level"] != "S1" else []
    without += ["the machine's interpreters"] if seal["hidden"] else []
    without += ["its shared libraries but glibc"] if seal["level"] == "S3" else []
    proven = f"restored without {', '.join(without)}" if without else "no restore without a network"
    return f"{proven}; {seal['why']}" if seal["why"] else proven


def _of_package(manifest: dict[str, Any]) -> dict[str, Any]:
    """Return what of a manifest a person wants to see, in place of the manifest."""
    return {
        "manifest": None,
        "inputs": [f"{field['name']} {field['type']}" for field in manifest["inputs"]],
        "outputs": [f"{field['name']} {field['type']}" for field in manifest["outputs"]],
        "requirements": manifest.get("requirements", []),
        "batch": manifest.get("batch"),
    }


def compare(
    left: Ref,
    right: Annotated[str, typer.Argument(metavar="MODEL/VERSION")],
    since: Annotated[
        str | None, typer.Option(help="Live requests since then, as 7d; by default since both are in service.")
    ] = None,
    json: Json = False,
) -> None:
    """Show in what two versions differ: contract, metrics, and what they said to the same live requests."""
    screen = Screen(json)
    with opened() as tenure:
        found = tenure.call("versions:compare", **version_at(left), other=right, since=since)
    rows = [{"what": d["what"], found["left"]: d["left"], found["right"]: d["right"]} for d in found["differences"]]
    screen.table(found, rows, ("what", found["left"], found["right"]), "they are the same")
    if not screen.as_json:
        _show_live(screen, found)


_MEASURED = ("pairs", "mean_difference", "mean_absolute_difference", "p95_absolute_difference", "largest_difference")


def _show_live(screen: Screen, found: dict[str, Any]) -> None:
    live = found["live"]
    roles = "   ".join(f"{ref}: {role}" for ref, role in found["roles"].items())
    screen.say(f"live     {roles}   asked {live['seen_left']} and {live['seen_right']} times")
    if live["pairs"]:
        gaps = {name: live[name] for name in _MEASURED} | {"psi": live["psi"]}
        gaps |= {"answers that differ": f"{live['disagreements']} ({live['disagreement_share']:.2%})"}
        screen.facts(gaps, f"the same requests: {live['score'] or 'answers'} of {live['right']} less {live['left']}")
    elif live["seen_left"] and live["seen_right"]:
        means = {name: live[name] for name in ("mean_left", "mean_right", "apart_psi")}
        screen.facts(means, f"requests of their own: {live['score']}")
    for one in live["performance"]:
        paired = "the same requests" if one["paired"] else "requests of their own"
        measures = [
            {"measure": name, live["left"]: value, live["right"]: one["right"].get(name)}
            for name, value in one["left"].items()
        ]
        screen.say(
            f"{one['application']}, outcome {one['outcome']}, {paired}: {one['labelled_left']} and {one['labelled_right']}"
        )
        screen.table(one, measures, ("measure", live["left"], live["right"]))
    for one in live["examples"][:3]:
        screen.say(f"differs  {one['decision']}: {readable(one['left_answer'])} | {readable(one['right_answer'])}")


def history(
    ref: Annotated[str, typer.Argument(help="A model, one of its versions or aliases, or an application.")],
    as_of: Annotated[str | None, typer.Option(help="A moment, as 2026-11-23T12:00:00Z: what served then.")] = None,
    json: Json = False,
) -> None:
    """Show what served when, who changed it and why."""
    screen = Screen(json)
    with opened() as tenure:
        found = _history(tenure, ref, as_of)
    if screen.as_json:
        screen.document(found)
        return
    events = found["events"] if isinstance(found, dict) else found
    if isinstance(found, dict) and (found["served"] or as_of):
        screen.table(found, found["served"], ("at", "alias", "ref", "actor", "action", "reason"), "nothing served then")
    if not as_of or events is found:
        columns = tuple(events[0]) if events and "action" not in events[0] else _EVENTS
        screen.table(found, events, columns, "nothing was in force then" if as_of else "nothing yet")


_EVENTS = ("at", "actor", "action", "target", "reason")


def _history(tenure: Any, ref: str, as_of: str | None) -> Any:
    from tenure.entrypoints.cli.names import either, is_model

    if "@" in ref:
        return alias_history(tenure, ref, as_of)
    name, _, number = ref.partition("/")
    if number and is_model(tenure, name):
        return tenure.call("versions:history", **version_at(ref), as_of=as_of)
    if is_model(tenure, name):
        return tenure.call("models:history", model=name, as_of=as_of)
    with either(name):
        return tenure.call("applications:history", application=name, as_of=as_of)


def alias_history(tenure: Any, ref: str, as_of: str | None) -> Any:
    """Return of a model's history what one of its aliases pointed to."""
    name, _, alias = ref.partition("@")
    found = tenure.call("models:history", model=name, as_of=as_of)
    return {**found, "served": [one for one in found["served"] if one["alias"] == alias]}


def logs(
    ref: Ref, lines: Annotated[int, typer.Option(help="How many of the newest.")] = 200, json: Json = False
) -> None:
    """Show the newest lines of a version's worker."""
    with opened() as tenure:
        found = tenure.call("versions:logs", **version_at(ref), lines=lines)
    Screen(json).text(found, "\n".join(found["lines"]))


@waits
def deploy(
    ref: Ref,
    role: Annotated[
        Literal["champion", "warm", "shadow", "canary"] | None,
        typer.Option(
            "--as", help="shadow sees every request and never answers; canary answers a share; warm ends either."
        ),
    ] = None,
    share: Annotated[
        float | None, typer.Option(help="A canary's part of the entities, as 0.1 (the default); 0 ends it.")
    ] = None,
    reason: Reason = "",
    json: Json = False,
) -> None:
    """Bring a version into service, or change what it does there: champion if the model has none, else warm."""
    given = {"as": role, "share": share, "reason": reason}
    _move(
        Screen(json),
        "versions:deploy",
        ref,
        f"deploying {ref}: start its worker, wait until every gateway knows it",
        given,
    )


@waits
def promote(
    ref: Ref,
    reason: Annotated[str, typer.Option("--reason", help="Why.")],
    json: Json = False,
) -> None:
    """Make a version the champion; nothing else moves `champion`."""
    _move(Screen(json), "versions:promote", ref, f"promoting {ref}: switch every gateway", {"reason": reason})


@waits
def decommission(
    ref: Ref,
    reason: Annotated[str, typer.Option("--reason", help="Why.")],
    successor: Annotated[str | None, typer.Option(help="The version that does its work now.")] = None,
    json: Json = False,
) -> None:
    """Take a version out of service for good reasons; refused while anything depends on it."""
    given = {"reason": reason, "successor": successor}
    _move(Screen(json), "versions:decommission", ref, f"decommissioning {ref}: drain, stop its worker", given)


@waits
def archive(
    ref: Ref,
    reason: Reason = "archived",
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Archive a decommissioned version, after proving that it can be restored."""
    text = f"archiving {ref}: rebuild it from its second copy, reproduce outputs"
    _move(Screen(json, quiet), "versions:archive", ref, text, {"reason": reason})


@waits
def restore(
    ref: Ref,
    reason: Reason = "restored",
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Make an archived version deployable again."""
    text = f"restoring {ref}: rebuild its environment, reproduce outputs"
    _move(Screen(json, quiet), "versions:restore", ref, text, {"reason": reason})


def approve(
    ref: Annotated[str, typer.Argument(metavar="REF", help="A version as churn/2, or a revision as churn-offers/13.")],
    reason: Annotated[str, typer.Option("--reason", help="Why.")],
    json: Json = False,
) -> None:
    """Approve a version for service, or an application's revision."""
    from tenure.entrypoints.cli.names import is_model

    with opened() as tenure:
        is_version = "@" in ref or is_model(tenure, ref.partition("/")[0])
        found = None if is_version else tenure.call("applications:approve", **revision_at(ref), reason=reason)
    if found is None:
        _move(Screen(json), "versions:approve", ref, f"approving {ref}", {"reason": reason})
    else:
        show_approved(Screen(json), found)


def _move(screen: Screen, action: str, ref: str, text: str, given: dict[str, Any]) -> None:
    with opened() as tenure, screen.waiting(text):
        found = tenure.call(action, **version_at(ref), **given)
    standing = found.get("role") or found.get("stage", "")
    screen.facts(found, f"{found['ref']}  {standing}", _MOVED)
    if proof := found.get("proof"):
        screen.say(proven_line(proof))


def proven_line(proof: dict[str, Any]) -> str:
    """Return what a restore showed, and how long the version is kept from now on where that began."""
    rows, verdict, seconds = proof["rows"], proof["verdict"], proof["seconds"]
    level = proof.get("seal", {}).get("level", "")
    told = f"proven: restored from its {proof['source']} in {seconds:.0f} s, {rows} golden rows {verdict}"
    kept = (
        f"\nkept until {proof['keep_until'][:10]} (class {proof['retention_class']})" if "keep_until" in proof else ""
    )
    return told + (f", seal level {level}" if level else "") + kept


@waits
def rollback(
    name: Annotated[str, typer.Argument(metavar="MODEL|APPLICATION")],
    reason: Annotated[str, typer.Option("--reason", help="Why.")],
    to: Annotated[int | None, typer.Option(help="The version or revision; by default the one before.")] = None,
    json: Json = False,
) -> None:
    """Take the last change back: a model's champion, or an application's revision."""
    from tenure.entrypoints.cli.names import either, is_model

    screen = Screen(json)
    with opened() as tenure, screen.waiting(f"rolling {name} back: switch every gateway"):
        if is_model(tenure, name):
            found = tenure.call("models:rollback", model=name, to=to, reason=reason)
        else:
            with either(name):
                found = tenure.call("applications:rollback", application=name, to=to, reason=reason)
    screen.facts(found, f"{name} rolled back")


_BEFORE_REPAIR = (
    "tenure verify --repair heals what has an intact second copy; the rest comes from a backup (tenure up --from DIR)"
)
_AFTER_REPAIR = (
    "no intact copy is here: register the package again, or bring it back from a backup (tenure up --from DIR)"
)


@waits
def verify(
    ref: Annotated[
        str, typer.Argument(metavar="[REF]", help="One version; without one, all that the home holds.")
    ] = "",
    repair: Annotated[
        bool,
        typer.Option("--repair", help="First heal damaged files from their other copy; the audit trail says which."),
    ] = False,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Check that everything is as it was written; exit 1 if anything is not."""
    screen = Screen(json, quiet)
    with opened() as tenure, screen.waiting(f"verifying {ref or 'the home'}: read every byte"):
        mended = tenure.call("repair") if repair else {}
        found = tenure.call("verify", ref=ref) | mended
    screen.facts(found, "intact" if found["intact"] else "NOT intact", [*mended, "checked"])
    if not found["intact"]:
        for problem in found["problems"]:
            screen.say(f"  {problem}")
        screen.say(f"next: {_AFTER_REPAIR if repair else _BEFORE_REPAIR}")
        raise typer.Exit(1)
    if found["restorable"]:
        screen.say(restorable_line(found["restorable"]))


def restorable_line(found: dict[str, Any]) -> str:
    """Return what the last restores came to, as a sentence, and what was not proven with why."""
    proven = f", last proven {found['oldest_proof']} or later" if found["oldest_proof"] else ""
    line = f"restorable today: {found['proven']} of {found['versions']}{proven}"
    return "\n  ".join([line, *found["unproven"], *(["next: tenure drill"] if found["unproven"] else [])])


_WAYS = {"worker": "its running worker", "process": "a process of its own"}


@waits
def run(
    ref: Ref,
    input: Annotated[Path, typer.Option("--input", help="Rows: CSV, JSON, JSON lines or Parquet.", exists=True)],  # noqa: A002
    output: Annotated[
        Path | None, typer.Option("--output", help="Where the outputs go; by default the screen.")
    ] = None,
    json: Json = False,
) -> None:
    """Run rows through any version ever registered, in its own environment; changes no stage."""
    from tenure.entrypoints.cli.rows import read_rows, typed_in, write_rows
    from tenure.entrypoints.cli.streams import check_writable

    screen = Screen(json)
    if output is not None:
        check_writable(output)
    at = version_at(ref)
    with opened(runs=ref) as tenure, screen.waiting(f"running {ref}: start it in its own environment"):
        fields = tenure.call("versions:show", **at)["manifest"]["inputs"]
        rows = typed_in(input, read_rows(input), {field["name"]: field["type"] for field in fields})
        found = tenure.call("versions:run", **at, rows=rows)
    outputs = [given or {"error": error} for given, error in zip(found["outputs"], found["errors"], strict=True)]
    if output is not None:
        write_rows(output, outputs)
    screen.table(found, outputs[:50], tuple(dict.fromkeys(name for each in outputs for name in each)))
    parts = ", ".join(f"{name} {took:.2f} s" for name, took in found["seconds"].items() if took)
    screen.say(f"{len(outputs)} rows by {_WAYS[found['way']]}: {parts}")
    if any(found["errors"]):
        raise typer.Exit(1)
