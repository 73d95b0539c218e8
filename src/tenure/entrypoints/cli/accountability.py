"""Commands that say why a score came out as it did, and write a decision up."""

import base64
from pathlib import Path
from typing import Annotated, Any

import typer

from tenure.entrypoints.cli.caller import opened
from tenure.entrypoints.cli.screen import Json, Quiet, Screen, waits
from tenure.entrypoints.cli.streams import check_folder

_COLUMNS = ("feature", "value", "contribution", "source")

Id = Annotated[str, typer.Argument(metavar="ID", help="A decision's id.")]


@waits
def explain(
    decision_id: Id,
    method: Annotated[str, typer.Option(help="auto, closed_form, native or shapley.")] = "auto",
    output: Annotated[
        str | None, typer.Option(help="Which of the model's outputs; its first number if not said.")
    ] = None,
    json: Json = False,
) -> None:
    """Show what each input contributed to a decision's score, checked against the score that was served."""
    screen = Screen(json)
    with opened() as tenure, screen.waiting("explaining: rebuild and start the version that decided"):
        found = tenure.call("decisions:explain", decision=decision_id, method=method, output=output)
    if screen.as_json:
        screen.document(found)
        return
    screen.facts(_facts(found), f"explanation of {decision_id}")
    rows = [_shown(row) for row in found["contributions"]]
    sampled = any(row["standard_error"] is not None for row in rows)
    screen.table(found, rows, (*_COLUMNS, "standard_error") if sampled else _COLUMNS)
    screen.say(_sum(found))


@waits
def dossier(
    decision_id: Annotated[str | None, typer.Argument(metavar="[ID]", help="A decision's id.")] = None,
    model: Annotated[
        str | None, typer.Option(help="Instead of a decision: all about a model, for an examiner.")
    ] = None,
    since: Annotated[str | None, typer.Option("--from", help="The beginning of the span, as 2026-01-01.")] = None,
    until: Annotated[str | None, typer.Option("--to", help="Its end; now if not said.")] = None,
    samples: Annotated[int, typer.Option(help="How many decisions in full.")] = 5,
    seed: Annotated[str, typer.Option(help="What draws them.")] = "",
    output: Annotated[Path | None, typer.Option("--output", help="The HTML file, or for a model the archive.")] = None,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Write all that is known of a decision into one signed HTML file, or of a model into one signed archive."""
    screen = Screen(json, quiet)
    if output is not None:
        check_folder(output)
    if model is not None and decision_id is None:
        _pack(screen, model, {"since": since or "", "until": until, "samples": samples, "seed": seed}, output)
    elif decision_id is not None and model is None:
        _dossier(screen, decision_id, output)
    else:
        raise typer.BadParameter("name a decision, or a model: --model NAME --from 2026-01-01 --output pack.zip")


def _pack(screen: Screen, model: str, span: dict[str, Any], output: Path | None) -> None:
    if not span["since"]:
        raise typer.BadParameter("say since when: --from 2026-01-01")
    with opened() as tenure, screen.waiting(f"gathering all about {model}: replay and explain the sampled decisions"):
        found = tenure.call("models:dossier", model=model, **span)
    file = output or Path(f"{model}-pack.zip")
    file.write_bytes(base64.b64decode(found.pop("content")))
    told = found["document"]
    facts = {
        "file": str(file),
        "files": len(told["files"]),
        "decisions in full": len(told["sample"]["decisions"]),
        "digest": found["digest"],
        "signed by": found["key"],
    }
    if screen.as_json:
        screen.document({**found, "output": str(file)})
    else:
        screen.facts(facts, f"{model}, {told['from'][:10]} to {told['to'][:10]}")
        screen.say("to check it: unzip it, then python check.py")


def _dossier(screen: Screen, decision_id: str, output: Path | None) -> None:
    with opened() as tenure, screen.waiting("writing the dossier: replay and explain on the version that decided"):
        found = tenure.call("decisions:dossier", decision=decision_id)
    file = output or (None if screen.as_json else Path(f"dossier-{found['decision_id']}.html"))
    page = found.pop("page")
    if file is not None:
        file.write_text(page, encoding="utf-8")
    if screen.as_json:
        screen.document({**found, "output": str(file or "")})
        return
    told = found["dossier"]
    facts = {
        "file": str(file),
        "verdict": told["replay"]["verdict"],
        "digest": found["digest"],
        "signed by": found["key"],
    }
    screen.facts(facts, f"dossier of {decision_id}")


def _facts(found: dict[str, Any]) -> dict[str, Any]:
    baseline = found["baseline"]
    return {
        "model": found["model"],
        "target": found["target"],
        "served": repr(found["served"]),
        "method": found["method"],
        "scale": found["scale"],
        "baseline": f"{baseline['value']:.6g}, the mean over {baseline['source']}",
        "baseline digest": baseline["digest"],
        "url": found["url"],
    }


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    return {
        **row,
        "contribution": f"{row['contribution']:+.6g}",
        "value": "(personal)" if row["personal"] else row["value"],
    }


def _sum(found: dict[str, Any]) -> str:
    link = "" if found["scale"] == "score" else f", as a probability {found['served']:.6g}"
    return (
        f"baseline + contributions = {found['total']:.12g}{link}; "
        f"{found['difference']:.2g} from the score served, {found['allowed']:.2g} allowed"
    )
