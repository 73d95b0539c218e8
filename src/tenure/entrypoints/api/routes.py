"""One route per action: path, query and body become the action's input, its output becomes JSON, its error a problem.

The handlers are made from the table `ACTIONS`, so that no route can differ from its action in name or in form, and
OpenAPI is read off the same handlers.
"""

from __future__ import annotations

import inspect
import logging
import re
from typing import TYPE_CHECKING, Annotated, Any, Protocol, get_args

import msgspec
from litestar import Litestar, Request, Response
from litestar.concurrency import sync_to_thread
from litestar.exceptions import HTTPException, InternalServerException, ValidationException
from litestar.handlers import HTTPRouteHandler
from litestar.params import Body, PathParameter, QueryParameter
from litestar.routes import HTTPRoute

from tenure.app.paging import is_list, is_page, link_to, listed
from tenure.app.states import etag_of
from tenure.app.tags import STEPS, TAGS
from tenure.entrypoints.api.errors import (
    PROBLEM_JSON,
    BodyTooLarge,
    ClientWentAway,
    InvalidInput,
    NoSuchRoute,
    RefusedUpload,
    Unexpected,
    WrongVerb,
    headers_of,
    problem,
)
from tenure.entrypoints.api.inputs import ASKED, QUERY, Asked, known_query, refusal, refuse_fields
from tenure.entrypoints.api.openapi import openapi_route
from tenure.entrypoints.api.origins import is_script
from tenure.entrypoints.api.preconditions import no_idle_condition, precondition
from tenure.entrypoints.api.repeating import Once, once
from tenure.governance.access import Permission, allows
from tenure.kit.bodies import MalformedJson, refuse_twice
from tenure.kit.clock import SystemClock
from tenure.kit.errors import TenureError
from tenure.kit.ids import new_id

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tenure.app.actions import Action
    from tenure.governance.access import Actor

_UNPROCESSABLE = 422
_PLACE = re.compile(r"\{(\w+)\}")
_ANY = re.compile(r"\{[^}]*\}")
#: what Litestar says when the client leaves before its body has come
_LEFT = "client disconnected prematurely"
#: what of msgspec.Meta bounds a query parameter
_BOUNDS = ("ge", "le", "min_length", "max_length")
#: RFC 9110 gives the body of these no meaning
_WITHOUT_BODY = frozenset({"GET", "DELETE"})
_LOG = logging.getLogger("tenure.api")
_BEYOND = 1 << 63
#: under which a route keeps the headers that tell of its end
_RETIRING = "retiring"

#: Rows of features and outcomes come as one body, taken all or none.
MAX_BODY = 256 << 20


class Performer(Once, Protocol):
    """Whatever performs actions by name, and those that come under a key once: `app.control.Control`."""

    def perform(self, name: str, actor: Actor, given: Any, check: Callable[[str | None], None] | None = None) -> Any:
        """Check, do and audit the action, and return its output; `check` is called with the present tag beforehand."""

    def tag(self, name: str, given: Any) -> tuple[str, str | None]:
        """Return what the action reads or writes and the tag of its present state, None while there is none."""


def application(
    performer: Performer, actions: Sequence[Action], version: str, more: Sequence[HTTPRouteHandler] = ()
) -> Litestar:
    """Return the ASGI application of all actions and of `more` routes; it expects an actor in each request's state.

    An action with an upload has no route here: `uploads.py` makes it, and it comes in by `more`.
    """
    handlers = [route(performer, action) for action in actions if not action.upload]
    handlers += more
    return Litestar(
        [*handlers, openapi_route(handlers, version)],
        openapi_config=None,
        guards=[known_query, no_idle_condition],
        exception_handlers={Exception: on_exception},
        request_max_body_size=MAX_BODY,
        logging_config=None,
    )


def route(performer: Performer, action: Action) -> HTTPRouteHandler:
    """Return the route of one action."""
    body = body_type(action)
    answering = _answering(performer, action)

    async def handler(request: Request[Any, Any, Any], data: Any = None, **parameters: Any) -> Any:
        sent = b"" if action.verb in _WITHOUT_BODY else await request.body()
        if body is None and sent:
            refuse_fields(sent)
        given = given_by(parameters) | _fields_of(data)
        refuse_unstorable(given)

        def done() -> Any:
            refuse_twice(sent)
            return done_once(performer, request, given, lambda: answering(request, given))

        return await sync_to_thread(done)

    sign(handler, action, body)
    return declared(handler, action)


