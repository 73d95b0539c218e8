"""What sees requests and never answers: shadow versions and revisions on trial, asked after the answer is on its way.

A request only leaves a note in a bounded queue; one task works it off, a few notes at a time, so that answers come
first. What does not fit into the queue, or cannot be written, is dropped and counted. A record follows its decision in
the same stream, so whoever finds it finds the decision.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from tenure.application.decisions.deciding import AskModel, predicted
from tenure.contract.records import FORMAT, ShadowRecord, encode
from tenure.kit.errors import TenureError
from tenure.kit.ids import new_id

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tenure.app.generation import Deployed
    from tenure.application.decisions.deciding import Settled
    from tenure.contract.predictor import Prediction
    from tenure.contract.records import DecisionRecord, PredictionCallRecord
    from tenure.kit.clock import Clock
    from tenure.serving.link import WorkerLink

_LOG = logging.getLogger("tenure.gateway")

#: notes that wait at most: about 4 MB of requests
MOST_WAITING = 1024
#: notes that are worked off at once: enough for the worker to batch and for records to share a commit
_AT_ONCE = 64
_DEADLINE_US = 30_000_000
_LEAVING_SECONDS = 1.0


class Log(Protocol):
    """Where records become durable."""

    async def append(self, record: bytes, *, alone: bool | None = None) -> None:
        """Return when the record is durable."""


class Features(Protocol):
    """What is known beforehand."""

    def read(self, view: str, key: str) -> tuple[Mapping[str, Any], int | None] | None:
        """Return a key's values and since when they are known, or None."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A decision that was answered, as those see it who did not answer. `asked` is None where no model was asked."""

    record: DecisionRecord
    settled: Settled
    asked: AskModel | None
    body: bytes


@dataclass(frozen=True, slots=True)
class _Version:
    """Ask a shadow version what the served one was asked."""

    shadow: Deployed
    seen: Seen
    asked: AskModel


@dataclass(frozen=True, slots=True)
class _Revision:
    """Evaluate a revision on trial."""

    trial: Deployed
    seen: Seen


@dataclass(frozen=True, slots=True)
class _Call:
    """Ask a shadow version one row of a direct call."""

    link: WorkerLink
    row: Mapping[str, Any]
    record: PredictionCallRecord


@dataclass(slots=True)
class Counts:
    """What became of the notes since the process began."""

    kept: int = 0
    dropped: int = 0


