"""From an action's name and parameters to the HTTP request that performs it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from tenure.client.routes import ROUTES
from tenure.kit.errors import Kind, TenureError

if TYPE_CHECKING:
    from collections.abc import Mapping

_PLACE = re.compile(r"\{(\w+)\}")


class UnknownAction(TenureError):
    """This client knows no action of the name."""

    code = "unknown-action"
    kind = Kind.NOT_FOUND
    message = "there is no action {action!r}"
    next_step = "update the client, or see /api/v1/openapi.json for what the server can do"


@dataclass(frozen=True, slots=True)
class Asked:
    """One HTTP request: `query` for reading, deleting and uploads, `document` as the JSON body for everything else."""

    verb: str
    path: str
    query: dict[str, Any]
    document: dict[str, Any] | None


def asked(action: str, given: Mapping[str, Any]) -> Asked:
    """Return the request that performs an action; parameters that are None are left to their defaults."""
    if action not in ROUTES:
        raise UnknownAction(action=action)
    route = ROUTES[action]
    rest = {name: value for name, value in given.items() if value is not None}
    path = _PLACE.sub(lambda place: quote(str(rest.pop(place[1])), safe=""), route.path)
    if route.verb in {"GET", "DELETE"} or route.upload:
        return Asked(route.verb, path, {name: _text(value) for name, value in rest.items()}, None)
    return Asked(route.verb, path, {}, rest)


def _text(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value