def done_once(performer: Performer, request: Request[Any, Any, Any], content: Any, do: Callable[[], Any]) -> Any:
    """Return what `do` answers, or answered to the same request under the same Idempotency-Key before."""
    verb, path = request.method, request.url.path
    return once(performer, request, content, do, lambda error: translated(error, verb, path, Asked()))


def _answering(performer: Performer, action: Action) -> Callable[[Request[Any, Any, Any], dict[str, Any]], Any]:
    """Return how a request with these parameters is answered: as it is, in pages, or by the state it names."""
    if is_list(action.output):
        return lambda request, given: _page(performer, action, request, given)
    if action.name in TAGS:
        return lambda request, given: _tagged(performer, action, request, given)
    if is_page(action.output):
        return lambda request, given: _linked(performer, action, request, given)
    return lambda request, given: performer.perform(action.name, actor_of(request), action.input(**given))


def _tagged(performer: Performer, action: Action, request: Request[Any, Any, Any], given: dict[str, Any]) -> Any:
    """Answer with the state's ETag; do a write only if the state it names is the present one (preconditions.py)."""
    actor, asked = actor_of(request), action.input(**given)
    check = None
    # Who may not do it at all learns nothing of the state.
    if action.verb != "GET" and allows(actor.role, Permission(action.name)):
        given_match = request.headers.get("if-match", "")
        check = precondition(*performer.tag(action.name, asked), given_match, needed=action.name not in STEPS)
    answer = performer.perform(action.name, actor, asked, check)
    _, tag = performer.tag(action.name, asked)
    return Response(answer, headers={"ETag": etag_of(tag)} if tag is not None else {})


def _page(performer: Performer, action: Action, request: Request[Any, Any, Any], given: dict[str, Any]) -> Any:
    """Answer with one page of a list, as a plain array: where the next one begins stands in the headers."""
    actor = actor_of(request)
    asked: Any = action.input(**given)
    page = listed(action, asked, lambda asked: performer.perform(action.name, actor, asked))
    return Response(page.rows, headers=_next_page(request, page.next_cursor))


def _linked(performer: Performer, action: Action, request: Request[Any, Any, Any], given: dict[str, Any]) -> Any:
    """Answer with a page that names the next one itself, and name it in the headers too."""
    found = performer.perform(action.name, actor_of(request), action.input(**given))
    return Response(found, headers=_next_page(request, found.next_cursor))


def _next_page(request: Request[Any, Any, Any], cursor: str | None) -> dict[str, str]:
    """Return the headers that lead to the next page: as a link (RFC 8288), and the cursor alone."""
    if not cursor:
        return {}
    return {"Link": link_to(request.url.path, request.url.query, cursor), "Next-Cursor": cursor}


def declared(handler: Callable[..., Any], action: Action, **more: Any) -> HTTPRouteHandler:
    """Return the handler as the action's route: its path, verb, name and description."""
    handler.__doc__ = inspect.getdoc(action.input)
    noun, _, verb = action.name.partition(":")
    declare = HTTPRouteHandler(
        typed_path(action),
        http_method=action.verb,  # type: ignore[arg-type]
        operation_id=action.name,
        summary=f"{verb} {noun}".strip().replace("_", " "),
        tags=[noun],
        status_code=200,
        deprecated=action.retiring is not None,
        response_headers=_told_of(action),
        opt={_RETIRING: _told_of(action), ASKED: _asked(action, handler)},
        **more,
    )
    return declare(handler)


def _asked(action: Action, handler: Callable[..., Any]) -> Asked:
    """Return what the action's route may be asked with: the parameters that the handler has been signed with."""
    names = {field.name: field.encode_name for field in msgspec.structs.fields(action.input)}
    query = [name.removeprefix(QUERY) for name in inspect.signature(handler).parameters if name.startswith(QUERY)]
    body = None if action.upload else body_type(action)
    return Asked(tuple(names.get(name, name) for name in query), body, action.input)


