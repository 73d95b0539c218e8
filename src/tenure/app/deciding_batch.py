"""Many decisions in one request: the same rules, the same log and one record each, made some hundred at a time.

Rows are decided together because a model asked for one row after the other is many times as slow. A batch waits for its
model: the application's deadline is for whoever waits for one answer.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from tenure.adapters.decision_log.claims import Done, InFlight, Mismatch, Reserved
from tenure.adapters.decision_log.committer import LogFailed
from tenure.app.deciding import Keys, Made, name_of
from tenure.app.shadowing import Seen
from tenure.application.decisions.deciding import AskModel, Settled
from tenure.contract.records import encode
from tenure.governance.access import Actor, Permission, authorize
from tenure.governance.repeating import BadKey, KeyInUse, KeyReused
from tenure.kit.bodies import MalformedJson
from tenure.kit.digests import digest_of
from tenure.kit.errors import Kind, TenureError
from tenure.kit.ids import new_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from tenure.adapters.decision_log.claims import Claim
    from tenure.app.deciding import Features, Protection, Watchers
    from tenure.app.feature_counts import FeatureCounts
    from tenure.app.generation import Deployed, Generation
    from tenure.application.decisions.deciding import Admitted
    from tenure.contract.predictor import Prediction
    from tenure.contract.records import DecisionRecord
    from tenure.kit.clock import Clock

MOST_ROWS = 10_000
#: rows decided together: enough for the model, few enough that a single decision between them hardly waits
_TOGETHER = 256
#: rows after which others get the event loop
_POLITE = 16
_MODEL_US = 60_000_000
#: a worker that is busy or being restarted is waited for so long before the fallback answers
_RETURN_SECONDS = 15.0
_PAUSE_SECONDS = 0.1
_PASSING = frozenset({"unavailable", "overloaded"})
_LONGEST_KEY = 200
_KEY_SECONDS = 60.0


class TooManyRows(TenureError):
    """The batch is larger than one request takes."""

    code = "too-many-rows"
    kind = Kind.TOO_LARGE
    message = "a batch has at most {most} rows, this one has {rows}"
    next_step = "send it in parts, with the same key and `first` as the number of the part's first row"


class BadBatch(TenureError):
    """The body is no batch."""

    code = "bad-batch"
    kind = Kind.BAD_INPUT
    message = "the body is no batch: {why}"
    next_step = 'send {{"rows": [request, …], "key": "name of the run"}}'


class Batch(msgspec.Struct, forbid_unknown_fields=True):
    """A batch as it is sent. Row n has the Idempotency-Key `key/(first + n)`; without a key rows are decided anew.

    A bare list of rows is a batch too; the header Idempotency-Key then names the run.
    """

    rows: list[msgspec.Raw]
    key: str | None = None
    first: int = 0


class RowKeys(Keys, Protocol):
    """Idempotency keys of many rows, which are all tried before any is waited for."""

    def reserve_all(self, application: str, rows: Sequence[tuple[str, str, str]], stream: str) -> dict[str, Claim]:
        """Return for the key of each row of (key, digest of the body, decision id) whether it is now ours."""

    def end_all(self, application: str, answers: Mapping[str, bytes | None]) -> None:
        """Keep the answers under their keys, and give back the keys that have none."""


class ManyLog(Protocol):
    """Where many records become durable at once."""

    async def append_many(self, records: Sequence[bytes]) -> Sequence[TenureError | None]:
        """Return for each record None once it is durable, or why it will not be."""


@dataclass(frozen=True, slots=True)
class _Step:
    """A row's decision: who asked the model for it, and what, None where no model was asked."""

    by: Deployed
    settled: Settled
    asked: AskModel | None


@dataclass(slots=True)
class _Row:
    """One row on its way to its answer; `made` is the answer or why there is none."""

    body: bytes
    id: str
    at: int
    key: str | None
    admitted: Admitted | None = None
    made: Made | TenureError | None = None
    is_ours: bool = False


_DECODE = msgspec.json.Decoder(Batch | list[msgspec.Raw]).decode


