"""How often a token may ask: a token bucket, as one moment that moves on with each request. Pure.

The bucket is kept as the moment at which it will be full again (the theoretical arrival time of GCRA, ITU-T I.371
annex A): eight bytes are its whole state, so that several processes can share it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tenure.kit.clock import SECOND
from tenure.kit.errors import Kind, TenureError

_RATE = re.compile(r"([1-9][0-9]{0,6})/(s|min|h)")
_SECONDS = {"s": 1, "min": 60, "h": 3600}


class BadRate(TenureError):
    """The text is no rate."""

    code = "bad-rate"
    kind = Kind.BAD_INPUT
    message = "{text!r} is not a rate"
    next_step = "write how many requests in which time: 50/s, 600/min, 10000/h"


class RateExceeded(TenureError):
    """The token asks more often than it may."""

    code = "rate-exceeded"
    kind = Kind.OVERLOADED
    message = "this token may ask {requests} times in {seconds} s, and has"
    next_step = "ask again in {retry_after} s; `tenure token create --rate …` makes one that may ask more often"


@dataclass(frozen=True, slots=True)
class Rate:
    """So many requests in so many seconds; all of them may come at once."""

    requests: int
    seconds: int

    @property
    def pause(self) -> int:
        """Return the microseconds in which one more request is earned."""
        return max(1, self.seconds * SECOND // self.requests)


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a request: whether it may pass, when the bucket is full again, and how many more may pass now.

    `full_in` is how many microseconds it takes until the bucket is full, `wait` until a refused request may pass.
    """

    passes: bool
    full_at: int
    left: int
    full_in: int
    wait: int = 0


def take(full_at: int, now: int, rate: Rate) -> Taken:
    """Return what becomes of one more request at the moment `now`."""
    room = rate.pause * rate.requests
    # Never further ahead than one whole bucket: a clock that was set back must not lock anybody out.
    ahead = min(max(full_at - now, 0), room)
    if ahead > room - rate.pause:
        return Taken(passes=False, full_at=now + ahead, left=0, full_in=ahead, wait=ahead - (room - rate.pause))
    ahead += rate.pause
    return Taken(passes=True, full_at=now + ahead, left=(room - ahead) // rate.pause, full_in=ahead)


def parse_rate(text: str) -> Rate | None:
    """Return the rate that `text` means (`50/s`, `600/min`, `10000/h`), None for the empty text; raise `BadRate`."""
    if not text:
        return None
    found = _RATE.fullmatch(text)
    if found is None:
        raise BadRate(text=text)
    return Rate(int(found[1]), _SECONDS[found[2]])
