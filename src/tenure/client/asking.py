"""From an action's name and parameters to the HTTP request that performs it: the client's side of the one table."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec

from tenure.kit.errors import Kind, TenureError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tenure.app.actions import Action

_PLACE = re.compile(r"\{(\w+)\}")


class UnknownAction(TenureError):
    """This Tenure has no action of the name."""

    code = "unknown-action"
    kind = Kind.NOT_FOUND
    message = "there is no action {action!r}"
    next_step = "update the client, or see /api/v1/openapi.json for what the server can do"


class Asked(msgspec.Struct, frozen=True):
    """One HTTP request: `query` for reading, `document` as the JSON body for everything else."""

    verb: str
    path: str
    query: dict[str, Any]
    document: dict[str, Any] | None


def named(actions: Sequence[Action], name: str) -> Action:
    """Return the action of this name; raise `UnknownAction` when there is none."""
    for action in actions:
        if action.name == name:
            return action
    raise UnknownAction(action=name)


def asked(action: Action, given: Mapping[str, Any]) -> Asked:
    """Return the request that performs an action; parameters that are None are left to their defaults."""
    rest = {name: value for name, value in given.items() if value is not None}
    path = _PLACE.sub(lambda place: quote(str(rest.pop(place[1])), safe=""), action.path)
    if action.verb == "GET" or action.upload:
        return Asked(action.verb, path, {name: _text(value) for name, value in rest.items()}, None)
    return Asked(action.verb, path, {}, rest)


def _text(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value