def _told_of(action: Action) -> dict[str, str]:
    """Return the headers that tell of the action's end; a list's `Link` leads to its next page."""
    told = {} if action.retiring is None else action.retiring.headers()
    return {
        name: value
        for name, value in told.items()
        if name != "Link" or not (is_list(action.output) or is_page(action.output))
    }


def given_by(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return a handler's parameters under the names of the action's input."""
    return {name.removeprefix(QUERY): value for name, value in parameters.items()}


def refuse_unstorable(given: Mapping[str, Any]) -> None:
    """Raise `InvalidInput` for what no database keeps: whole numbers beyond 64 bits, and the character NUL."""
    for name, value in given.items():
        if isinstance(value, int) and abs(value) >= _BEYOND:
            raise InvalidInput(why=f"{name}: the number has more than 64 bits")
        if isinstance(value, str) and "\0" in value:
            raise InvalidInput(why=f"{name}: the text has the character NUL in it")


def actor_of(request: Request[Any, Any, Any]) -> Actor:
    """Return whom the door has let in; a route that was reached around the door fails here."""
    actor: Actor = request.scope["state"]["actor"]
    return actor


def path_names(action: Action) -> tuple[str, ...]:
    """Return the names of the action's path parameters, in order."""
    return tuple(_PLACE.findall(action.path))


def typed_path(action: Action) -> str:
    """Return the path in Litestar's words: `{version:int}` where the input has an int, `{model:str}` elsewhere."""
    types = {field.name: field.type for field in msgspec.structs.fields(action.input)}
    return _PLACE.sub(lambda place: f"{{{place[1]}:{'int' if types[place[1]] is int else 'str'}}}", action.path)


def body_type(action: Action) -> type[msgspec.Struct] | None:
    """Return the struct of the JSON body: the input's fields that do not stand in the path; None where none are left."""
    rest = [field for field in msgspec.structs.fields(action.input) if field.name not in path_names(action)]
    if action.verb in _WITHOUT_BODY or not rest:
        return None
    name = "".join(part.capitalize() for part in re.split(r"\W|_", action.name))
    return msgspec.defstruct(name, [_declared(field) for field in rest], kw_only=True, forbid_unknown_fields=True)


def _declared(field: msgspec.structs.FieldInfo) -> Any:
    if field.default_factory is not msgspec.NODEFAULT:
        return (field.name, field.type, msgspec.field(default_factory=field.default_factory, name=field.encode_name))
    if field.default is not msgspec.NODEFAULT:
        return (field.name, field.type, msgspec.field(default=field.default, name=field.encode_name))
    return (field.name, field.type, msgspec.field(name=field.encode_name))


def _fields_of(data: Any) -> dict[str, Any]:
    return {} if data is None else msgspec.structs.asdict(data)


def sign(handler: Callable[..., Any], action: Action, body: type[msgspec.Struct] | None = None) -> None:
    """Give the handler the signature that Litestar reads parameters, body and schema from."""
    parameters = [_parameter("request", Request)]
    names = path_names(action)
    fields = {field.name: field for field in msgspec.structs.fields(action.input) if field.name != action.upload}
    parameters += [_parameter(name, _marked(fields[name].type, PathParameter())) for name in names]
    if action.verb in _WITHOUT_BODY or action.upload:
        parameters += [_query(field) for field in fields.values() if field.name not in names]
    elif body is not None:
        parameters.append(_body(body))
    headed = is_list(action.output) or is_page(action.output) or action.name in TAGS
    output: Any = Response[action.output] if headed else action.output  # type: ignore[name-defined]
    handler.__signature__ = inspect.Signature(parameters, return_annotation=output)  # type: ignore[attr-defined]
    handler.__annotations__ = {p.name: p.annotation for p in parameters} | {"return": output}


def _parameter(name: str, annotation: Any, default: Any = inspect.Parameter.empty) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default)


def _marked(annotation: Any, marker: Any) -> Any:
    return Annotated[annotation, marker]


