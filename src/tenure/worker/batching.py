"""Which rows go to the model together. Pure: no sockets, no clock; time comes as an argument, in microseconds.

Fire at once when idle, take what has queued when busy (research/serving.md 4.4). Every call has a shape for which it
was proven that a row's output depends neither on its neighbours nor on its place (the *batch form* of the manifest).
"""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import Any, NamedTuple

from .frames import Span

#: most rows in one call, and most rows and bytes that may wait
MOST_ROWS = 512
MOST_WAITING = 16_384
MOST_WAITING_BYTES = 256 << 20


class Form(NamedTuple):
    """The batch form: `multiple` of `rows`, `fixed` rows, or `single`."""

    kind: str
    rows: int

    def shape(self, real: int) -> int:
        """Return how many rows the call has that carries `real` ones."""
        if self.kind == "multiple":
            return -(-real // self.rows) * self.rows
        return self.rows

    def most(self, affordable: float) -> int:
        """Return how many rows one call may carry when the model has time for `affordable`: at least one unit."""
        if self.kind == "multiple":
            return max(self.rows, int(min(affordable, MOST_ROWS)) // self.rows * self.rows)
        return self.rows


class Cost:
    """What a call costs: microseconds = a·rows + b, by least squares with weights that fade."""

    _fade = 0.95

    def __init__(self) -> None:
        self._w = self._x = self._y = self._xx = self._xy = 0.0
        #: the quickest of the recent calls; each later one lets it rise by a tenth
        self._least = float("inf")

    def saw(self, rows: int, us: int) -> None:
        """Learn that a call of `rows` rows took `us` microseconds."""
        keep = self._fade
        self._least = min(float(us), self._least * 1.1)
        self._w = self._w * keep + 1
        self._x = self._x * keep + rows
        self._y = self._y * keep + us
        self._xx = self._xx * keep + rows * rows
        self._xy = self._xy * keep + rows * us

    def line(self) -> tuple[float, float]:
        """Return (a, b). While all calls had one size, b is taken for 0, which overrates larger calls."""
        spread = self._w * self._xx - self._x * self._x
        if spread <= 1e-9 * self._w * self._xx:
            return (self._y / self._x if self._x else 0.0), 0.0
        slope = max(0.0, (self._w * self._xy - self._x * self._y) / spread)
        return slope, max(0.0, (self._y - slope * self._x) / self._w)

    def at_least(self, rows: int) -> float:
        """Return the microseconds that a call of `rows` rows takes even when all goes well, 0 when nothing was learned.

        One call that was held up raises the line for long, but not the quickest of the recent ones.
        """
        slope, base = self.line()
        return min(slope * rows + base, self._least)

    def affordable(self, us: float) -> float:
        """Return how many rows are predicted to take at most `us`."""
        slope, base = self.line()
        return (us - base) / slope if slope > 0 else float(MOST_ROWS)


class Request:
    """Rows that were asked together, by `ticket`; `deadline` is absolute, 0 for none."""

    __slots__ = ("computed", "deadline", "exact", "left", "over", "reasons", "rows", "spans", "taken", "ticket", "told")

    def __init__(
        self, ticket: Any, rows: list[bytes], deadline: int = 0, exact: bool = False, reasons: bool = False
    ) -> None:
        self.ticket, self.rows, self.deadline, self.exact, self.reasons = ticket, rows, deadline, exact, reasons
        self.taken, self.left, self.over = 0, len(rows), False
        self.computed: list[bytes] = [b""] * len(rows)
        #: what each row's inputs contributed, where that was asked for
        self.told: list[bytes] = [b""] * len(rows) if reasons else []
        self.spans: list[tuple[int, Span]] = []


class Part(NamedTuple):
    """Some consecutive rows of a request."""

    request: Request
    start: int
    length: int


class Call(NamedTuple):
    """One call to the model: `rows` has `shape` entries, the real ones first, then the last real one repeated."""

    parts: list[Part]
    rows: list[bytes]
    real: int

    @property
    def shape(self) -> int:
        """Return the number of rows the model sees."""
        return len(self.rows)

    def explained(self) -> list[int]:
        """Return the places of the rows for which reasons were asked."""
        places: list[int] = []
        at = 0
        for part in self.parts:
            if part.request.reasons:
                places += range(at, at + part.length)
            at += part.length
        return places


class Done(NamedTuple):
    """A request's rows are computed; `told` is empty where no reasons were asked for."""

    ticket: Any
    rows: list[bytes]
    spans: list[Span]
    told: list[bytes]


class Failed(NamedTuple):
    """A request failed: `code` is a failure word (contract/predictor.py), `row` the first row that failed."""

    ticket: Any
    code: str
    error: str
    row: int


class Batcher:
    """The queue of one model."""

    def __init__(self, form: Form) -> None:
        self.form, self.cost = form, Cost()
        self._queue: deque[Request] = deque()
        self._again: list[Call] = []
        self._answers: list[Any] = []
        self._waiting = self._bytes = 0

    def __bool__(self) -> bool:
        return bool(self._queue or self._again)

    def add(self, request: Request) -> None:
        """Let a request wait its turn, or answer it `overloaded`."""
        size = sum(map(len, request.rows))
        if self._waiting + len(request.rows) > MOST_WAITING or self._bytes + size > MOST_WAITING_BYTES:
            self._fail(request, "overloaded", "%d rows are waiting" % self._waiting, 0)
            return
        self._waiting += len(request.rows)
        self._bytes += size
        self._queue.append(request)

    def forget(self, owner: Any) -> None:
        """Drop what waits for an owner (the first item of the ticket) that is gone."""
        for request in self._queue:
            if request.ticket[0] is owner:
                request.over = True

    def answers(self) -> list[Any]:
        """Return the answers (`Done`, `Failed`) since the last time."""
        answers, self._answers = self._answers, []
        return answers

    def next_call(self, now: int) -> Call | None:
        """Return the next call, None when nothing waits; requests found expired are answered `timeout`."""
        while self._again:
            call = self._again.pop()
            if not all(self._is_over(part.request, now) for part in call.parts):
                return call
        parts = self._take(now)
        return self._call(parts) if parts else None

    def succeeded(self, call: Call, computed: list[bytes], us: int, told: list[bytes] | None = None) -> None:
        """Hand each request its rows of the call, which took `us` microseconds; `told` is one for each explained row."""
        self.cost.saw(call.shape, us)
        position = 0
        reasons = iter(told or ())
        for part in call.parts:
            if part.request.reasons:
                part.request.told[part.start : part.start + part.length] = islice(reasons, part.length)
            span = Span(part.length, call.shape, call.real, position, us)
            self._computed(part, computed[position : position + part.length], span)
            position += part.length

    def failed(self, call: Call, error: str) -> None:
        """Halve a call that failed, so that in the end the poison row fails alone."""
        if call.real > 1 and not call.parts[0].request.exact:
            first, second = _halves(call.parts, call.real // 2)
            self._again += [self._call(second), self._call(first)]
            return
        part = call.parts[0]
        self._fail(part.request, "raised", error, part.start)

    def _take(self, now: int) -> list[Part]:
        parts: list[Part] = []
        taken, most = 0, self.form.most(MOST_ROWS)
        while self._queue and taken < most:
            request = self._queue[0]
            if self._is_over(request, now):
                self._leave(request)
                continue
            if not parts and self._would_miss(request, now):
                self._fail(
                    request, "timeout", "its deadline would have passed before the model answered", request.taken
                )
                self._leave(request)
                continue
            if request.exact:
                return parts or [self._part(request, len(request.rows))]
            if request.deadline:
                most = min(most, self.form.most(self.cost.affordable(request.deadline - now)))
            if taken >= most:
                break
            parts.append(self._part(request, min(most - taken, len(request.rows) - request.taken)))
            taken += parts[-1].length
        return parts

    def _is_over(self, request: Request, now: int) -> bool:
        if not request.over and request.deadline and request.deadline <= now:
            self._fail(request, "timeout", "its deadline passed while it waited", request.taken)
        return request.over

    def _would_miss(self, request: Request, now: int) -> bool:
        """Return whether computing a request would help nobody: its answer comes too late, and others wait behind it.

        Without this a queue that is too long serves each request just too late. The last one is always tried, so that a
        cost that was learned too high is corrected.
        """
        if not request.deadline or len(self._queue) == 1:
            return False
        return now + self.cost.at_least(self.form.rows) > request.deadline

    def _part(self, request: Request, count: int) -> Part:
        part = Part(request, request.taken, count)
        request.taken += count
        if request.taken == len(request.rows):
            self._leave(request)
        return part

    def _leave(self, request: Request) -> None:
        self._queue.popleft()
        self._waiting -= len(request.rows)
        self._bytes -= sum(map(len, request.rows))

    def _call(self, parts: list[Part]) -> Call:
        rows = [row for part in parts for row in part.request.rows[part.start : part.start + part.length]]
        real = len(rows)
        if not parts[0].request.exact:
            rows += [rows[-1]] * (self.form.shape(real) - real)
        return Call(parts, rows, real)

    def _computed(self, part: Part, rows: list[bytes], span: Span) -> None:
        request = part.request
        request.computed[part.start : part.start + part.length] = rows
        request.spans.append((part.start, span))
        request.left -= part.length
        if not request.left and not request.over:
            request.over = True
            spans = [span for _, span in sorted(request.spans)]
            self._answers.append(Done(request.ticket, request.computed, spans, request.told))

    def _fail(self, request: Request, code: str, error: str, row: int) -> None:
        if not request.over:
            request.over = True
            self._answers.append(Failed(request.ticket, code, error, row))


def _halves(parts: list[Part], at: int) -> tuple[list[Part], list[Part]]:
    """Return the parts of the first `at` rows, and those of the others."""
    first: list[Part] = []
    for nth, part in enumerate(parts):
        if part.length >= at:
            first.append(part._replace(length=at))
            rest = part._replace(start=part.start + at, length=part.length - at)
            return first, ([rest] if rest.length else []) + parts[nth + 1 :]
        first.append(part)
        at -= part.length
    return first, []
