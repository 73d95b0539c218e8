"""How long a row would wait for its answer; learnt from the answers themselves. Pure: time comes as an argument.

A gateway refuses at once what a version could not answer in time anyway: under overload that keeps the others within their
deadlines, and costs a caller microseconds instead of its whole deadline (research: admission by predicted wait).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenure.worker.batching import MOST_ROWS, Cost, Form

if TYPE_CHECKING:
    from tenure.worker.frames import Span

#: what a frame costs beside the model, and what is no sign of a queue
_FIXED_US = 500.0
#: weight of the newest answer in the factor
_NEWEST = 0.1
#: predictions are means; this part of the time left is what a row may be predicted to take
_SURE = 0.8


#: upper bounds of the buckets in which calls are counted by their rows
ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)


class Pace:
    """The cost of calls as the answers tell it, and by what factor rows wait for longer than these calls explain.

    The factor holds what one gateway cannot see: rows of other gateways in the same worker's queue, and a busy machine.
    """

    def __init__(self, form: Form) -> None:
        self._form = form
        self._most = MOST_ROWS if form.kind == "multiple" else form.rows
        self._cost = Cost()
        self.factor = 1.0
        #: calls by their rows, a bucket for each of `ROWS`; and the rows of all of them
        self.calls = [0] * len(ROWS)
        self.rows = 0

    def saw(self, span: Span, ahead: int, waited_us: float) -> None:
        """Learn from one answer: how it was computed, how many rows were in flight before it, how long it took."""
        if span.position == 0:
            # The others of the same call would tell the same again.
            self._cost.saw(span.shape, span.compute_us)
            self.calls[min((span.rows - 1).bit_length(), len(ROWS) - 1)] += 1
            self.rows += span.rows
        slower = max(1.0, waited_us / (self._calls_us(ahead + 1) + _FIXED_US))
        self.factor += _NEWEST * (slower - self.factor)

    def wait_us(self, ahead: int) -> float:
        """Return how long a row is predicted to take with so many rows in flight before it; 0 while nothing is known."""
        return self.factor * self._calls_us(ahead + 1)

    def is_hopeless(self, ahead: int, left_us: float) -> bool:
        """Return whether a row would hardly be answered in time; one that is in the next call is always tried."""
        return ahead >= self._form.rows and self.wait_us(ahead) > _SURE * left_us

    def _calls_us(self, rows: int) -> float:
        """Return what the calls for so many rows cost the model."""
        slope, base = self._cost.line()
        full, rest = divmod(rows, self._most)
        return full * (slope * self._most + base) + (slope * self._form.shape(rest) + base if rest else 0.0)
