"""Moments as people write them."""

from __future__ import annotations

import re
from datetime import date

from tenure.kit.clock import DAY, SECOND, iso, parse_iso
from tenure.kit.errors import Kind, TenureError

_AGE = re.compile(r"([0-9]{1,6})([smhd])")
_UNIT = {"s": SECOND, "m": 60 * SECOND, "h": 3600 * SECOND, "d": DAY}


class BadMoment(TenureError):
    """The text is neither a moment nor an age."""

    code = "bad-moment"
    kind = Kind.BAD_INPUT
    message = "{text!r} is no moment"
    next_step = "write an age as 30d or 12h, a date as 2026-11-23, or RFC 3339 as 2026-11-23T12:00:00Z"


class BadDay(TenureError):
    """The text is no day."""

    code = "bad-day"
    kind = Kind.BAD_INPUT
    message = "{text!r} is no day"
    next_step = "write it as 2026-11-23"


def moment(text: str, now: int) -> int | None:
    """Return the moment that the text means, an age counting back from now; None for the empty text."""
    if not text:
        return None
    if age := _AGE.fullmatch(text):
        return now - int(age[1]) * _UNIT[age[2]]
    try:
        return parse_iso(text)
    except ValueError as error:
        raise BadMoment(text=text) from error


def ahead(text: str, now: int) -> int | None:
    """Return the moment that the text means, an age counting forward from now; None for the empty text."""
    if age := _AGE.fullmatch(text):
        return now + int(age[1]) * _UNIT[age[2]]
    return now if text == "now" else moment(text, now)


def day(text: str) -> str:
    """Return the text if it is a day as 2026-11-23, or empty; raise `BadDay`."""
    try:
        return text and date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise BadDay(text=text) from error


def shown(at: int | None) -> str | None:
    """Return a moment as RFC 3339, None for none."""
    return None if at is None else iso(at)
