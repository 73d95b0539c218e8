"""The body of a request: decoded and checked against the schema in one pass, by a type compiled from the schema."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec

from tenure.application.rules.kinds import nearest
from tenure.kit.bodies import MalformedJson
from tenure.kit.clock import SECOND
from tenure.kit.errors import Kind, TenureError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tenure.contract.schema import Field, Schema

_AT = re.compile(r"(?P<why>.*?) - at `\$\.?(?P<field>.*?)`", re.DOTALL)
_NAMED = re.compile(r"Object (?P<what>missing required|contains unknown) field `(?P<field>.*)`", re.DOTALL)
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_INT64 = 2**63


class BadRequest(TenureError):
    """The request does not fit the application's schema."""

    code = "bad-request"
    kind = Kind.BAD_INPUT
    message = "{field}: {why}"
    next_step = "send the fields of /api/v1/applications/{application}/openapi.json"


class RequestForm:
    """Reads the requests of one schema. A field that the schema does not know is refused: it would have no effect."""

    def __init__(self, application: str, schema: Schema) -> None:
        self._application = application
        self._names = [field.name for field in schema]
        self._moments = [(field.name, _CONVERSIONS[field.type]) for field in schema if field.type in _CONVERSIONS]
        # Names of a request may be any text, so the struct has names of its own.
        self._type = msgspec.defstruct(
            "Request",
            [(f"f{place}", *_annotated(field)) for place, field in enumerate(schema)],
            rename={f"f{place}": field.name for place, field in enumerate(schema)},
            kw_only=True,
            forbid_unknown_fields=True,
            gc=False,
        )
        self._decode = msgspec.json.Decoder(self._type).decode

    def decode(self, body: bytes) -> dict[str, Any]:
        """Return every field of the schema, None where it is missing; raise `BadRequest` naming the first wrong field.

        Raises `MalformedJson` for what is no JSON.
        """
        try:
            return self._values(self._decode(body))
        except msgspec.ValidationError as error:
            raise self._refused(error) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise MalformedJson(why=str(error)) from None

    def convert(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return the same for a row that is decoded already."""
        try:
            return self._values(msgspec.convert(dict(row), self._type))
        except msgspec.ValidationError as error:
            raise self._refused(error) from None

    def _values(self, decoded: Any) -> dict[str, Any]:
        values = dict(zip(self._names, msgspec.structs.astuple(decoded), strict=True))
        for name, convert in self._moments:
            if values[name] is not None:
                values[name] = convert(values[name])
        return values

    def _refused(self, error: msgspec.ValidationError) -> BadRequest:
        text = str(error)
        if named := _NAMED.match(text):
            missing = named["what"].startswith("missing")
            why = "it is missing" if missing else f"there is no such field{nearest(named['field'], self._names)}"
            return BadRequest(field=named["field"], why=why, application=self._application)
        at = _AT.match(text)
        field, why = (at["field"], at["why"]) if at else ("the body", text)
        return BadRequest(field=field or "the body", why=_plainly(why), application=self._application)


def _plainly(why: str) -> str:
    return (why[:1].lower() + why[1:]).replace("`", "")


def _annotated(field: Field) -> tuple[Any] | tuple[Any, None]:
    kind = _type(field)
    return (kind,) if field.required and not field.nullable else (kind | None, None)


def _type(field: Field) -> Any:
    if field.type == "string" and field.values:
        return Literal[field.values]
    if field.type == "int":
        least = -_INT64 if field.minimum is None else int(field.minimum)
        most = _INT64 - 1 if field.maximum is None else int(field.maximum)
        return Annotated[int, msgspec.Meta(ge=least, le=most)]
    if field.type == "float":
        return Annotated[float, msgspec.Meta(ge=field.minimum, le=field.maximum)]
    if field.type == "timestamp":
        return Annotated[dt.datetime, msgspec.Meta(tz=True)]
    return {"string": str, "bool": bool, "date": dt.date}[field.type]


def misfit(schema: Schema, values: Mapping[str, Any]) -> str:
    """Return what keeps the values of a request, as they are at rest, from being of this schema; empty if nothing does."""
    for field in schema:
        value = values.get(field.name)
        if value is None and field.required and not field.nullable:
            return f"it has no {field.name}"
        if value is not None and type(value) not in _AT_REST[field.type]:
            return f"its {field.name} is {value!r}, which is no {field.type}"
    return ""


def _microseconds(moment: dt.datetime) -> int:
    elapsed = moment - _EPOCH
    return (elapsed.days * 86_400 + elapsed.seconds) * SECOND + elapsed.microseconds


_CONVERSIONS: dict[str, Callable[[Any], Any]] = {"timestamp": _microseconds, "date": dt.date.isoformat}
#: a timestamp is UTC microseconds at rest, a date its text
_AT_REST: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "int": (int,),
    "float": (float, int),
    "bool": (bool,),
    "timestamp": (int,),
    "date": (str,),
}
