"""The routes of the model protocols: Open Inference Protocol V2 under `/v2`, MLflow scoring under `/models/NAME`.

They ask a version directly, without an application's rules; `docs/protocols.md` says when to use which.
"""

from __future__ import annotations

import logging
import re
import uuid
from typing import TYPE_CHECKING, Any, NamedTuple

from tenure import __version__
from tenure.app.predicting import DEADLINE_US
from tenure.contract.records import implicit_application
from tenure.entrypoints.api.errors import NoSuchRoute, Unexpected, WrongVerb
from tenure.entrypoints.gateway import oip, scoring
from tenure.entrypoints.gateway.bodies import ClientLeft, quickly
from tenure.entrypoints.gateway.callers import caller
from tenure.entrypoints.gateway.model_errors import check_answered, in_mlflow, in_oip
from tenure.entrypoints.gateway.model_rows import BadInput
from tenure.entrypoints.gateway.problems import Answer, NotReady, Overloaded
from tenure.entrypoints.gateway.told import DEADLINE, deadline_of
from tenure.entrypoints.gateway.tracing import trace_of
from tenure.governance.access import Forbidden, Permission, Unauthenticated, authorize
from tenure.kit.errors import TenureError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tenure.app.gateway import Gateway
    from tenure.app.generation import Generation
    from tenure.app.predicting import Predicted
    from tenure.entrypoints.gateway.bodies import Bodies
    from tenure.entrypoints.gateway.metrics import Metrics
    from tenure.entrypoints.gateway.patience import Patience
    from tenure.governance.access import Actor
    from tenure.serving.link import WorkerLink

_LOG = logging.getLogger("tenure.gateway")
_JSON = (b"content-type", b"application/json")
_MODEL = r"/models/(?P<model>[^/]+)(?:/versions/(?P<version>[^/]+))?"
_OIP_MODEL = re.compile(rf"/v2{_MODEL}(?:/(?P<what>ready|infer))?")
_SCORING = re.compile(rf"{_MODEL}/(?P<what>invocations|ping|health|version)")


class Target(NamedTuple):
    """What a path names; an empty version means the champion."""

    model: str = ""
    version: str = ""


