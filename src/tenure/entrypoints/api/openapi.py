"""The OpenAPI 3.1 document of the admin API, read off the routes themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from litestar import Litestar, Response, get
from litestar.openapi import OpenAPIConfig

from tenure.app.tags import TAGS
from tenure.entrypoints.api.errors import PROBLEM_JSON
from tenure.entrypoints.api.inputs import ASKED, NO_QUERY
from tenure.entrypoints.api.repeating import PARAMETER
from tenure.serving.front import PREFIX

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from litestar.handlers import HTTPRouteHandler

PATH = "/api/v1/openapi.json"
PROBLEM = {
    "description": "An RFC 9457 problem",
    "content": {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
#: what any operation may be answered with; one table of errors says when (errors.py)
_REFUSALS = {
    400: "The body is not JSON",
    401: "Nobody is known by what was sent",
    403: "The role does not allow it",
    404: "There is no such thing",
    409: "It contradicts the present state, or is refused as it stands",
    413: "The body is too large",
    422: "The input is not valid",
    429: "Too much at once, or more often than the token may",
    503: "Not available at the moment; Retry-After says when",
}
_CONDITIONAL = {412: "It has changed since", 428: "It exists already, and If-Match is missing"}
_UNCONDITIONAL = {412: "If-Match is sent, and there is no state that it could name"}
#: how OpenAPI tells of the header that names the state a write was decided on
_IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "minLength": 1},
    "description": "The ETag of the state on which the write was decided; needed once there is one. `*` takes any.",
}


class Problem(msgspec.Struct):
    """An RFC 9457 problem: `code` is stable, `next_step` says what to do; more members carry the facts."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    next_step: str


def openapi_route(handlers: Sequence[HTTPRouteHandler], version: str) -> HTTPRouteHandler:
    """Return the route that serves the document of `handlers`.

    Litestar's own documentation routes stay away: they are pages that load scripts from elsewhere.
    """
    content = msgspec.json.encode(document(handlers, version))

    @get(PATH, include_in_schema=False, opt=NO_QUERY)
    async def openapi() -> Response[bytes]:
        return Response(content, media_type="application/json")

    return openapi


def document(handlers: Sequence[HTTPRouteHandler], version: str) -> dict[str, Any]:
    """Return the OpenAPI document; every operation may also answer with a problem."""
    actions = {handler.operation_id for handler in handlers if (asked := handler.opt.get(ASKED)) and asked.input}
    config = OpenAPIConfig(title="Tenure", version=version, use_handler_docstrings=True)
    found = Litestar(list(handlers), openapi_config=config, logging_config=None).openapi_schema.to_schema()
    for path in found["paths"].values():
        for verb, operation in path.items():
            _answer_problems(operation, reads=verb == "get")
            if verb != "get" and operation["operationId"] in actions:
                operation.setdefault("parameters", []).append(PARAMETER)
    found["components"]["schemas"] |= msgspec.json.schema_components([Problem])[1]
    found["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    found["security"] = [{"token": []}]
    found["servers"] = [{"url": PREFIX.get() or "/"}]
    return found


def _answer_problems(operation: dict[str, Any], *, reads: bool) -> None:
    # Litestar would promise its own form of a 400, which never leaves this house.
    operation["responses"].pop("400", None)
    conditional = operation["operationId"] in TAGS and not reads
    if conditional:
        operation.setdefault("parameters", []).append(_IF_MATCH)
    operation["responses"] |= refusals(_CONDITIONAL if conditional else {} if reads else _UNCONDITIONAL)


def refusals(more: Mapping[int, str] = {}) -> dict[str, Any]:
    """Return the responses that refuse: every status that an operation may have, and `default` for faults of ours."""
    told = {str(status): PROBLEM | {"description": why} for status, why in sorted((_REFUSALS | dict(more)).items())}
    return told | {"default": PROBLEM}
