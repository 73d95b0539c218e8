"""Models and applications share one name space; a command that takes either asks which one a name is."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import typer

from tenure.entrypoints.cli.screen import document_of
from tenure.kit.errors import Kind, TenureError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tenure.entrypoints.cli.caller import Caller

#: no number of a version or a revision has so many digits
_LONGEST = 10


class NothingCalledSo(TenureError):
    """A command that takes either life was given the name of neither."""

    code = "nothing-called-so"
    kind = Kind.NOT_FOUND
    message = "there is neither a model nor an application called {name}"
    next_step = "see `tenure versions` and `tenure applications` for those there are"


@contextlib.contextmanager
def either(name: str) -> Iterator[None]:
    """Raise `NothingCalledSo` where the block finds no application either; every other error passes."""
    try:
        yield
    except TenureError as error:
        if document_of(error)["code"] != "unknown-application":
            raise
        raise NothingCalledSo(name=name) from error


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
