"""The command `why`: on one screen, how a decision came about."""

from collections import Counter
from typing import Annotated, Any

import typer

from tenure.entrypoints.cli.caller import opened
from tenure.entrypoints.cli.screen import Json, Screen, readable

#: items of a list that are shown; --json shows all
_FEW = 10
_AGES = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def why(
    decision_id: Annotated[str, typer.Argument(metavar="ID", help="A decision's id.")],
    rule_not: Annotated[str | None, typer.Option("--not", help="A rule, or RULE:ROW: why did it not answer?")] = None,
    json: Json = False,
) -> None:
    """Show how a decision came about: what was known, each rule with its values, the model, reasons, answer."""
    screen = Screen(json)
    with opened() as tenure:
        found = tenure.call("decisions:why", decision=decision_id, **{"not": rule_not})
    if screen.as_json:
        screen.document(found)
        return
    if rule_not:
        screen.say(f"{rule_not}: {found['why_not']}")
        return
    _show(screen, found)


def _show(screen: Screen, found: dict[str, Any]) -> None:
    who = f"{found['application']}/{found['revision']}"
    screen.say(f"{found['decision_id']}  {who}  {found['at']}  {found['status']}")
    screen.table(found, _inputs(found), ("name", "value", "source", "age"))
    screen.table(
        found, [_rule(one) for one in found["rules"]], ("rule", "stage", "came_to", "read", "last_changed"), "no rules"
    )
    for one in found["rules"]:
        for line in _changes(one["outputs"]):
            screen.say(f"changed  {one['rule']}: {line}")
    if found["model"]:
        screen.say(f"model    {found['model']}: {readable(found['output']) or 'gave no output'}")
    for reason in found["reasons"]:
        screen.say(f"reason   {reason['code']} {reason['text']} ({reason['source']})")
    screen.say(f"answer   {readable(found['answer'])}   by {found['decided_by']}: {found['closed_by']}")
    for one in found["beside"]:
        screen.say(_beside(found, one))
    screen.say(found["url"])


def _changes(outputs: list[dict[str, Any]]) -> list[str]:
    """Return a line for each output that a rule changed; of the lists that go along with one another for the first alone."""
    lists = [made for made in outputs if isinstance(made["before"], list) and isinstance(made["after"], list)]
    single = [made for made in outputs if made not in lists]
    lines = [f"{made['name']} {readable(made['before'])} → {readable(made['after'])}" for made in single]
    for made in lists[:1]:
        gone = [item for item in made["before"] if item not in made["after"]]
        what = f"without {_short(gone)}" if gone else f"now {_short(made['after'])}"
        lines.append(f"{made['name']} {len(made['before'])} → {len(made['after'])} items, {what}")
    return lines


def _short(value: Any) -> Any:
    """Return a value as it fits on a screen: of a long list its beginning."""
    if isinstance(value, list) and len(value) > _FEW:
        return f"{readable(value[:_FEW])} … {len(value)} in all"
    return readable(value) if isinstance(value, list) else value


def _beside(found: dict[str, Any], one: dict[str, Any]) -> str:
    """Return the line of what did not answer, with what it would have answered."""
    trial = one["revision"] != found["revision"]
    who = f"trial    {found['application']}/{one['revision']}" if trial else f"shadow   {one['model']}"
    if one["error"]:
        return f"{who}: would refuse the request: {one['error']}"
    said = f"{readable(one['output']) or one['failure']} → " if one["model"] else ""
    return f"{who}: {said}{readable(one['answer'])}{'   differs' if one['differs'] else ''}"


def _inputs(found: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a line for each input; what a view said of single items is one line, or it would fill screens."""
    single = [one for one in found["inputs"] if f"{one['source']}[" not in one["name"]]
    items = Counter(one["source"] for one in found["inputs"] if f"{one['source']}[" in one["name"])
    columns = Counter(read["view"] for read in found["features"])
    lines = [_input(one) for one in single]
    lines += [
        {"name": f"{view}[…]", "value": f"of {columns[view]} items", "source": view, "age": "--json shows it"}
        for view in items
    ]
    return lines


def _input(one: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": one["name"],
        "value": _short(one["value"]),
        "source": one["source"] + (" (default)" if one["defaulted"] else ""),
        "age": "" if one["source"] in {"request", "not sent"} else _age(one["age"]),
    }


def _age(seconds: float | None) -> str:
    """Return an age in its largest unit, as people say it; what became known after the event time has a negative one."""
    if seconds is None:
        return "never known"
    size, unit = next(((size, unit) for size, unit in _AGES if abs(seconds) >= size), (1, "s"))
    return f"{seconds / size:.3g} {unit}" if seconds >= 0 else f"known {-seconds / size:.3g} {unit} after"


def _rule(one: dict[str, Any]) -> dict[str, Any]:
    row = f", row {one['row']}" if one["row"] and one["verdict"] == "fired" else ""
    changed = (
        f"{one['changed_at'][:10]} {one['changed_by']} (revision {one['changed_in']})" if one["changed_by"] else ""
    )
    return {
        "rule": one["rule"],
        "stage": one["stage"],
        "came_to": one["verdict"] + row,
        "read": {name: _short(value) for name, value in one["values"].items()},
        "last_changed": changed,
    }
