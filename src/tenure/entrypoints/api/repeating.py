"""The header Idempotency-Key on every write: the same request under the same key is done once and answered alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import msgspec
from litestar import Request, Response

from tenure.entrypoints.api.errors import PROBLEM_JSON, problem
from tenure.governance.repeating import LONGEST_KEY, Answer

if TYPE_CHECKING:
    from collections.abc import Callable

HEADER = "Idempotency-Key"
#: on an answer that is given again
REPLAYED = "Idempotent-Replayed"

#: how OpenAPI tells of the header
PARAMETER = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY},
    "description": "The same request under the same key is done once and answered alike, for a day.",
}
_JSON = "application/json"
#: those that belong to the one connection, or are made anew
_NOT_KEPT = frozenset({"content-length", "content-type", "date"})


class Once(Protocol):
    """Whatever does requests that come under a key once each: `governance.repeating.Repeats`."""

    def once(
        self, actor: str, key: str, request: bytes, do: Callable[[], Answer], failed: Callable[[Exception], Answer]
    ) -> tuple[Answer, bool]:
        """Return the answer, and whether it is given again."""


def once(
    repeats: Once, request: Request[Any, Any, Any], content: Any, do: Callable[[], Any], translated: Callable[..., Any]
) -> Any:
    """Return what `do` answers; under a key, what it answered to the same request before.

    `content` is what tells one request from another, `translated` makes a `TenureError` of any exception.
    """
    key = request.headers.get(HEADER.lower())
    if key is None or request.method == "GET":
        return do()

    def failed(error: Exception) -> Answer:
        document = problem(translated(error))
        return Answer(document["status"], msgspec.json.encode(document), PROBLEM_JSON)

    sent = msgspec.json.encode([request.method, request.url.path, request.url.query, content], order="sorted")
    answer, again = repeats.once(request.scope["state"]["actor"].id, key, sent, lambda: _kept(do()), failed)
    told = answer.headers | ({REPLAYED: "true"} if again else {})
    return Response(answer.body, status_code=answer.status, headers=told, media_type=answer.media_type)


def _kept(found: Any) -> Answer:
    """Return what an action answered, as it can be given again."""
    if not isinstance(found, Response):
        return Answer(200, msgspec.json.encode(found), _JSON)
    headers = {name: value for name, value in found.headers.items() if name.lower() not in _NOT_KEPT}
    return Answer(found.status_code or 200, msgspec.json.encode(found.content), _JSON, headers)
