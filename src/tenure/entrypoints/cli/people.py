"""Commands for what people make of decisions: resolve one, see which wait, see how often answers were changed."""

import json as json_text
from typing import Annotated, Any

import typer

from tenure.entrypoints.cli.caller import opened
from tenure.entrypoints.cli.decisions import Id
from tenure.entrypoints.cli.listing import All, Cursor, Limit, Pages
from tenure.entrypoints.cli.screen import Json, Screen

_REVIEWS = (
    "application", "queue", "what", "since", "decision_id", "answer", "proposed", "proposed_by", "rules",
)  # fmt: skip
_RATES = ("name", "resolved", "changed", "share")


def resolve(
    decision_id: Id,
    reason: Annotated[str, typer.Option("--reason", help="Why, in your words.")],
    answer: Annotated[
        list[str] | None,
        typer.Option("--answer", help="The whole answer as JSON, or key=value for a part of it; else it stays."),
    ] = None,
    code: Annotated[str, typer.Option(help="The reason's code; overrides are counted by it.")] = "",
    confirm: Annotated[bool, typer.Option("--confirm", help="Put in force what another person proposed.")] = False,
    json: Json = False,
) -> None:
    """Review a decision, or override its answer; the decision itself is never edited."""
    screen = Screen(json)
    with opened() as tenure:
        new = _answer(answer, lambda: tenure.call("decisions:show", decision=decision_id)["answer"])
        found = tenure.call(
            "decisions:resolve", decision=decision_id, answer=new, code=code, reason=reason, confirm=confirm
        )
    title = f"{decision_id} waits for a second person" if found["pending"] else f"{decision_id} resolved"
    screen.facts(found, title)
    if gone := parts_gone(found["before"], found["after"]):
        screen.say(f"no longer in the answer: {', '.join(gone)} (a part alone is changed by --answer key=value)")


def parts_gone(before: Any, after: Any) -> list[str]:
    """Return what stood in an answer and stands in the new one no more: a whole one is easily written with less than was meant."""
    return (
        [name for name in before if name not in after] if isinstance(before, dict) and isinstance(after, dict) else []
    )


def _answer(given: list[str] | None, in_force: Any) -> dict[str, Any] | None:
    """Return the whole new answer: JSON as it is, or the answer in force with some of its values changed."""
    if not given:
        return None
    if len(given) == 1 and given[0].lstrip().startswith("{"):
        return _whole(given[0])
    parts = [each.partition("=") for each in given]
    if not all(name and equals for name, equals, _ in parts):
        raise typer.BadParameter("--answer is a JSON object, or key=value")
    return {**in_force(), **{name: _value(text) for name, _, text in parts}}


def _whole(text: str) -> dict[str, Any]:
    try:
        found = json_text.loads(text)
    except ValueError as error:
        raise typer.BadParameter(f"--answer is no JSON: {error}") from error
    return dict(found)


def _value(text: str) -> Any:
    """Return `10`, `true`, `[1]` as what they are in JSON, anything else as text."""
    try:
        return json_text.loads(text)
    except ValueError:
        return text


def reviews(
    application: Annotated[str, typer.Option(help="Of one application.")] = "",
    queue: Annotated[str, typer.Option(help="In one queue.")] = "",
    limit: Limit = None,
    cursor: Cursor = None,
    everything: All = False,
    json: Json = False,
) -> None:
    """List the decisions that wait for a person, by application, those that wait longest first; 100, if nothing is said."""
    pages = Pages(limit, cursor, everything, usual=100)
    with opened() as tenure:
        found = pages.of(tenure, "decisions:reviews", application=application, queue=queue)
    pages.show(Screen(json), found, _REVIEWS, "nothing waits for a person")


def overrides(
    application: Annotated[str, typer.Option(help="Of one application.")] = "",
    since: Annotated[str, typer.Option("--from", help="An age as 30d, or a moment.")] = "",
    until: Annotated[str, typer.Option("--to", help="An age or a moment.")] = "",
    json: Json = False,
) -> None:
    """Say how often people changed answers: in which direction, who, with which code."""
    screen = Screen(json)
    with opened() as tenure:
        found = tenure.call("decisions:overrides", application=application, since=since, until=until)
    if screen.as_json:
        screen.document(found)
        return
    tables = {"by_person", "by_code"}
    screen.facts({name: part for name, part in found.items() if name not in tables}, "overrides")
    for name in sorted(tables):
        if found[name]:
            screen.say(name.replace("_", " "))
            screen.table(found, found[name], _RATES)
