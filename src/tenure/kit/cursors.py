"""Pages of lists, and the cursors that say where the next one begins."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from tenure.kit.errors import Kind, TenureError

if TYPE_CHECKING:
    from collections.abc import Sequence

#: where a row stands in the order of its list
Place: TypeAlias = tuple[str | int, ...]

#: digits of the largest number that every database keeps
_DIGITS = 18


class UnusableCursor(TenureError):
    """The cursor names no row of this list."""

    code = "unusable-cursor"
    kind = Kind.BAD_INPUT
    message = "the cursor is not one of this list"
    next_step = "begin again without a cursor"


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows of a list, and the cursor of the next page, empty on the last one."""

    rows: list[Any]
    next_cursor: str


def number_in(cursor: str) -> int:
    """Return the number that a cursor is, 0 for the empty one; raise `UnusableCursor`."""
    if not cursor:
        return 0
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) <= _DIGITS):
        raise UnusableCursor
    return int(cursor)


def closed(name: str, place: Sequence[str | int]) -> str:
    """Return a place in a list as an opaque cursor, good for this list alone."""
    return base64.urlsafe_b64encode(msgspec.json.encode([name, *place])).decode().rstrip("=")


def opened(name: str, cursor: str, parts: int) -> Place | None:
    """Return the place that a cursor means, None for the empty one; raise `UnusableCursor`."""
    if not cursor:
        return None
    try:
        content = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        found = msgspec.json.decode(content, type=list[str | int])
    except (ValueError, msgspec.DecodeError) as error:
        raise UnusableCursor from error
    if len(found) != parts + 1 or found[0] != name:
        raise UnusableCursor
    return tuple(found[1:])
