"""Every command asks for an action that exists, with parameters that it has; read off the commands' own source."""

from __future__ import annotations

import ast
from pathlib import Path

import msgspec
import pytest

import tenure.entrypoints.cli as cli
from tenure.app.actions import ACTIONS, named
from tenure.entrypoints.cli.main import COMMANDS, GROUPS
from tenure.entrypoints.cli.versions import alias_history

FOLDER = Path(cli.__file__).parent


def calls():
    for file in sorted(FOLDER.glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if not isinstance(node, ast.Call) or not node.args or not isinstance(node.func, ast.Attribute):
                continue
            asks = node.func.attr in {"call", "upload"}
            # A command that lists asks `pages.of(tenure, ACTION, …)`.
            action = node.args[1] if node.func.attr == "of" and len(node.args) == 2 else node.args[0]
            if (asks or action is not node.args[0]) and isinstance(action, ast.Constant):
                yield f"{file.name}:{node.lineno}", action.value, [each.arg for each in node.keywords if each.arg]


@pytest.mark.parametrize(("place", "action", "given"), list(calls()))
def test_a_command_gives_an_action_only_parameters_that_it_has(place, action, given):
    fields = {field.encode_name for field in msgspec.structs.fields(named(action).input)}
    assert set(given) <= fields, place


def test_every_action_has_a_command():
    moved = {"versions:approve", "versions:deploy", "versions:promote", "versions:decommission", "versions:archive"}
    asked = {action for _, action, _ in calls()} | moved | {"versions:restore"}
    assert {action.name for action in ACTIONS} - asked == set()


def test_every_command_says_what_it_does():
    commands = [
        command
        for group in (*COMMANDS.values(), *(group for _, _, group in GROUPS.values()))
        for command in group.values()
    ]
    assert len(commands) > 30
    assert all(command.__doc__ for command in commands)


def test_the_history_of_an_alias_is_what_it_pointed_to():
    served = [{"alias": "champion", "ref": "churn/1"}, {"alias": "challenger", "ref": "churn/2"}]

    class Told:
        def call(self, action, **given):
            assert (action, given) == ("models:history", {"model": "churn", "as_of": "2026-11-01"})
            return {"served": served, "events": []}

    assert alias_history(Told(), "churn@champion", "2026-11-01") == {"served": served[:1], "events": []}
