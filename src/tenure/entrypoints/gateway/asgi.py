"""The routes of the hot path; everything else goes to control."""

from __future__ import annotations

import logging
import time
import uuid
from typing import TYPE_CHECKING, Any

from tenure.entrypoints.api.errors import Unexpected, WrongVerb
from tenure.entrypoints.gateway.batch_route import BATCH, BatchRoute
from tenure.entrypoints.gateway.bodies import Bodies, ClientLeft, read_body, unpacked
from tenure.entrypoints.gateway.callers import caller, known, refuse_query
from tenure.entrypoints.gateway.limiting import UNLIMITED, limited
from tenure.entrypoints.gateway.metrics import exposition
from tenure.entrypoints.gateway.model_errors import in_mlflow, in_oip
from tenure.entrypoints.gateway.model_routes import ModelRoutes
from tenure.entrypoints.gateway.problems import Answer, BodyTooLarge, NotReady, Overloaded, problem_of
from tenure.entrypoints.gateway.relay import is_stream
from tenure.entrypoints.gateway.told import Told, told
from tenure.entrypoints.gateway.tracing import trace_of, traced
from tenure.entrypoints.gateway.watching import of_views
from tenure.entrypoints.gateway.whole import APPLICATIONS, DECISIONS
from tenure.governance.access import Permission, authorize
from tenure.kit.errors import TenureError
from tenure.kit.log_lines import Complaints
from tenure.serving.front import ASKED_AT

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from tenure.app.deciding import Made
    from tenure.app.gateway import Gateway
    from tenure.app.generation import Generation
    from tenure.entrypoints.gateway.channel import Channel
    from tenure.entrypoints.gateway.metrics import Metrics, Samples
    from tenure.entrypoints.gateway.patience import Patience
    from tenure.entrypoints.gateway.relay import Relay
    from tenure.governance.access import Actor
    from tenure.governance.rates import RateExceeded

EVENTS = "/events"
#: of an answer to HEAD uvicorn sends no body
READING = ("GET", "HEAD")
_LOG = logging.getLogger("tenure.gateway")
#: from this status on it is our fault, and somebody should look
_FAULT = 500
#: routes whose clients know another form of errors than problems
_FORMS = {"oip": in_oip, "mlflow": in_mlflow}
_JSON = (b"content-type", b"application/json")
_TEXT = (b"content-type", b"text/plain; version=0.0.4; charset=utf-8")


