"""The gateway's connection to one worker: a row in, a `Prediction` out. Asyncio alone; no numpy, no threads.

One connection carries many requests at once, told apart by their correlation. When it breaks, all that was in flight is
`unavailable`, and it is made again. A row that was in flight at two deaths of the worker is suspected of causing them
and asked no more (`quarantined`).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
from typing import TYPE_CHECKING, Any, NamedTuple, cast, get_args

from tenure.contract.predictor import Failure, Prediction, Told
from tenure.kit.errors import Kind, TenureError
from tenure.serving import sockets
from tenure.serving.pace import Pace
from tenure.serving.spans import batches
from tenure.worker import frames
from tenure.worker.batching import Form
from tenure.worker.columns import BadRow, Codec, FrameError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from tenure.contract.schema import Schema
    from tenure.serving.snapshot import VersionEntry

_log = logging.getLogger(__name__)

MOST_IN_FLIGHT = 512
#: rows that many-row questions put into one frame, and frames of one question that are in flight at once: a single row
#: that comes meanwhile waits for that much and no more
ROWS_TOGETHER = 256
_FRAMES_TOGETHER = 2
#: rows of one question that are in flight at once when each has a frame of its own
_ALONE_TOGETHER = 64
DEATHS_TO_QUARANTINE = 2
#: most rows that are remembered as suspects
_MOST_SUSPECTS = 4096
#: what a worker may call a failure; anything else would make a record that nobody can read
_FAILURES = frozenset(get_args(Failure))
#: how often it is looked whether a worker that was asked still answers, and how long it may be silent beyond what its
#: calls are known to take before somebody is told
_LOOK_SECONDS = 0.05
_SILENT_US = 50_000
_FIRST_WAIT = 0.05
_LONGEST_WAIT = 2.0


class WorkerUnreachable(TenureError):
    """The worker did not say hello in time."""

    code = "worker-unreachable"
    kind = Kind.UNAVAILABLE
    message = "the worker of {model}/{version} is not ready: {why}"
    next_step = "see `tenure logs {model}/{version}`"


class ModelOverloaded(TenureError):
    """More rows wait for the model than it answers in time; refused before anything was decided."""

    code = "model-overloaded"
    kind = Kind.OVERLOADED
    message = "{model}/{version} has {rows} rows in flight, which is more than it answers within {milliseconds} ms"
    next_step = "try again in {retry_after} s; a longer deadline lets more requests wait"


class WrongWorker(TenureError):
    """What answers at the socket is not the worker of this version."""

    code = "wrong-worker"
    kind = Kind.CORRUPT
    message = "the worker of {model}/{version} says it serves {found}, not {expected}"
    next_step = "restart it: `tenure down`, then `tenure up`"


class MisfitRow(TenureError):
    """A row is not what the version takes."""

    code = "misfit-row"
    kind = Kind.BAD_INPUT
    message = "row {row}: {why}"
    next_step = "compare with the inputs that {model}/{version} declares"


class _Asked(NamedTuple):
    """Rows in flight in one frame. The answer is one prediction for each, or one failure of them all.

    `ahead` is how many rows were in flight when it was asked, `began` when that was (`frames.now_us`).
    """

    rows: Sequence[bytes]
    answer: asyncio.Future[Any]
    timer: asyncio.TimerHandle
    ahead: int
    began: int


class _Wire(asyncio.Protocol):
    """One connection: hands every frame, and the end, to its link."""

    def __init__(self, link: WorkerLink) -> None:
        self._link, self._parser = link, frames.Parser()
        self._loop = asyncio.get_running_loop()
        self._unsent: list[bytes] = []
        self.transport: asyncio.Transport | None = None
        self.gone = self._loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Say hello."""
        # uvloop's transports have the methods of asyncio.Transport but not always its type.
        self.transport = cast("asyncio.Transport", transport)
        self.write(frames.encode(frames.HELLO))

    def data_received(self, data: bytes) -> None:
        """Hand over what is complete; a damaged stream is closed."""
        try:
            for frame in self._parser.feed(data):
                self._link._received(self, frame)  # noqa: SLF001 - the two classes are one thing
        except FrameError:
            _log.exception("the stream of a worker is damaged")
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the link."""
        if not self.gone.done():
            self.gone.set_result(None)
        self._link._lost(self, exc)  # noqa: SLF001

    def write(self, content: bytes) -> None:
        """Send bytes together with all others of this turn of the loop: one system call, and one batch at the worker."""
        if not self._unsent:
            self._loop.call_soon(self._flush)
        self._unsent.append(content)

    def _flush(self) -> None:
        assert self.transport is not None
        unsent, self._unsent = self._unsent, []
        if not self.transport.is_closing():
            self.transport.write(b"".join(unsent))

    def close(self) -> None:
        """Close the connection at once."""
        if self.transport is not None:
            self.transport.abort()


class WorkerLink:
    """One version of a model behind a Unix socket; a `contract.Predictor`."""

    def __init__(
        self,
        model: str,
        version: int,
        entry: VersionEntry,
        socket: Path,
        *,
        in_flight: int = MOST_IN_FLIGHT,
        silent: Callable[[], None] = lambda: None,
    ) -> None:
        """Make the link; `silent` is called when the worker is silent for longer than its calls take."""
        self.model, self.version, self.digest = model, version, entry.digest
        self.inputs: Schema = entry.inputs
        self.outputs: Schema = entry.outputs
        #: how it tells reasons, None where it cannot
        self.explain = entry.explain
        self._explains = entry.explain is not None
        #: what the worker said of itself, empty until it is ready
        self.welcome: dict[str, Any] = {}
        self.why = "it was not asked yet"
        self._socket, self._most = socket, in_flight
        inputs, outputs = Codec(entry.inputs), Codec(entry.outputs)
        self._pack, self._join = inputs.pack_row, inputs.join_rows
        self._unpack, self._split = outputs.unpack_row, outputs.split_rows
        self._asked: dict[int, _Asked] = {}
        #: rows that the worker has not answered yet
        self.rows_in_flight = 0
        self.pace = Pace(Form(entry.batch_kind, entry.batch_rows))
        self._next = 0
        self._silent, self._is_doubted = silent, False
        self._heard_us = 0
        self._watch: asyncio.TimerHandle | None = None
        self._deaths: dict[int, int] = {}
        self._wire: _Wire | None = None
        self._is_ready = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None

    @property
    def ready(self) -> bool:
        """Return whether the worker has loaded its model and the connection stands."""
        return self._is_ready.is_set()

    @property
    def in_flight(self) -> int:
        """Return how many frames the worker has not answered yet, those included that nobody waits for any more."""
        return len(self._asked)

    async def connect(self, seconds: float = 60.0) -> None:
        """Connect, keep connected from now on, and return when the worker is ready; raise `WorkerUnreachable`."""
        if self._keeper is None:
            self._keeper = asyncio.get_running_loop().create_task(self._keep())
        try:
            async with asyncio.timeout(seconds):
                await self._is_ready.wait()
        except TimeoutError:
            raise WorkerUnreachable(model=self.model, version=self.version, why=self.why) from None

    async def close(self) -> None:
        """Give up the connection; what is in flight becomes `unavailable`."""
        if self._keeper is not None:
            self._keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeper
            self._keeper = None

    async def predict(self, row: Mapping[str, Any], deadline_us: int, *, reasons: bool = False) -> Prediction:
        """Return the prediction for one row within `deadline_us` microseconds; never raises for a model's fault.

        With `reasons` also what each input contributed, from the same call, if the version can tell.
        """
        try:
            body = self._pack(row)
        except BadRow as error:
            return self._failure("bad_row", str(error))
        if (refusal := self._refusal(body, deadline_us)) is not None:
            return refusal
        return cast("Prediction", await self._ask((body,), body, deadline_us, self._flags(reasons)))

    async def predict_rows(
        self, rows: Sequence[Mapping[str, Any]], deadline_us: int, *, reasons: bool = False
    ) -> list[Prediction]:
        """Return one prediction for each row, in order; a row fails alone, as with `predict`."""
        packed: dict[int, bytes] = {}
        found: dict[int, Prediction] = {}
        for place, row in enumerate(rows):
            try:
                packed[place] = self._pack(row)
            except BadRow as error:
                found[place] = self._failure("bad_row", str(error))
        found |= zip(
            packed, await self.predict_packed(list(packed.values()), deadline_us, reasons=reasons), strict=True
        )
        return [found[place] for place in range(len(rows))]

    def pack_rows(self, rows: Sequence[Mapping[str, Any]]) -> list[bytes]:
        """Return the rows as `predict_packed` takes them; raise `MisfitRow` for the first that does not fit."""
        packed = []
        for place, row in enumerate(rows):
            try:
                packed.append(self._pack(row))
            except BadRow as error:
                raise MisfitRow(model=self.model, version=self.version, row=place, why=str(error)) from None
        return packed

    async def predict_packed(
        self, rows: Sequence[bytes], deadline_us: int, *, reasons: bool = False
    ) -> list[Prediction]:
        """Return one prediction for each row that `pack_rows` gave; the deadline is that of all together."""
        until = frames.now_us() + deadline_us
        turns = asyncio.Semaphore(_FRAMES_TOGETHER)
        flags = self._flags(reasons)

        async def ask(some: Sequence[bytes]) -> list[Prediction]:
            async with turns:
                return await self._ask_together(some, until, flags)

        groups = [rows[start : start + ROWS_TOGETHER] for start in range(0, len(rows), ROWS_TOGETHER)]
        return [one for group in await asyncio.gather(*map(ask, groups)) for one in group]

    async def _ask_together(self, rows: Sequence[bytes], until: int, flags: int) -> list[Prediction]:
        """Return the predictions of rows that fit into one frame; when the model raises, each is asked by itself."""
        left = until - frames.now_us()
        if len(rows) == 1 or (self._deaths and any(hash(row) in self._deaths for row in rows)):
            return await self._ask_each(rows, left, flags)
        if (refusal := self._refusal(b"", left)) is not None:
            return [refusal] * len(rows)
        answer = await self._ask(rows, self._join(rows), left, flags)
        if isinstance(answer, list):
            return answer
        if answer.failure == "raised":
            # The worker found the row that the model cannot take, and gave up the frame: the others are asked again.
            return await self._ask_each(rows, until - frames.now_us(), flags)
        return [answer] * len(rows)

    async def _ask_each(self, rows: Sequence[bytes], deadline_us: int, flags: int) -> list[Prediction]:
        """Return the predictions of rows asked in frames of their own, few at a time."""
        turns = asyncio.Semaphore(_ALONE_TOGETHER)
        until = frames.now_us() + deadline_us

        async def ask(body: bytes) -> Prediction:
            async with turns:
                left = until - frames.now_us()
                refusal = self._refusal(body, left)
                return refusal or cast("Prediction", await self._ask((body,), body, left, flags))

        return list(await asyncio.gather(*map(ask, rows)))

    def _flags(self, reasons: bool) -> int:  # noqa: FBT001 - called by place on the hot path
        """Return the flags of an INFER: a worker sealed before reasons could be asked for takes the flag for damage."""
        return frames.REASONS if reasons and self._explains else 0

    def _ask(self, rows: Sequence[bytes], body: bytes, deadline_us: int, flags: int = 0) -> asyncio.Future[Any]:
        assert self._wire is not None
        loop = asyncio.get_running_loop()
        self._next = correlation = self._next + 1
        answer: asyncio.Future[Any] = loop.create_future()
        timer = loop.call_later(deadline_us / 1e6, self._late, answer)
        now = frames.now_us()
        self._asked[correlation] = _Asked(rows, answer, timer, self.rows_in_flight, now)
        self.rows_in_flight += len(rows)
        if self._watch is None:
            self._watch = loop.call_later(_LOOK_SECONDS, self._look)
        self._wire.write(frames.encode(frames.INFER, correlation, len(rows), now + deadline_us, flags, body=body))
        return answer

    def _refusal(self, body: bytes, deadline_us: int) -> Prediction | None:
        if self._deaths and self._deaths.get(hash(body), 0) >= DEATHS_TO_QUARANTINE:
            return self._failure("quarantined", "this row was in flight each time when the worker died")
        if deadline_us <= 0:
            return self._failure("timeout", "no time was left to ask the model")
        if not self._is_ready.is_set():
            return self._failure("unavailable", f"the worker is not ready: {self.why}")
        if len(self._asked) >= self._most:
            return self._failure("overloaded", f"{len(self._asked)} rows are in flight")
        if self.is_busy(deadline_us):
            return self._failure("overloaded", f"{self.rows_in_flight} rows in flight will take longer than is left")
        return None

    def is_busy(self, deadline_us: int) -> bool:
        """Return whether a row asked now would hardly be answered within `deadline_us`."""
        return self.pace.is_hopeless(self.rows_in_flight, deadline_us)

    def overloaded(self, deadline_us: int) -> ModelOverloaded:
        """Return the refusal of a row that would not be answered within `deadline_us`."""
        return ModelOverloaded(
            model=self.model,
            version=self.version,
            rows=self.rows_in_flight,
            milliseconds=deadline_us // 1000,
            retry_after=max(1, math.ceil(self.pace.wait_us(self.rows_in_flight) / 1e6)),
        )

    def _late(self, answer: asyncio.Future[Prediction]) -> None:
        # The row stays among those asked: the worker still holds it, and may yet die of it.
        if not answer.done():
            answer.set_result(self._failure("timeout", "the model did not answer within the deadline"))

    def _look(self) -> None:
        """Tell, once, of a worker that is silent for longer than its calls take; look again while it owes an answer."""
        self._watch = None
        if not self._asked:
            self._is_doubted = False
            return
        self._watch = asyncio.get_running_loop().call_later(_LOOK_SECONDS, self._look)
        since = max(next(iter(self._asked.values())).began, self._heard_us)
        was_doubted = self._is_doubted
        self._is_doubted = frames.now_us() - since > _SILENT_US + 2 * self.pace.wait_us(self.rows_in_flight)
        if self._is_doubted and not was_doubted:
            self._silent()

    def _received(self, wire: _Wire, frame: frames.Frame) -> None:
        if frame.kind == frames.WELCOME:
            self._welcomed(wire, frames.read_json(frame.body))
            return
        if frame.kind == frames.ERROR and frame.correlation == 0:
            self.why = str(frames.read_json(frame.meta).get("error", "it refused"))
            return
        asked = self._asked.get(frame.correlation)
        if asked is not None:
            # Read before it is forgotten: a damaged answer closes the connection, which fails all that is still known.
            answer = self._prediction(frame) if len(asked.rows) == 1 else self._predictions(frame, len(asked.rows))
            del self._asked[frame.correlation]
            self.rows_in_flight -= len(asked.rows)
            _answer(asked, answer)
            self._heard_us = now = frames.now_us()
            if frame.kind == frames.RESULT:
                self.pace.saw(frames.read_spans(frame.meta)[0], asked.ahead, now - asked.began)

    def _predictions(self, frame: frames.Frame, count: int) -> Prediction | list[Prediction]:
        """Return one prediction for each row of a frame, or the failure of all."""
        if frame.kind == frames.ERROR:
            return self._prediction(frame)
        body, told = self._told(count, frame)
        rows = self._split(count, body)
        computed = batches(frame.meta, count)
        return [
            Prediction(self.model, self.version, self.digest, self._unpack(row), row, batch, told=one)
            for row, batch, one in zip(rows, computed, told, strict=True)
        ]

    def _told(self, count: int, frame: frames.Frame) -> tuple[bytes, list[Told | None]]:
        """Return the output columns of a RESULT, and what was told with each row."""
        if not frame.flags & frames.REASONS:
            return frame.body, [None] * count
        body, told = frames.split_told(count, len(self.inputs), frame.body)
        return body, [Told(one[0], one[1:]) for one in told]

    def _prediction(self, frame: frames.Frame) -> Prediction:
        if frame.kind == frames.ERROR:
            why = frames.read_json(frame.meta)
            code = str(why.get("code"))
            failure = cast("Failure", code) if code in _FAILURES else "raised"
            return self._failure(failure, str(why.get("error", ""))[: frames.MOST_ERROR])
        (batch,) = batches(frame.meta, 1)
        body, told = self._told(1, frame)
        return Prediction(
            self.model,
            self.version,
            self.digest,
            self._unpack(body),
            body,
            batch,
            told=told[0],
        )

    def _failure(self, failure: Failure, error: str) -> Prediction:
        return Prediction(self.model, self.version, self.digest, failure=failure, error=error)

    def _welcomed(self, wire: _Wire, welcome: dict[str, Any]) -> None:
        if welcome.get("digest") != self.digest:
            wrong = WrongWorker(
                model=self.model, version=self.version, found=welcome.get("digest"), expected=self.digest
            )
            self.why = str(wrong)
            _log.error("%s", wrong)
            wire.close()
            return
        self.welcome, self._wire = welcome, wire
        self._is_ready.set()

    def _lost(self, wire: _Wire, error: Exception | None) -> None:
        if wire is not self._wire:
            return
        self._wire, self.why = None, f"the connection broke ({error})" if error else "the worker ended"
        self._is_ready.clear()
        asked, self._asked, self.rows_in_flight = self._asked, {}, 0
        for one in asked.values():
            for body in one.rows:
                self._suspect(body)
            _answer(one, self._failure("unavailable", self.why))

    def _suspect(self, body: bytes) -> None:
        key = hash(body)
        self._deaths[key] = self._deaths.pop(key, 0) + 1
        if len(self._deaths) > _MOST_SUSPECTS:
            del self._deaths[next(iter(self._deaths))]

    async def _keep(self) -> None:
        """Hold one connection, and make it again whenever it ends."""
        wait = _FIRST_WAIT
        while True:
            wire: _Wire | None = None
            try:
                wire = await self._open()
                await wire.gone
                wait = _FIRST_WAIT if self.welcome else wait
            except OSError as error:
                self.why = f"nobody listens at its socket ({error.strerror or error})"
            except asyncio.CancelledError:
                if wire is not None:
                    self._hang_up(wire)
                raise
            self.welcome = {}
            await asyncio.sleep(wait)
            wait = min(wait * 2, _LONGEST_WAIT)

    async def _open(self) -> _Wire:
        self.why = "it has not loaded its model yet"
        with sockets.reachable(self._socket) as address:
            _, wire = await asyncio.get_running_loop().create_unix_connection(lambda: _Wire(self), address)
        return wire

    def _hang_up(self, wire: _Wire) -> None:
        """Close without suspecting any row: the worker did not die."""
        asked, self._asked, self._wire, self.why = self._asked, {}, None, "the gateway closed the connection"
        self.rows_in_flight = 0
        self._is_ready.clear()
        for one in asked.values():
            _answer(one, self._failure("unavailable", self.why))
        wire.close()


def _answer(asked: _Asked, answer: Prediction | list[Prediction]) -> None:
    asked.timer.cancel()
    if not asked.answer.done():
        asked.answer.set_result(answer)
