"""Lengths of time as people write them: `200ms`, `30s`, `5m`, `12h`, `60d`."""

from __future__ import annotations

import re

from tenure.kit.clock import DAY, SECOND

_UNITS = {"ms": 1000, "s": SECOND, "m": 60 * SECOND, "h": 3600 * SECOND, "d": DAY}
_WRITTEN = re.compile(r"(\d{1,9})\s*(ms|s|m|h|d)")


def parse_duration(text: str) -> int:
    """Return microseconds; raise `ValueError` when the text is no length of time."""
    found = _WRITTEN.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is no length of time; write it as 200ms, 30s, 5m, 12h or 60d")
    return int(found[1]) * _UNITS[found[2]]


def written(microseconds: int) -> str:
    """Return microseconds as the shortest text that `parse_duration` reads back."""
    for unit in ("d", "h", "m", "s", "ms"):
        if microseconds % _UNITS[unit] == 0:
            return f"{microseconds // _UNITS[unit]}{unit}"
    raise ValueError(f"{microseconds} µs is no whole number of milliseconds")
