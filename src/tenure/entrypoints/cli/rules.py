"""Commands for rules: check a file, run its tests, try it on old decisions."""

from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from tenure.client.connection import RemoteProblem
from tenure.entrypoints.cli.caller import following, opened
from tenure.entrypoints.cli.names import numbered
from tenure.entrypoints.cli.screen import Json, Screen, document_of, readable, waits
from tenure.kit.errors import TenureError

File = Annotated[Path, typer.Argument(help="An application.yaml.", exists=True, dir_okay=False)]

_EXAMPLES = ("decision_id", "rule_before", "rule_after", "before", "after")


def check(file: File, json: Json = False) -> None:
    """Check a file, its decision tables and its tests: everything that is wrong, each with its place."""
    screen = Screen(json)
    with opened() as tenure:
        try:
            found = tenure.call("rules:check", **source_of(file))
        except TenureError as error:
            if not show_problems(screen, file, error):
                raise
            raise typer.Exit(1) from error
    screen.facts(found, f"{file} is right")


def run_tests(file: File, json: Json = False) -> None:
    """Run the tests that stand beside the rules, and show which rules and rows no test reaches."""
    screen = Screen(json)
    with opened() as tenure:
        try:
            found = tenure.call("rules:test", **source_of(file))
        except TenureError as error:
            if not show_problems(screen, file, error):
                raise
            raise typer.Exit(1) from error
    if screen.as_json:
        screen.document(found)
    else:
        _show_tests(screen, file, found)
    if not found["passed"]:
        raise typer.Exit(1)


@waits
def backtest(
    source: Annotated[str, typer.Argument(metavar="FILE|APPLICATION/REVISION", help="What is tried.")],
    last: Annotated[int, typer.Option(help="On so many of the newest decisions.")] = 100_000,
    model: Annotated[
        str | None, typer.Option(help="Ask this version anew, as churn/2; else outputs as logged.")
    ] = None,
    decision: Annotated[str | None, typer.Option(help="On this one decision alone.")] = None,
    by: Annotated[list[str] | None, typer.Option(help="Count also by this field of the request.")] = None,
    json: Json = False,
) -> None:
    """Try changed rules on old decisions: how many answers would differ, where, and which."""
    screen = Screen(json)
    tried = _tried(source)
    text = f"trying {source} on {decision or f'the last {last} decisions'}"
    with opened() as tenure, screen.following(text, following(tenure, "rules:backtest")):
        try:
            found = tenure.call(
                "rules:backtest", **tried, last=last, version=model, decision=decision, by=list(by or ())
            )
        except TenureError as error:
            if not show_problems(screen, Path(source), error):
                raise
            raise typer.Exit(1) from error
    if screen.as_json:
        screen.document(found)
    else:
        show_backtest(screen, found)


def evaluate(
    source: Annotated[str, typer.Argument(metavar="FILE|APPLICATION[/REVISION]", help="What answers.")],
    request: Annotated[str, typer.Option(help="The request, as JSON.")],
    model: Annotated[str | None, typer.Option(help="Ask this version, as churn/2; else the one in service.")] = None,
    features: Annotated[str | None, typer.Option(help='Instead of what views hold, as JSON: {"view": {…}}.')] = None,
    output: Annotated[str | None, typer.Option(help="Instead of asking a version, as JSON.")] = None,
    json: Json = False,
) -> None:
    """Answer one request without deciding it: every step is shown, nothing is logged."""
    screen = Screen(json)
    given = {
        "request": _parsed("--request", request),
        "features": _parsed("--features", features or "{}"),
        "output": None if output is None else _parsed("--output", output),
        "version": model,
    }
    with opened() as tenure:
        found = tenure.call("rules:evaluate", **_tried(source, active=True), **given)
    if screen.as_json:
        screen.document(found)
        return
    for one in found["rules"]:
        screen.say(f"{one['rule']}: {one['verdict']}  {one['when']}  {readable(one['values'])}")
    if found["version"]:
        screen.say(f"{found['version']} says {readable(found['output'])}{found['failure']}")
    screen.say(f"{readable(found['answer'])} by {found['closed_by']} ({found['status']}); nothing was logged")


def _parsed(option: str, text: str) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise typer.BadParameter(f"{error}: a JSON object is needed", param_hint=option) from error
    if not isinstance(found, dict):
        raise typer.BadParameter("a JSON object is needed", param_hint=option)
    return found


