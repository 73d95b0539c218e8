"""Lists in pages: `limit` rows at a time, and a cursor that says where the next page begins.

A page names the next one in a Link header (RFC 8288), so that the body stays the plain list. The cursor is the identity
of the last row, so that what is added or removed meanwhile neither repeats nor hides a row.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, get_args, get_origin
from urllib.parse import parse_qsl, urlencode

import msgspec

from tenure.kit.cursors import UnusableCursor

if TYPE_CHECKING:
    from collections.abc import Sequence

#: rows on a page when nothing is said, and at most
PAGE = 1000


def is_list(output: Any) -> bool:
    """Return whether an action answers with a list of records."""
    return get_origin(output) is list


def identity_of(output: Any) -> str:
    """Return the name of the field by which the rows of a list differ: the first one."""
    (row,) = get_args(output)
    return msgspec.structs.fields(row)[0].name


def page_of(rows: Sequence[Any], identity: str, limit: int, cursor: str) -> tuple[list[Any], str]:
    """Return at most `limit` rows after the cursor's, and the cursor of the next page, empty on the last."""
    names = [str(getattr(row, identity)) for row in rows]
    try:
        start = names.index(opened(cursor)) + 1 if cursor else 0
    except ValueError as error:
        raise UnusableCursor from error
    page = list(rows[start : start + limit])
    more = start + limit < len(rows)
    return page, closed(names[start + limit - 1]) if more and page else ""


def closed(name: str) -> str:
    """Return a row's identity as an opaque cursor."""
    return base64.urlsafe_b64encode(name.encode()).decode().rstrip("=")


def opened(cursor: str) -> str:
    """Return the identity in a cursor; raise `UnusableCursor`."""
    try:
        return base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except ValueError as error:
        raise UnusableCursor from error


def link_to(path: str, query: str, cursor: str) -> str:
    """Return the Link header of the next page: the same question, from the cursor on."""
    asked = [(name, value) for name, value in parse_qsl(query) if name != "cursor"]
    return f'<{path}?{urlencode([*asked, ("cursor", cursor)])}>; rel="next"'
