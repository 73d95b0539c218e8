"""Models and applications share one name space; a command that takes either asks which one a name is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from tenure.entrypoints.cli.caller import Caller

#: no number of a version or a revision has so many digits
_LONGEST = 10


def is_model(tenure: Caller, name: str) -> bool:
    """Return whether a model of this name exists."""
    return any(each["model"] == name for each in tenure.call("models:list"))


def numbered(text: str) -> tuple[str, int | None]:
    """Return the name and the number of `churn/2` or `churn-offers/13`, and None where it is a name alone."""
    name, slash, number = text.partition("/")
    if not slash:
        return name, None
    if not name or not (number.isascii() and number.isdecimal() and len(number) < _LONGEST):
        raise typer.BadParameter(f"{text!r} does not end in a number; write it as {name or 'churn'}/2")
    return name, int(number)