def source_of(file: Path) -> dict[str, Any]:
    """Return the text of an application.yaml and of the table files that it names and that lie beside it."""
    from tenure.app import table_files

    return table_files.source_of(file)


def _tried(source: str, *, active: bool = False) -> dict[str, Any]:
    if Path(source).is_file():
        return source_of(Path(source))
    if active and "/" not in source:
        return {"application": source}
    if not source.partition("/")[2].isdecimal():
        raise typer.BadParameter(f"{source!r} is neither a file nor APPLICATION/REVISION", param_hint="SOURCE")
    application, number = numbered(source)
    return {"application": application, "revision": number}


def show_problems(screen: Screen, file: Path, error: TenureError) -> bool:
    """Show every problem of a refused file with its place; return whether it was refused for such."""
    document = document_of(error)
    problems = document.get("problems")
    if document.get("code") != "broken-definition" or not isinstance(problems, list):
        return False
    for problem in problems:
        problem["file"] = str(file.parent / problem["file"] if problem.get("file") else file)
        problem["next_step"] = problem.get("add") or f"correct it, then: tenure rules check {file}"
    if screen.as_json:
        screen.document({"file": str(file), "problems": problems})
        return True
    for problem in problems:
        screen.say(_problem(problem))
    screen.say(f"{len(problems)} problem{'s' * (len(problems) != 1)}; correct them, then: tenure rules check {file}")
    return True


def naming(file: Path, error: TenureError) -> TenureError:
    """Return the refusal of a file with its name, which only the command knows; other errors as they are."""
    document = document_of(error)
    if document.get("code") == "overtaken":
        next_step = str(document["next_step"]).replace("FILE", str(file))
        return RemoteProblem({**document, "next_step": next_step, "file": str(file)})
    if document.get("code") != "broken-definition":
        return error
    detail = str(document["detail"]).replace("the definition is refused", f"{file} is refused", 1)
    next_step = str(document["next_step"]).replace("FILE", str(file))
    return RemoteProblem({**document, "detail": detail, "next_step": next_step, "file": str(file)})


def _problem(problem: dict[str, Any]) -> str:
    where = f" {problem['path']}:" if problem["path"] else ""
    lines = "".join(f"\n    add: {line}" for line in problem["add"].splitlines())
    return f"{problem['file']}:{problem['line']}:{problem['column']}:{where} {problem['why']}{lines}"


def _show_tests(screen: Screen, file: Path, found: dict[str, Any]) -> None:
    for one in found["tests"]:
        if not one["passed"]:
            screen.say(f"test {one['number']} FAILED")
            for problem in one["problems"]:
                screen.say(f"  {problem}")
    failed = sum(not one["passed"] for one in found["tests"])
    rows = [{**one, "rows_missed": _some(one["rows_missed"])} for one in found["coverage"]]
    screen.table(found, rows, ("rule", "fired", "rows", "rows_missed"))
    missed = [one["rule"] for one in found["coverage"] if not one["fired"]]
    if missed:
        screen.say(f"no test reaches: {', '.join(missed)}")
    screen.say(f"{len(found['tests']) - failed} of {len(found['tests'])} tests of {file} passed")


def _some(numbers: list[int]) -> str:
    return readable(numbers[:12]) + (f" and {len(numbers) - 12} more" if len(numbers) > 12 else "")


def show_backtest(screen: Screen, found: dict[str, Any]) -> None:
    """Show what a definition would change, as its approver reads it."""
    compared, changed = found["compared"], found["changed"]
    share = f" ({changed / compared:.2%})" if compared else ""
    screen.say(
        f"back-test: {changed} of {compared} answers would change{share}; {found['seconds']:.1f} s, {found['at']}"
    )
    if found["refused"]:
        screen.say(f"  {found['refused']} requests would be refused")
    if found["reviews"]:
        screen.say(f"  {found['reviews']} would go to a person who did not, or the other way round")
    for why, count in found["incomparable"].items():
        screen.say(f"  {count} could not be compared: {why}")
    for way, count in list(found["ways"].items())[:10]:
        screen.say(f"  {count:>8}  {way}")
    if changed_in := [one for one in found["segments"] if one["changed"]]:
        screen.table(found, changed_in[:30], ("segment", "value", "compared", "changed"))
    screen.table(found, found["examples"], _EXAMPLES, "no answer changes")