class ModelRoutes:
    """Answers the routes of both protocols, errors in their own forms."""

    def __init__(self, gateway: Gateway, metrics: Metrics, patience: Patience, bodies: Bodies) -> None:
        self._gateway = gateway
        self._metrics = metrics
        self._patience = patience
        self._bodies = bodies
        self._oip_server = {
            "/v2": self._server_metadata,
            "/v2/health/live": self._live,
            "/v2/health/ready": self._ready,
            "/v2/models": self._models,
        }
        self._oip_model = {
            ("GET", ""): self._metadata,
            ("GET", "ready"): self._model_ready,
            ("POST", "infer"): self._infer,
        }
        self._scoring = {
            ("POST", "invocations"): self._invoke,
            ("GET", "ping"): self._ping,
            ("GET", "health"): self._ping,
            ("GET", "version"): self._version,
        }

    def find(self, method: str, path: str) -> tuple[str, Any, Target] | None:
        """Return the route's name, who answers it, and what its path names; None when it is no route of ours."""
        if path == "/v2" or path.startswith("/v2/"):
            return self._find_oip(method, path.rstrip("/"))
        if path.startswith("/models/") and (found := _SCORING.fullmatch(path)):
            verb = "GET" if method == "HEAD" else method
            handler = self._scoring.get((verb, found["what"]), self._wrong_verb)
            return "mlflow", self._guarded(handler, in_mlflow), _target(found)
        return None

    def _find_oip(self, method: str, path: str) -> tuple[str, Any, Target]:
        verb = "GET" if method == "HEAD" else method
        target: Target = Target()
        handler: Any = self._nothing
        if path in self._oip_server:
            handler = self._oip_server[path] if verb == "GET" else self._wrong_verb
        elif found := _OIP_MODEL.fullmatch(path):
            handler = self._oip_model.get((verb, found["what"] or ""), self._wrong_verb)
            target = _target(found)
        return "oip", self._guarded(handler, in_oip), target

    def _guarded(
        self, handler: Callable[..., Awaitable[Answer]], form: Callable[[TenureError], Answer]
    ) -> Callable[..., Awaitable[Answer]]:
        """Return the handler with the protocol's own form of errors; this is their boundary."""

        async def answer(target: Target, scope: Any, receive: Any) -> Answer:
            try:
                return await handler(target, scope, receive)
            except TenureError as error:
                self._metrics.refused(error.code)
                return form(error)
            except (ClientLeft, MemoryError):
                raise
            except Exception:  # noqa: BLE001 - as in asgi.py: the client hears of it and the others are served
                incident = uuid.uuid4().hex[:12]
                _LOG.exception("incident %s", incident)
                return form(Unexpected(incident=incident))

        return answer

    # ---- the server

    async def _nothing(self, _: Target, scope: Any, __: Any) -> Answer:
        raise NoSuchRoute(path=scope["path"])

    async def _wrong_verb(self, _: Target, scope: Any, __: Any) -> Answer:
        if "/health" not in scope["path"]:
            self._known(self._gateway.generation, scope)
        posted = scope["path"].rstrip("/").endswith(("/infer", "/invocations"))
        raise WrongVerb(path=scope["path"], verb=scope["method"], allow="POST" if posted else "GET, HEAD")

    async def _live(self, *_: Any) -> Answer:
        return _json(b'{"live":true}')

    async def _ready(self, *_: Any) -> Answer:
        generation = self._gateway.generation
        waiting = [key for key, link in generation.links.items() if not link.ready]
        if self._patience.leaving or generation.number == 0 or waiting:
            raise NotReady(why=f"not ready: {', '.join(waiting) or 'this gateway'}")
        return _json(b'{"live":true,"ready":true}')

    async def _server_metadata(self, _: Target, scope: Any, __: Any) -> Answer:
        self._known(self._gateway.generation, scope)
        return _json(oip.server_document(__version__))

    async def _models(self, _: Target, scope: Any, __: Any) -> Answer:
        generation = self._gateway.generation
        actor = self._known(generation, scope)
        return _json(oip.model_list([name for name in generation.models if _may_ask(actor, name)]))

    def _known(self, generation: Generation, scope: Any) -> Actor:
        actor = caller(self._gateway.deciding, generation, _header(scope, b"authorization"), scope["headers"])
        if actor is None:
            raise Unauthenticated
        return actor

    # ---- one model

    def _link(self, generation: Generation, scope: Any, target: Target) -> tuple[Actor, WorkerLink]:
        actor = self._known(generation, scope)
        return actor, self._gateway.predicting.version(generation, actor, target.model, target.version)

    async def _metadata(self, target: Target, scope: Any, _: Any) -> Answer:
        generation = self._gateway.generation
        _actor, link = self._link(generation, scope, target)
        versions = sorted(generation.models[target.model].versions)
        return _json(oip.model_document(target.model, versions, link.inputs, link.outputs))

    async def _model_ready(self, target: Target, scope: Any, _: Any) -> Answer:
        _actor, link = self._link(self._gateway.generation, scope, target)
        if not link.ready:
            raise NotReady(why=f"{link.model}/{link.version} is not ready: {link.why}")
        return _json(oip.ready_document(target.model))

    async def _infer(self, target: Target, scope: Any, receive: Any) -> Answer:
        with self._gateway.pinned() as generation:
            self._admit(generation)
            actor, link = self._link(generation, scope, target)
            headers = dict(scope["headers"])
            async with self._bodies.body(headers, receive, generation.limits) as body:
                asked, rows = await quickly(len(body), _read_inference, body, headers, link)
                wait_us = min(asked.timeout_us or DEADLINE_US, _wait_us(headers))
                predicted = await self._gateway.predicting.predict(
                    link, actor, rows, "oip", wait_us, generation.shadows(link), trace_of(scope["headers"])
                )
        self._count(link, predicted)
        check_answered(predicted.predictions)
        content, json_length = oip.answer(
            asked, asked.id or predicted.call, link.outputs, link.model, link.version, predicted.predictions
        )
        return _inferred(content, json_length, predicted.call)

    async def _invoke(self, target: Target, scope: Any, receive: Any) -> Answer:
        with self._gateway.pinned() as generation:
            self._admit(generation)
            actor, link = self._link(generation, scope, target)
            headers = dict(scope["headers"])
            kind = headers.get(b"content-type", b"").decode("latin-1")
            async with self._bodies.body(headers, receive, generation.limits) as body:
                rows = await quickly(len(body), scoring.rows_of, kind, body, link.inputs)
                shadows, trace = generation.shadows(link), trace_of(scope["headers"])
                predicted = await self._gateway.predicting.predict(
                    link, actor, rows, "mlflow", _wait_us(headers), shadows, trace
                )
        self._count(link, predicted)
        check_answered(predicted.predictions)
        return _json(scoring.answer(link.outputs, predicted.predictions), predicted.call)

    async def _ping(self, target: Target, scope: Any, _: Any) -> Answer:
        _actor, link = self._link(self._gateway.generation, scope, target)
        if not link.ready:
            raise NotReady(why=f"{link.model}/{link.version} is not ready: {link.why}")
        return _json(b"\n")

    async def _version(self, target: Target, scope: Any, _: Any) -> Answer:
        self._link(self._gateway.generation, scope, target)
        return Answer(200, [(b"content-type", b"text/plain; charset=utf-8")], f"tenure {__version__}".encode())

    def _admit(self, generation: Generation) -> None:
        if self._metrics.in_flight > generation.limits.in_flight:
            raise Overloaded(in_flight=self._metrics.in_flight - 1)

    def _count(self, link: WorkerLink, predicted: Predicted) -> None:
        answered = sum(one.output is not None for one in predicted.predictions)
        self._metrics.decided(implicit_application(link.model), "model", answered)


