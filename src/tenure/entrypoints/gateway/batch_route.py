"""The route of many decisions at once."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import msgspec

from tenure.app.deciding import Made
from tenure.app.deciding_batch import counted
from tenure.entrypoints.gateway.callers import caller, refuse_query
from tenure.entrypoints.gateway.problems import Answer, Overloaded, problem_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tenure.app.gateway import Gateway
    from tenure.entrypoints.gateway.bodies import Bodies
    from tenure.entrypoints.gateway.metrics import Metrics
    from tenure.kit.errors import TenureError

BATCH = "/decisions/batch"


class BatchRoute:
    """Answers `POST /api/v1/applications/{application}/decisions/batch`."""

    def __init__(self, gateway: Gateway, metrics: Metrics, bodies: Bodies) -> None:
        self._gateway = gateway
        self._metrics = metrics
        self._bodies = bodies

    async def decide(self, application: str, scope: Any, receive: Any) -> Answer:
        """Decide every row; a row that cannot be decided has its problem in the place of its answer."""
        headers = dict(scope["headers"])
        with self._gateway.pinned() as generation:
            if self._metrics.in_flight > generation.limits.in_flight:
                raise Overloaded(in_flight=self._metrics.in_flight - 1)
            authorization = headers.get(b"authorization", b"").decode("latin-1")
            actor = caller(self._gateway.deciding, generation, authorization, scope["headers"])
            if scope["query_string"]:
                refuse_query(actor, scope["query_string"])
            self._gateway.batches.check(generation, application, actor)
            async with self._bodies.body(headers, receive, generation.limits) as body:
                found = await self._gateway.batches.decide(generation, application, actor, body, _key(headers))
        for by, count in Counter(counted(found)).items():
            self._metrics.decided(application, by, count)
        content = _document(found)
        headers_out = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
        return Answer(200, headers_out, content)


def _key(headers: Mapping[bytes, bytes]) -> str | None:
    key = headers.get(b"idempotency-key")
    return None if key is None else key.decode("latin-1")


def _document(found: Sequence[Made | TenureError]) -> bytes:
    answers = [msgspec.Raw(_answer(one)) for one in found]
    decided = sum(isinstance(one, Made) for one in found)
    return msgspec.json.encode({"answers": answers, "decided": decided, "refused": len(found) - decided})


def _answer(one: Made | TenureError) -> bytes:
    return one.content if isinstance(one, Made) else b'{"problem":' + problem_of(one).content + b"}"