class Batches:
    """Decides batches; everything it needs is given to it."""

    def __init__(
        self,
        *,
        log: ManyLog,
        stream: str,
        claims: RowKeys,
        persons: Protection,
        features: Features,
        clock: Clock,
        answer: Any,
        shadowing: Watchers,
        counts: FeatureCounts,
    ) -> None:
        self._log = log
        self._stream = stream
        self._claims = claims
        self._persons = persons
        self._features = features
        self._clock = clock
        self._answer = answer
        self._shadowing = shadowing
        self._counts = counts

    @staticmethod
    def check(generation: Generation, application: str, actor: Actor | None) -> tuple[Actor, Deployed]:
        """Return who asks, and the application, before the body is read; raise when it is not theirs to ask."""
        return authorize(actor, Permission.APPLICATIONS_DECIDE, application), generation.application(application)

    async def decide(
        self, generation: Generation, application: str, actor: Actor | None, body: bytes, key: str | None = None
    ) -> list[Made | TenureError]:
        """Return for each row, in order, its decision, whose record is durable, or why none was made.

        `key` names the run where the body itself does not.
        """
        known, deployed = self.check(generation, application, actor)
        batch = _sent(body, key)
        found: list[Made | TenureError] = []
        for start in range(0, len(batch.rows), _TOGETHER):
            some = batch.rows[start : start + _TOGETHER]
            found += await self._decided(deployed, known, self._rows(some, batch, start))
        return found

    def _rows(self, some: Sequence[msgspec.Raw], batch: Batch, start: int) -> list[_Row]:
        at = self._clock.now()
        first = batch.first + start
        # Later rows have later ids, so that a list in order of ids shows a batch's rows in their order.
        return [
            _Row(bytes(raw), new_id(at + place), at, None if batch.key is None else f"{batch.key}/{first + place}")
            for place, raw in enumerate(some)
        ]

    async def _decided(self, deployed: Deployed, actor: Actor, rows: list[_Row]) -> list[Made | TenureError]:
        async for row in _politely(rows):
            try:
                row.admitted = deployed.decider.admit(row.body)
            except TenureError as error:
                row.made = error
        self._claim(deployed.decider.application, [row for row in rows if row.made is None])
        try:
            await self._make(deployed, actor, [row for row in rows if row.is_ours])
        finally:
            self._let_go(deployed.decider.application, rows)
        for row in rows:
            if row.made is None:
                await self._await_other(deployed, actor, row)
        return [row.made for row in rows if row.made is not None]

    # ---- keys

    def _claim(self, application: str, rows: Sequence[_Row]) -> None:
        """Say which rows are ours to decide; the others were decided before, or are being decided elsewhere."""
        keyed = [(row.key, digest_of(row.body), row.id) for row in rows if row.key is not None]
        claims = self._claims.reserve_all(application, keyed, self._stream) if keyed else {}
        for row in rows:
            if row.key is None:
                row.is_ours = True
            else:
                self._take(row, claims[row.key])

    @staticmethod
    def _take(row: _Row, claim: Claim) -> None:
        match claim:
            case Reserved():
                row.is_ours = True
            case Done(response):
                row.made = Made(response, "")
            case Mismatch():
                row.made = KeyReused(key=row.key)
            case InFlight():
                pass

    def _let_go(self, application: str, rows: Sequence[_Row]) -> None:
        """Keep the answers under their keys, and give back the keys of our rows that have none."""
        ends: dict[str, bytes | None] = {}
        for row in rows:
            if row.is_ours and row.key is not None:
                if isinstance(row.made, LogFailed):
                    self._claims.doubt(application, row.key)
                else:
                    ends[row.key] = row.made.content if isinstance(row.made, Made) else None
        if ends:
            self._claims.end_all(application, ends)

    async def _await_other(self, deployed: Deployed, actor: Actor, row: _Row) -> None:
        """Wait for a row that somebody else decides under the same key; decide it here when that one gives up."""
        application, key = deployed.decider.application, row.key
        assert key is not None
        claim = await self._claims.wait(
            application, key, digest_of(row.body), row.id, self._stream, seconds=_KEY_SECONDS
        )
        self._take(row, claim)
        if row.is_ours:
            try:
                await self._make(deployed, actor, [row])
            finally:
                self._let_go(application, [row])
        elif row.made is None:
            row.made = KeyInUse(key=key)

    # ---- decisions

    async def _make(self, deployed: Deployed, actor: Actor, rows: Sequence[_Row]) -> None:
        """Decide rows that are ours, and make their records durable."""
        if not deployed.splits:
            await self._make_by(deployed, actor, rows)
            return
        for answering, some in self._split(deployed, rows):
            await self._make_by(answering, actor, some)

    def _split(self, deployed: Deployed, rows: Sequence[_Row]) -> Iterable[tuple[Deployed, list[_Row]]]:
        """Return the rows by what answers their entities, each as that one reads it."""
        parts: dict[int, tuple[Deployed, list[_Row]]] = {}
        for row in rows:
            assert row.admitted is not None
            answering = deployed.answering(name_of(deployed, row.admitted, row.id, self._persons))
            if answering.decider.revision != deployed.decider.revision:
                try:
                    row.admitted = answering.decider.admit(row.body)
                except TenureError as error:
                    row.made = error
                    continue
            parts.setdefault(id(answering), (answering, []))[1].append(row)
        return parts.values()

    async def _make_by(self, deployed: Deployed, actor: Actor, rows: Sequence[_Row]) -> None:
        steps = await self._settled(deployed, rows)
        records: list[DecisionRecord] = []
        async for row, one in _politely(list(zip(rows, steps, strict=True))):
            records.append(
                deployed.decider.record(
                    one.settled,
                    id=row.id,
                    at=row.at,
                    protect=self._protect,
                    elapsed_us=self._clock.now() - row.at,
                    actor=actor.id,
                    key="" if row.key is None else digest_of(row.key.encode()),
                )
            )
        for row, record, trouble, one in zip(rows, records, await self._kept(records), steps, strict=True):
            if trouble is None:
                row.made = Made(self._answer(record), record.decided_by)
                self._counts.saw(record.features)
                if one.by.is_watched:
                    self._shadowing.saw(one.by, Seen(record, one.settled, one.asked, row.body))
            else:
                row.made = trouble

    async def _kept(self, records: Sequence[DecisionRecord]) -> Sequence[TenureError | None]:
        """Return for each record None once it is durable, or why it will not be."""
        try:
            return await self._log.append_many([encode(record) for record in records])
        except TenureError as error:
            return [error] * len(records)

    async def _settled(self, deployed: Deployed, rows: Sequence[_Row]) -> list[_Step]:
        """Return for each row its decision, and what which model was asked for it."""
        decider = deployed.decider
        found: list[_Step | None] = []
        waiting: dict[int, tuple[Deployed, list[tuple[int, AskModel]]]] = {}
        async for row in _politely(rows):
            assert row.admitted is not None
            features = {view: self._features.read(view, key) for view, key in decider.views(row.admitted)}
            step = decider.before(row.admitted, features, self._features.read)
            if isinstance(step, AskModel):
                by, step = deployed.asking(step, partial(name_of, deployed, row.admitted, row.id, self._persons))
                waiting.setdefault(id(by), (by, []))[1].append((len(found), step))
                found.append(None)
            else:
                found.append(_Step(deployed, step, None))
        for by, steps in waiting.values():
            said = await self._predicted(by, [step.row for _, step in steps])
            async for (place, step), prediction in _politely(list(zip(steps, said, strict=True))):
                found[place] = _Step(by, by.decider.after(step, prediction), step)
        return [step for step in found if step is not None]

    async def _predicted(self, deployed: Deployed, rows: Sequence[dict[str, Any]]) -> list[Prediction]:
        """Return what the model says; a worker that is busy or away is asked again for a while."""
        loop = asyncio.get_running_loop()
        until = loop.time() + _RETURN_SECONDS
        found = await deployed.predict_rows(rows, _MODEL_US)
        while (left := [place for place, one in enumerate(found) if one.failure in _PASSING]) and loop.time() < until:
            await asyncio.sleep(_PAUSE_SECONDS)
            again = await deployed.predict_rows([rows[place] for place in left], _MODEL_US)
            for place, one in zip(left, again, strict=True):
                found[place] = one
        return found

    def _protect(self, entity: str, fields: dict[str, Any]) -> tuple[str, str]:
        pseudonym = self._persons.pseudonym(entity)
        return pseudonym, self._persons.encrypt(pseudonym, fields)


