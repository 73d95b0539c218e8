"""From an error to an RFC 9457 problem: the one table of statuses, and what of an error may leave the house."""

from __future__ import annotations

import contextlib
import pkgutil
import re
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

import tenure
from tenure.kit.bodies import MalformedJson
from tenure.kit.errors import Kind, TenureError
from tenure.serving.front import PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterator

PROBLEM_JSON = "application/problem+json"

STATUS: dict[Kind, int] = {
    Kind.BAD_INPUT: 422,
    Kind.NOT_FOUND: 404,
    Kind.CONFLICT: 409,
    Kind.REFUSED: 409,
    Kind.UNAUTHENTICATED: 401,
    Kind.FORBIDDEN: 403,
    Kind.UNAVAILABLE: 503,
    Kind.OVERLOADED: 429,
    Kind.TOO_LARGE: 413,
    Kind.CORRUPT: 500,
}

TITLES: dict[Kind, str] = {
    Kind.BAD_INPUT: "The input is not valid",
    Kind.NOT_FOUND: "There is no such thing",
    Kind.CONFLICT: "It contradicts the present state",
    Kind.REFUSED: "The action is refused",
    Kind.UNAUTHENTICATED: "Who are you?",
    Kind.FORBIDDEN: "Your role does not allow this",
    Kind.UNAVAILABLE: "It is not available at the moment",
    Kind.OVERLOADED: "Too much at once",
    Kind.TOO_LARGE: "It is too large",
    Kind.CORRUPT: "Something stored is damaged",
}

RETRY_SECONDS = 1

#: Clients that know only passwords (browsers, MLflow) send the token as the password.
#: Chromium asks for no password where `Bearer` stands in the same header, so only this challenge is named.
CHALLENGE = 'Basic realm="Tenure: any user name, the token as password"'
#: To a challenge of Basic a browser shows a box of its own, also over a page that has a form for it.
CHALLENGE_OF_SCRIPTS = 'Bearer realm="Tenure"'

_OWN_MEMBERS = frozenset({"type", "title", "status", "detail", "code", "next_step"})


class InvalidInput(TenureError):
    """A parameter or a field of the body has the wrong type, is missing or is unknown."""

    code = "invalid-input"
    kind = Kind.BAD_INPUT
    message = "{why}"
    next_step = "compare with the operation's schema in /api/v1/openapi.json"


class NoSuchRoute(TenureError):
    """Nothing is served at this path."""

    code = "no-such-route"
    kind = Kind.NOT_FOUND
    message = "nothing is served at {path}"
    next_step = "the routes are listed in /api/v1/openapi.json"


class WrongVerb(TenureError):
    """The path exists, but not with this verb."""

    code = "wrong-verb"
    kind = Kind.NOT_FOUND
    message = "{path} does not answer {verb}"
    next_step = "the verbs of every path are listed in /api/v1/openapi.json"


class BodyTooLarge(TenureError):
    """The body is larger than the route takes."""

    code = "body-too-large"
    kind = Kind.TOO_LARGE
    message = "the body is larger than {limit} bytes"
    next_step = "send less at once"


class RefusedUpload(Exception):
    """What was uploaded is damaged: an error that would be ours about our own files is the sender's here."""

    def __init__(self, error: TenureError) -> None:
        super().__init__(str(error))
        self.error = error


class ClientWentAway(TenureError):
    """The client ended the connection before its request had come whole; nothing was done, and nobody reads this."""

    code = "client-went-away"
    kind = Kind.BAD_INPUT
    message = "the connection ended before the request had come whole: nothing was done"
    next_step = "send the request again"


class Unexpected(TenureError):
    """A fault of ours. What happened stands in control's log under `incident`, not in the answer."""

    code = "unexpected"
    kind = Kind.CORRUPT
    message = "this should not have happened (incident {incident})"
    next_step = "look for incident {incident} in logs/control.log of the home and report it"


#: what is no module of errors: code that runs on loading, or in a model's own Python
_NOT_LOADED = re.compile(r"\.(__main__|worker|migrations)(\.|$)")

#: Where the kind alone would give too coarse a status.
_STATUS_OF_CODE = {
    MalformedJson.code: 400,
    WrongVerb.code: 405,
    "precondition-required": 428,
    "precondition-failed": 412,
    "no-such-state": 412,
}


def status_of(error: TenureError) -> int:
    """Return the HTTP status of an error."""
    return _STATUS_OF_CODE.get(error.code, STATUS[error.kind])


def problem(error: TenureError, status: int | None = None) -> dict[str, Any]:
    """Return the RFC 9457 document of an error; its facts are extension members, so far as they are plain values.

    `status` stands in for the one of the table.
    """
    facts = {name: value for name, value in error.facts.items() if name not in _OWN_MEMBERS and is_plain(value)}
    return {
        "type": f"{PREFIX.get()}/problems/{error.code}",
        "title": TITLES[error.kind],
        "status": status or status_of(error),
        "detail": str(error),
        "code": error.code,
        "next_step": error.hint,
    } | facts


def headers_of(error: TenureError, *, script: bool = False) -> dict[str, str]:
    """Return the headers that go with an error's status; `script`: a page's script asked."""
    if error.kind is Kind.UNAUTHENTICATED:
        return {"WWW-Authenticate": CHALLENGE_OF_SCRIPTS if script else CHALLENGE}
    if error.kind in {Kind.UNAVAILABLE, Kind.OVERLOADED}:
        return {"Retry-After": str(error.facts.get("retry_after", RETRY_SECONDS))}
    if error.code == WrongVerb.code and (allow := error.facts.get("allow")):
        return {"Allow": str(allow)}
    return {}


def is_plain(value: object) -> bool:
    """Say whether a fact is text, a number, or a list of these or of flat records: the only facts that leave the house."""
    if isinstance(value, list | tuple):
        return all(_is_scalar(item) or _is_record(item) for item in value)
    return value is None or _is_scalar(value)


def _is_scalar(value: object) -> bool:
    return isinstance(value, str | int | float | bool)


def _is_record(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(key, str) and _is_scalar(part) for key, part in value.items())


def known_errors() -> dict[str, type[TenureError]]:
    """Return every error class that is loaded, by code."""
    return {error.code: error for error in _below(TenureError)}


@cache
def all_errors() -> dict[str, type[TenureError]]:
    """Return every error class there is, by code, also those that only gateways, commands and authors raise."""
    for module in pkgutil.walk_packages(tenure.__path__, "tenure."):
        if not _NOT_LOADED.search(module.name):
            # A part whose libraries are not installed here raises nothing here either.
            with contextlib.suppress(ImportError):
                import_module(module.name)
    return known_errors()


def _below(base: type[TenureError]) -> Iterator[type[TenureError]]:
    for error in base.__subclasses__():
        yield error
        yield from _below(error)