def _may_ask(actor: Actor, model: str) -> bool:
    try:
        authorize(actor, Permission.MODELS_PREDICT, implicit_application(model))
    except Forbidden:
        return False
    return True


def _target(found: re.Match[str]) -> Target:
    return Target(found["model"], found["version"] or "")


def _read_inference(body: bytes, headers: dict[bytes, bytes], link: WorkerLink) -> Any:
    asked = oip.parse(body, _json_length(headers))
    oip.check_outputs(asked, link.outputs)
    return asked, oip.rows_of(asked, link.inputs)


def _json_length(headers: dict[bytes, bytes]) -> int | None:
    text = headers.get(b"inference-header-content-length")
    if text is None:
        return None
    if not text.isdigit() or len(text) > 12:
        raise BadInput(why="Inference-Header-Content-Length is a number of bytes")
    return int(text)


def _wait_us(headers: dict[bytes, bytes]) -> int:
    """Return how long the caller waits, by its header."""
    value = headers.get(DEADLINE)
    return DEADLINE_US if value is None else deadline_of(value)


def _header(scope: Any, name: bytes) -> str | None:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), None)


def _inferred(content: bytes, json_length: int | None, call: str) -> Answer:
    if json_length is None:
        return _json(content, call)
    answer = _json(content, call)
    headers = [(b"content-type", b"application/octet-stream"), *answer.headers[1:]]
    return Answer(200, [*headers, (b"inference-header-content-length", str(json_length).encode())], content)


def _json(content: bytes, call: str = "") -> Answer:
    headers = [_JSON, (b"content-length", str(len(content)).encode())]
    return Answer(200, headers + ([(b"x-tenure-call", call.encode())] if call else []), content)