def _sent(body: bytes, key: str | None = None) -> Batch:
    try:
        sent = _DECODE(body)
    except msgspec.ValidationError as error:
        raise BadBatch(why=str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedJson(why=str(error)) from None
    batch = Batch(sent) if isinstance(sent, list) else sent
    if key is not None and batch.key not in (None, key):
        raise BadBatch(why=f"its key is {batch.key!r}, and the header Idempotency-Key says {key!r}")
    batch.key = key if batch.key is None else batch.key
    if len(batch.rows) > MOST_ROWS:
        raise TooManyRows(most=MOST_ROWS, rows=len(batch.rows))
    if batch.first < 0:
        raise BadBatch(why="`first` is the number of a row, from 0")
    if batch.key is not None and not 1 <= len(batch.key) <= _LONGEST_KEY:
        raise BadKey(length=len(batch.key))
    return batch


async def _politely(items: Sequence[Any]) -> Any:
    """Give the items, and the event loop to others now and then."""
    for place, item in enumerate(items):
        if place % _POLITE == _POLITE - 1:
            await asyncio.sleep(0)
        yield item


def counted(found: Sequence[Made | TenureError]) -> Iterator[str]:
    """Return who decided each row that was decided now, not before."""
    return (one.decided_by for one in found if isinstance(one, Made) and one.decided_by)
