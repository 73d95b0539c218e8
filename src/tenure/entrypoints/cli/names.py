"""Models and applications share one name space; a command that takes either asks which one a name is."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tenure.entrypoints.cli.caller import Caller


def is_model(tenure: Caller, name: str) -> bool:
    """Return whether a model of this name exists."""
    return any(each["model"] == name for each in tenure.call("models:list"))
