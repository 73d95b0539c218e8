"""What is sent to us as JSON and is none, or is ambiguous."""

from __future__ import annotations

import contextlib
import json
from typing import Any

from tenure.kit.errors import Kind, TenureError


class MalformedJson(TenureError):
    """The body is not JSON at all; JSON that does not fit its schema is another matter."""

    code = "malformed-json"
    kind = Kind.BAD_INPUT
    message = "the body is not JSON: {why}"
    next_step = "send one JSON document with the header Content-Type: application/json"


class GivenTwice(TenureError):
    """A parameter, or a member of a JSON object, stands twice in a request."""

    code = "given-twice"
    kind = Kind.BAD_INPUT
    message = "{name!r} is given twice"
    next_step = "give it once: which of two values was meant nobody can tell"


#: Reading a document once more costs some 10 ms a megabyte; what is larger is rows of data, not configuration.
_LOOKED_AT = 1 << 20


def refuse_twice(body: bytes) -> None:
    """Raise `GivenTwice` for an object with two members of one name; readers differ in which of them counts (RFC 8259, 4).

    Only in documents of up to 1 MiB. What is no JSON is left to who reads it for what it says.
    """
    if len(body) <= _LOOKED_AT:
        with contextlib.suppress(ValueError, RecursionError):
            json.loads(body, object_pairs_hook=_once_each)


def _once_each(members: list[tuple[str, Any]]) -> None:
    names = [name for name, _ in members]
    if len(names) != len(set(names)):
        raise GivenTwice(name=next(name for name in names if names.count(name) > 1))
