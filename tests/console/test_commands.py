"""What the console offers to be copied are commands that there are, with options that they have."""

import re
from pathlib import Path
from typing import Any

from typer.main import get_command

from tenure.entrypoints.cli.main import build

SOURCE = Path(__file__).parents[2] / "console/src/kit/commands.ts"


def test_every_command_to_be_copied_exists_with_its_options() -> None:
    table = SOURCE.read_text().partition("const COMMANDS")[2]
    written = re.findall(r"tenure ([a-z][^`\n]*)", table)
    assert len(written) > 30
    tenure = get_command(build())
    unknown = [line for line in written if not fits(line, tenure)]
    assert not unknown


def fits(line: str, command: Any) -> bool:
    """Return whether the words before the first argument name a command that has every option of the line."""
    words = re.findall(r"^[a-z -]*", line)[0].split()
    while words and words[0] in getattr(command, "commands", {}):
        command = command.commands[words.pop(0)]
    if command.name is None:
        return False
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    named = {
        f"--{name.replace('_', '-')}"
        for group in re.findall(r"options\(given, ([^)]*)\)", line)
        for name in re.findall(r'"(\w+)"', group)
    }
    return named | set(re.findall(r"--[a-z-]+", line)) <= known