class Application:
    """The ASGI application of a gateway."""

    def __init__(
        self, gateway: Gateway, relay: Relay, metrics: Metrics, channel: Channel, patience: Patience, name: str
    ) -> None:
        self._gateway = gateway
        self._relay = relay
        self._metrics = metrics
        self._channel = channel
        self._patience = patience
        self._name = name
        self._complaints = Complaints(_LOG)
        bodies = Bodies()
        self._models = ModelRoutes(gateway, metrics, patience, bodies)
        self._batch = BatchRoute(gateway, metrics, bodies)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request."""
        if is_stream(scope["method"], scope["path"]) and limited(self._gateway, scope["headers"]).refused is None:
            # It waits for nothing and may go on for minutes: neither in flight nor slow.
            await self._relay(scope, receive, send, traced(scope["headers"]).headers)
            return
        began = time.perf_counter()
        names = traced(scope["headers"])
        if asked_at := scope.get("state", {}).get("asked_at"):
            ASKED_AT.set(asked_at)
        self._metrics.in_flight += 1
        route = "other"
        status = 0
        try:
            route, handler, argument = self._route(scope["method"], scope["path"])
            # Who asks whether it lives is to hear that.
            limit = UNLIMITED if route.startswith("health/") else limited(self._gateway, scope["headers"])
            more = [*names.headers, *limit.headers]
            if limit.refused is not None:
                answer = self._over_the_limit(route, limit.refused)
                status = await _sent(send, answer, more)
            elif handler is None:
                status = await self._relay(scope, receive, send, more)
            else:
                answer = await self._answer(handler(argument, scope, receive))
                status = await _sent(send, answer, more)
        except ClientLeft:
            route = "left"
        finally:
            self._metrics.in_flight -= 1
            self._metrics.answered(route, status, time.perf_counter() - began)

    def _route(self, method: str, path: str) -> tuple[str, Any, Any]:
        """Return the route's name, who answers it here (None: control does), and what its path names."""
        found = {"/health/live": self._live, "/health/ready": self._ready, "/metrics": self._numbers}.get(path)
        if found is not None:
            return path[1:], found if method in READING else self._never_written, ""
        if (posted := self._posted(path)) is not None:
            return posted if method == "POST" else ("other", self._wrong_verb, "")
        return self._models.find(method, path) or ("relay", None, "")

    def _posted(self, path: str) -> tuple[str, Any, str] | None:
        """Return what a POST to this path does here."""
        if path == "/api/v1/outcomes":
            return "outcomes", self._outcomes, ""
        if path.startswith(APPLICATIONS):
            for ending, route, handler in (
                (DECISIONS, "decisions", self._decide),
                (BATCH, "batch", self._batch.decide),
                (EVENTS, "events", self._events),
            ):
                name = path[len(APPLICATIONS) : -len(ending)]
                if path.endswith(ending) and "/" not in name:
                    return route, handler, name
        return None

    async def decide(self, application: str, headers: list[tuple[bytes, bytes]], body: bytes) -> Answer:
        """Answer a request for a decision that has arrived whole (the short way, protocol.py)."""
        began = time.perf_counter()
        names = traced(headers)
        self._metrics.in_flight += 1
        status = 0
        try:
            limit = limited(self._gateway, headers)
            if limit.refused is None:
                answer = await self._answer(self._decide_whole(application, headers, body, names.trace))
            else:
                answer = self._over_the_limit("decisions", limit.refused)
            status = answer.status
            answer.headers.extend((*names.headers, *limit.headers))
            return answer
        finally:
            self._metrics.in_flight -= 1
            self._metrics.answered("decisions", status, time.perf_counter() - began)

    def _over_the_limit(self, route: str, error: RateExceeded) -> Answer:
        """Return the refusal in the form of errors that the route has."""
        self._metrics.refused(error.code)
        return _FORMS.get(route, problem_of)(error)

    async def _answer(self, made: Awaitable[Answer]) -> Answer:
        """Return what the handler makes; this is the boundary where errors become problems."""
        try:
            return await made
        except TenureError as error:
            return self._refused(error)
        except (ClientLeft, MemoryError):
            raise
        except Exception:  # noqa: BLE001 - whatever it was, the client gets a problem and the others are served
            incident = uuid.uuid4().hex[:12]
            _LOG.exception("incident %s", incident)
            return problem_of(Unexpected(incident=incident))

    def _refused(self, error: TenureError) -> Answer:
        self._metrics.refused(error.code)
        answer = problem_of(error)
        if answer.status >= _FAULT:
            self._complaints.say(error.code, str(error))
        return answer

    async def _decide(self, application: str, scope: Any, receive: Any) -> Answer:
        asked = told(scope["headers"])
        with self._gateway.pinned() as generation:
            self._admit(generation)
            actor = self._caller(generation, asked.authorization, scope)
            body = await _body(asked, scope["headers"], receive, generation.limits.body_bytes)
            made = await self._gateway.deciding.decide(
                generation, application, actor, body, asked.key, asked.deadline_us, trace_of(scope["headers"])
            )
        return self._made(application, made)

    async def _decide_whole(
        self, application: str, headers: list[tuple[bytes, bytes]], body: bytes, trace: str
    ) -> Answer:
        asked = told(headers)
        with self._gateway.pinned() as generation:
            self._admit(generation)
            if len(body) > generation.limits.body_bytes:
                raise BodyTooLarge(limit=generation.limits.body_bytes)
            actor = caller(self._gateway.deciding, generation, asked.authorization, headers)
            if asked.encoding:
                body = unpacked(body, asked.encoding, generation.limits.body_bytes)
            made = await self._gateway.deciding.decide(
                generation, application, actor, body, asked.key, asked.deadline_us, trace
            )
        return self._made(application, made)

    def _made(self, application: str, made: Made) -> Answer:
        if made.decided_by:
            self._metrics.decided(application, made.decided_by)
        return _json(200, made.content)

    async def _outcomes(self, _: str, scope: Any, receive: Any) -> Answer:
        asked = told(scope["headers"])
        with self._gateway.pinned() as generation:
            self._admit(generation)
            actor = self._caller(generation, asked.authorization, scope)
            body = await _body(asked, scope["headers"], receive, generation.limits.body_bytes)
            return _json(200, await self._gateway.deciding.outcomes(generation, actor, body))

    async def _events(self, application: str, scope: Any, receive: Any) -> Answer:
        asked = told(scope["headers"])
        with self._gateway.pinned() as generation:
            self._admit(generation)
            actor = self._caller(generation, asked.authorization, scope)
            body = await _body(asked, scope["headers"], receive, generation.limits.body_bytes)
            return _json(200, await self._gateway.eventing.take(generation, application, actor, body))

    def _caller(self, generation: Generation, authorization: str | None, scope: Any) -> Actor | None:
        """Return who asks; raise `UnknownParameter` for a query, which none of these routes has."""
        actor = caller(self._gateway.deciding, generation, authorization, scope["headers"])
        if scope["query_string"]:
            refuse_query(actor, scope["query_string"])
        return actor

    def _admit(self, generation: Generation) -> None:
        if self._metrics.in_flight > generation.limits.in_flight:
            raise Overloaded(in_flight=self._metrics.in_flight - 1)

    async def _live(self, *_: Any) -> Answer:
        return _json(200, b'{"status":"live"}')

    async def _ready(self, *_: Any) -> Answer:
        if self._patience.leaving or self._gateway.number == 0:
            reason = "this gateway drains" if self._patience.leaving else "no snapshot has been taken into service yet"
            return problem_of(NotReady(why=reason))
        return _json(200, b'{"status":"ready","generation":%d}' % self._gateway.number)

    async def _wrong_verb(self, _: str, scope: Any, __: Any) -> Answer:
        self._known(scope)
        raise WrongVerb(path=scope["path"], verb=scope["method"], allow="POST")

    async def _never_written(self, _: str, scope: Any, __: Any) -> Answer:
        if scope["path"] == "/metrics":
            self._known(scope)
        raise WrongVerb(path=scope["path"], verb=scope["method"], allow=", ".join(READING))

    def _known(self, scope: Any) -> Actor:
        """Return who asks; raise `Unauthenticated` for strangers."""
        authorization = told(scope["headers"]).authorization
        with self._gateway.pinned() as generation:
            return known(caller(self._gateway.deciding, generation, authorization, scope["headers"]))

    async def _numbers(self, _: str, scope: Any, __: Any) -> Answer:
        # They name applications, versions and their traffic: what a caller, who reads nothing, is not told.
        authorize(self._known(scope), Permission.STATUS)
        views = of_views(*self._gateway.views_known())
        content = exposition([self.samples(), *await self._channel.collect(), views])
        return Answer(200, [_TEXT, (b"content-length", str(len(content)).encode())], content)

    def samples(self) -> Samples:
        """Return this gateway's own numbers."""
        return self._metrics.samples(self._name)


async def _sent(send: Any, answer: Answer, more: list[tuple[bytes, bytes]]) -> int:
    """Send an answer with more headers; return its status."""
    await send({"type": "http.response.start", "status": answer.status, "headers": [*answer.headers, *more]})
    await send({"type": "http.response.body", "body": answer.content, "more_body": False})
    return answer.status


def _json(status: int, content: bytes) -> Answer:
    return Answer(status, [_JSON, (b"content-length", str(len(content)).encode())], content)


async def _body(asked: Told, headers: list[tuple[bytes, bytes]], receive: Any, limit: int) -> bytes:
    """Return the whole body, unpacked; a body that says or shows that it is too large is not read on."""
    if int(next((value for name, value in headers if name == b"content-length"), b"0")) > limit:
        raise BodyTooLarge(limit=limit)
    body = await read_body(receive, limit)
    return unpacked(body, asked.encoding, limit) if asked.encoding else body
