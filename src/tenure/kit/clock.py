"""The only place that asks what time it is; everything else takes a `Clock` or a moment as an argument."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol

MICROSECOND = 1
SECOND = 1_000_000 * MICROSECOND
DAY = 86_400 * SECOND


class Clock(Protocol):
    """Something that knows the time."""

    def now(self) -> int:
        """Return the present moment in UTC microseconds since 1970."""


class SystemClock:
    """The machine's own clock."""

    def now(self) -> int:
        """Return the present moment in UTC microseconds since 1970."""
        return time.time_ns() // 1000


class FixedClock:
    """A clock for tests that moves only when told to."""

    def __init__(self, at: int = 1_790_000_000 * SECOND) -> None:
        self.at = at

    def now(self) -> int:
        """Return the moment last set."""
        return self.at

    def advance(self, microseconds: int) -> None:
        """Move the clock forward."""
        self.at += microseconds


def iso(moment: int) -> str:
    """Return UTC microseconds as RFC 3339 text, e.g. `2026-11-23T05:48:44.000000Z`."""
    return datetime.fromtimestamp(moment / SECOND, tz=UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def parse_iso(text: str) -> int:
    """Return RFC 3339 text (a bare date means midnight UTC) as UTC microseconds; raise `ValueError` when it is none."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    elapsed = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (elapsed.days * 86_400 + elapsed.seconds) * SECOND + elapsed.microseconds
