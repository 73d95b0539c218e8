"""What people call those who act: a token by its name, everybody else by what the chain has."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenure.app.control import Control


def known_as(control: Control) -> Callable[[str], str]:
    """Return what gives for an actor's id what people know it by, as the audit log shows it; the names are read once."""
    names = control.tokens.names()
    return lambda actor: names.get(actor, actor)