def _query(field: msgspec.structs.FieldInfo) -> inspect.Parameter:
    kind, bounds = _bounded(field.type)
    annotation = _marked(kind, QueryParameter(name=field.encode_name, **bounds))
    if field.default_factory is not msgspec.NODEFAULT:
        return _parameter(QUERY + field.name, annotation, field.default_factory())
    if field.default is not msgspec.NODEFAULT:
        return _parameter(QUERY + field.name, annotation, field.default)
    return _parameter(QUERY + field.name, annotation)


def _bounded(kind: Any) -> tuple[Any, dict[str, Any]]:
    """Return a type without msgspec's bounds, which Litestar does not read, and the bounds as it does."""
    metas = [meta for meta in getattr(kind, "__metadata__", ()) if isinstance(meta, msgspec.Meta)]
    if not metas:
        return kind, {}
    bounds = {name: getattr(meta, name) for meta in metas for name in _BOUNDS if getattr(meta, name) is not None}
    return get_args(kind)[0], bounds


def _body(body: type[msgspec.Struct]) -> inspect.Parameter:
    if all(not field.required for field in msgspec.structs.fields(body)):
        return _parameter("data", Annotated[body | None, Body()], None)
    return _parameter("data", Annotated[body, Body()])


def on_exception(request: Request[Any, Any, Any], exception: Exception) -> Response[bytes]:
    """Return any exception as a problem: the boundary at which everything is caught."""
    made = _refusal(request, exception)
    route = request.scope.get("route_handler")
    made.headers.update(route.opt.get(_RETIRING, {}) if route is not None else {})
    return made


def _refusal(request: Request[Any, Any, Any], exception: Exception) -> Response[bytes]:
    if isinstance(exception, RefusedUpload):
        return answer(exception.error, status=_UNPROCESSABLE)
    script = is_script(dict(request.scope["headers"]))
    route = request.scope.get("route_handler")
    asked = route.opt.get(ASKED, Asked()) if route is not None else Asked()
    error = translated(exception, request.method, request.url.path, asked, _verbs_at(request))
    if isinstance(error, Unexpected):
        _LOG.error(
            "incident %s at %s %s", error.facts["incident"], request.method, request.url.path, exc_info=exception
        )
    return answer(error, script=script)


def answer(error: TenureError, status: int | None = None, *, script: bool = False) -> Response[bytes]:
    """Return an error as an HTTP answer, with the status of the table unless another is given."""
    document = problem(error, status)
    body = msgspec.json.encode(document)
    headers = headers_of(error, script=script)
    return Response(body, status_code=document["status"], headers=headers, media_type=PROBLEM_JSON)


def _verbs_at(request: Request[Any, Any, Any]) -> str:
    """Return what a path answers, as the header Allow has it."""
    found: set[str] = set()
    for route in request.app.routes:
        if isinstance(route, HTTPRoute) and re.fullmatch(_ANY.sub("[^/]+", route.path_format), request.url.path):
            found |= route.methods
    found |= {"HEAD"} if "GET" in found else set()
    return ", ".join(sorted(found))


def translated(exception: Exception, verb: str, path: str, asked: Asked, allow: str = "") -> TenureError:
    """Return the error of ours that an exception stands for; what nobody foresaw becomes `Unexpected`."""
    match exception:
        case TenureError():
            return exception
        case ValidationException():
            return _what_is_wrong(exception, asked)
        case HTTPException(status_code=400):
            return MalformedJson(why=exception.detail)
        case HTTPException(status_code=404):
            return NoSuchRoute(path=path)
        case HTTPException(status_code=405):
            return WrongVerb(path=path, verb=verb, allow=allow)
        case HTTPException(status_code=413):
            return BodyTooLarge(limit=MAX_BODY)
        case InternalServerException(detail=why) if why == _LEFT:
            return ClientWentAway()
        case _:
            return Unexpected(incident=new_id(SystemClock().now()))


def _what_is_wrong(exception: ValidationException, asked: Asked) -> TenureError:
    found: Sequence[Mapping[str, Any]] = exception.extra if isinstance(exception.extra, list) else []
    if not found:
        return InvalidInput(why=exception.detail)
    return refusal([(each.get("key", ""), each["message"]) for each in found], asked)
