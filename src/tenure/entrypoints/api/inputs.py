"""What a route may be asked with: a misspelt parameter is refused, since ignored it would answer another question."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

import msgspec

from tenure.entrypoints.api.errors import InvalidInput
from tenure.entrypoints.api.unknown import UnknownParameter, refuse_unknown
from tenure.kit.bodies import GivenTwice, MalformedJson

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from litestar.connection import ASGIConnection
    from litestar.handlers import BaseRouteHandler

    from tenure.app.actions import Action
    from tenure.kit.errors import TenureError

#: under which a route keeps what it may be asked with
ASKED = "asked"
#: how Litestar's name of a query parameter begins (routes.py)
QUERY = "query_"

_UNKNOWN = re.compile(r"unknown field `([^`]*)`")
_PLACE = re.compile(r" - at `\$\.?(.*)`$")
_NAME = re.compile(r"\w+")
_ITEM = re.compile(r"\[[^\]]*\]")


@dataclass(frozen=True, slots=True)
class Asked:
    """The names that a route's query may have, and the struct of its body."""

    query: tuple[str, ...] = ()
    body: type[msgspec.Struct] | None = None
    #: the action's input, which says what values there are
    input: type[msgspec.Struct] | None = None


#: for routes that take nothing in their query
NO_QUERY: dict[str, Any] = {ASKED: Asked()}


async def known_query(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Raise `UnknownParameter` for what the route's query does not have, `GivenTwice` for what it has twice; a guard of every route."""
    asked: Asked | None = handler.opt.get(ASKED)
    if asked is not None:
        refuse_unknown(connection.query_params, asked.query)
    # No operation takes a list there.
    for name, times in Counter(name for name, _ in connection.query_params.multi_items()).items():
        if times > 1:
            raise GivenTwice(name=name)


def refuse_fields(body: bytes) -> None:
    """Raise `UnknownParameter` for a field in the body of an operation that takes none; `{}` and nothing at all are alike."""
    try:
        found = msgspec.json.decode(body or b"{}")
    except msgspec.DecodeError as error:
        raise MalformedJson(why=str(error)) from error
    if not isinstance(found, dict):
        raise InvalidInput(why="input: the body is no JSON object")
    refuse_unknown(found, ())


def read(action: Action, given: Mapping[str, Any]) -> Any:
    """Return the action's input; raise `UnknownParameter` or `InvalidInput`."""
    try:
        return msgspec.convert(given, action.input)
    except msgspec.ValidationError as error:
        place = _PLACE.search(str(error))
        path = place[1] if place else ""
        raise refusal([(path, str(error).split(" - at ")[0])], Asked(body=action.input, input=action.input)) from error


def refusal(found: Sequence[tuple[str, str]], asked: Asked) -> TenureError:
    """Return the error for what is wrong, by place (`data` and empty: the whole body) and message."""
    for place, message in found:
        unknown = _UNKNOWN.search(message)
        struct = _struct_at(asked.body, "" if place == "data" else place)
        if unknown and struct is not None:
            return UnknownParameter(unknown[1], _names(struct))
    told = [(place.removeprefix(QUERY), message) for place, message in found]
    return InvalidInput(
        why="; ".join(f"{place or 'input'}: {message}{_choices(asked.input, place)}" for place, message in told)
    )


def _choices(struct: type[msgspec.Struct] | None, place: str) -> str:
    """Return the values that a field may have, where they are counted."""
    fields = () if struct is None else msgspec.structs.fields(struct)
    for field in fields:
        if field.encode_name == place and (words := [str(one) for one in _literals(field.type) if one != ""]):
            return f"; use one of: {', '.join(words)}"
    return ""


def _literals(kind: Any) -> Iterator[Any]:
    for part in get_args(kind):
        if get_origin(kind) is Literal:
            yield part
        else:
            yield from _literals(part)


def _names(struct: type[msgspec.Struct]) -> list[str]:
    return [field.encode_name for field in msgspec.structs.fields(struct)]


def _struct_at(kind: Any, path: str) -> type[msgspec.Struct] | None:
    """Return the struct at a path as `rows[0].watermark` below another, None where there is none."""
    struct = _struct_in(kind)
    for name in _NAME.findall(_ITEM.sub("", path)):
        fields = {} if struct is None else {one.encode_name: one.type for one in msgspec.structs.fields(struct)}
        struct = _struct_in(fields.get(name))
    return struct


def _struct_in(kind: Any) -> type[msgspec.Struct] | None:
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return kind
    return next((found for part in get_args(kind) if (found := _struct_in(part)) is not None), None)
