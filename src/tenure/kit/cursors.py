"""Cursors that are numbers: where a list that is read from a table goes on."""

from __future__ import annotations

from tenure.kit.errors import Kind, TenureError

#: digits of the largest number that every database keeps
_DIGITS = 18


class UnusableCursor(TenureError):
    """The cursor names no row of this list."""

    code = "unusable-cursor"
    kind = Kind.BAD_INPUT
    message = "the cursor is not one of this list, or its row is gone"
    next_step = "begin again without a cursor"


def number_in(cursor: str) -> int:
    """Return the number that a cursor is, 0 for the empty one; raise `UnusableCursor`."""
    if not cursor:
        return 0
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) <= _DIGITS):
        raise UnusableCursor
    return int(cursor)