class Shadowing:
    """Works off what was seen; everything it needs is given to it."""

    def __init__(self, *, log: Log, features: Features, clock: Clock, most: int = MOST_WAITING) -> None:
        self._log = log
        self._features = features
        self._clock = clock
        self._most = most
        self._waiting: deque[_Version | _Revision | _Call] = deque()
        self._more = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._task: asyncio.Task[None] | None = None
        self._working: set[asyncio.Task[None]] = set()
        self.counts = Counts()

    @property
    def waiting(self) -> int:
        """Return how many notes wait."""
        return len(self._waiting)

    def saw(self, deployed: Deployed, seen: Seen) -> None:
        """Note a decision for those who watch what `deployed` answers; returns at once, whatever they do with it."""
        if seen.asked is not None:
            for shadow in deployed.shadows:
                self._note(_Version(shadow, seen, seen.asked))
        if deployed.trial is not None:
            self._note(_Revision(deployed.trial, seen))

    def called(
        self, shadows: Sequence[WorkerLink], calls: Sequence[tuple[Mapping[str, Any], PredictionCallRecord]]
    ) -> None:
        """Note the rows of a direct call for the shadows of the version that answered."""
        for link in shadows:
            for row, record in calls:
                self._note(_Call(link, row, record))

    def _note(self, note: _Version | _Revision | _Call) -> None:
        if len(self._waiting) >= self._most:
            self.counts.dropped += 1
            return
        self._waiting.append(note)
        self._more.set()
        self._idle.clear()
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._work())

    async def close(self) -> None:
        """Work off what waits for at most a second; what is left is dropped."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LEAVING_SECONDS):
                await self._idle.wait()
        left = [task for task in (self._task, *self._working) if task is not None]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    # ---- working it off

    async def _work(self) -> None:
        turns = asyncio.Semaphore(_AT_ONCE)

        def worked(task: asyncio.Task[None]) -> None:
            self._working.discard(task)
            turns.release()
            if not self._waiting and not self._working:
                self._idle.set()

        while True:
            if not self._waiting:
                self._more.clear()
                await self._more.wait()
            await turns.acquire()
            task = asyncio.get_running_loop().create_task(self._worked(self._waiting.popleft()))
            self._working.add(task)
            task.add_done_callback(worked)
            # One in each turn of the loop: an answer that became ready meanwhile waits for one note, not for all.
            await asyncio.sleep(0)

    async def _worked(self, note: _Version | _Revision | _Call) -> None:
        try:
            match note:
                case _Version():
                    record = await self._by_version(note)
                case _Revision():
                    record = await self._by_revision(note)
                case _Call():
                    record = await self._by_call(note)
            await self._log.append(encode(record), alone=False)
        except TenureError:
            self.counts.dropped += 1
        except Exception:  # noqa: BLE001 - the boundary of a job: no answer may suffer from it
            self.counts.dropped += 1
            _LOG.exception("what a shadow made of a request is lost")
        else:
            self.counts.kept += 1

    async def _by_version(self, note: _Version) -> ShadowRecord:
        decider = note.shadow.decider
        asking = decider.asking(note.asked)
        said = await note.shadow.predict(asking.row, _DEADLINE_US)
        return self._record(note.shadow, note.seen, decider.after(asking, said), said)

    async def _by_revision(self, note: _Revision) -> ShadowRecord:
        decider, seen = note.trial.decider, note.seen
        try:
            admitted = decider.admit(seen.body)
            features = {view: self._read(seen, view, key) for view, key in decider.views(admitted)}
            step = decider.before(admitted, features, lambda view, key: self._read(seen, view, key))
        except TenureError as error:
            return self._record(note.trial, seen, None, error=str(error))
        if not isinstance(step, AskModel):
            return self._record(note.trial, seen, step)
        side, step = note.trial.asking(step, lambda: seen.record.entity or seen.record.id)
        decider = side.decider
        served = _served(side, seen, step)
        # What was served without reasons cannot stand for a revision that asks for them.
        if served is not None and (served.told is not None or not decider.asks_reasons):
            return self._record(side, seen, decider.after(step, served))
        said = await side.predict(step.row, _DEADLINE_US)
        return self._record(side, seen, decider.after(step, said), said)

    def _read(self, seen: Seen, view: str, key: str) -> tuple[Mapping[str, Any], int | None] | None:
        """Return what the decision read, where it read this; what was written since then is no difference of rules."""
        for read in seen.record.features:
            if read.view == view and read.key in {key, None} and not read.defaulted:
                return read.values, read.known_at
        return self._features.read(view, key)

    def _record(
        self, side: Deployed, seen: Seen, settled: Settled | None, said: Prediction | None = None, error: str = ""
    ) -> ShadowRecord:
        now = self._clock.now()
        return side.decider.shadow_record(seen.record, settled, id=new_id(now), at=now, asked=said, error=error)

    async def _by_call(self, note: _Call) -> ShadowRecord:
        said = (await note.link.predict_rows([note.row], _DEADLINE_US))[0]
        now = self._clock.now()
        return ShadowRecord(
            format=FORMAT,
            kind="shadow",
            id=new_id(now),
            at=now,
            application=note.record.application,
            decision=note.record.id,
            revision=0,
            predictions=[predicted("shadow", said)],
            decided_by="model",
            answer=said.output or {},
            differs=said.output != note.record.predictions[0].output,
        )


def _served(trial: Deployed, seen: Seen, step: AskModel) -> Prediction | None:
    """Return what the model said for the answer, where the revision on trial would ask the same version the same."""
    said = seen.settled.prediction
    if said is None or seen.asked is None or trial.link is None or step.row != seen.asked.row:
        return None
    return said if (said.model, said.version) == (trial.link.model, trial.link.version) else None
