"""What people call those who act: a token by its name, everybody else by what the chain has."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenure.app.control import Control
    from tenure.kit.errors import TenureError

#: what errors call the person that they speak of
_PERSONS = ("actor", "author", "who")


def known_as(control: Control) -> Callable[[str], str]:
    """Return what gives for an actor's id what people know it by, as the audit log shows it; the names are read once."""
    names = control.tokens.names()
    return lambda actor: names.get(actor, actor)


def tell_by_name(control: Control, error: TenureError) -> None:
    """Have an error say of people what others know them by; who reads it knows no ids of tokens."""
    told = {name: error.facts[name] for name in _PERSONS if isinstance(error.facts.get(name), str)}
    if not told:
        # Most speak of nobody, and where the database is what failed it must not be asked for names.
        return
    known = known_as(control)
    named = {name: known(person) for name, person in told.items()}
    if named != told:
        error.facts |= named
        error.args = (error.message.format(**error.facts),)
