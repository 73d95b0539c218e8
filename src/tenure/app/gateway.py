"""Composition of one gateway: opens what a decision needs, and takes generations into service one after the other."""

from __future__ import annotations

import contextlib
import itertools
import logging
from typing import TYPE_CHECKING

from tenure.adapters.buckets import Buckets
from tenure.adapters.decision_log.claims import Claims
from tenure.adapters.decision_log.committer import DamagedStream
from tenure.adapters.decision_log.persons import Persons
from tenure.adapters.decision_log.streams import StreamInUse, UnsealedLog, dead_streams
from tenure.adapters.decision_log.writer import LogWriter
from tenure.adapters.features.store import SqliteFeatures
from tenure.app.compiled import Compiled
from tenure.app.deciding import Deciding
from tenure.app.deciding_batch import Batches
from tenure.app.eventing import Eventing
from tenure.app.feature_counts import FeatureCounts
from tenure.app.generation import Generation, Links
from tenure.app.predicting import Predicting
from tenure.app.secrets import persons_key
from tenure.app.shadowing import Shadowing
from tenure.kit.clock import SystemClock
from tenure.serving import freshness
from tenure.serving import snapshot as snapshots

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tenure.governance.rates import Rate, Taken
    from tenure.settings import Home

_log = logging.getLogger(__name__)


class Gateway:
    """One gateway's state: the generation in service, those that requests still pin, and the log it writes.

    `left` is called whenever the oldest generation in flight has changed, `swapped` when another one is in service, `silent`
    with the name of a worker that owes an answer for longer than its calls take.
    """

    def __init__(self, home: Home, base_url: Callable[[], str]) -> None:
        clock = SystemClock()
        self._home = home
        self._claims = Claims(home.claims_db, clock=clock)
        self._persons = Persons(home.persons_db, persons_key(home), clock=clock)
        self._features = SqliteFeatures(home.features_db, clock)
        self.log, stream = self._open_log(clock)
        self._links = Links(home, self._doubt)
        self._compiled = Compiled()
        self.generation = Generation(snapshots.Snapshot(format=1, generation=0, created=0), {}, self._compiled)
        self._pinned: list[Generation] = []
        self._buckets = Buckets(home.rates)
        self._clock = clock
        self.left: Callable[[], None] = lambda: None
        self.swapped: Callable[[], None] = lambda: None
        self.silent: Callable[[str], None] = lambda _: None
        self.shadowing = Shadowing(log=self.log, features=self._features, clock=clock)
        self.feature_counts = FeatureCounts(self._features.reads)
        self.deciding = Deciding(
            log=self.log,
            stream=stream,
            claims=self._claims,
            persons=self._persons,
            features=self._features,
            clock=clock,
            base_url=base_url,
            shadowing=self.shadowing,
            counts=self.feature_counts,
        )
        self.batches = Batches(
            log=self.log,
            stream=stream,
            claims=self._claims,
            persons=self._persons,
            features=self._features,
            clock=clock,
            answer=self.deciding.answer,
            shadowing=self.shadowing,
            counts=self.feature_counts,
        )
        self.predicting = Predicting(log=self.log, clock=clock, shadowing=self.shadowing)
        self.eventing = Eventing(self.log, self._features, self.deciding.protect, clock)
        # Whoever died with keys reserved left them to the next gateway that starts; its stream may be the one that
        # was taken over here, in which nothing is in flight yet.
        orphans = [*dead_streams(home.decisions), stream]
        self._claims.settle(orphans, UnsealedLog(home.decisions), self.deciding.answer_of)
        self._claims.forget_old()

    def _open_log(self, clock: SystemClock) -> tuple[LogWriter, str]:
        """Open the first stream without a living writer, so that there are never more than gateways at once."""
        for number in itertools.count(1):
            stream = f"gateway-{number}"
            try:
                before_sync = _both(self._persons.sync, self._claims.sync)
                writer = LogWriter.open(self._home.decisions, stream, before_sync=before_sync, clock=clock)
                return writer, stream
            except StreamInUse:
                continue
            except DamagedStream as damage:
                # What it holds is kept for `tenure verify`; answers must go on, in a stream of their own.
                _log.error("%s; %s", damage, damage.hint)
        raise AssertionError

    @property
    def number(self) -> int:
        """Return the generation in service, 0 before the first."""
        return self.generation.number

    def views_known(self) -> tuple[int, dict[str, freshness.Freshness]]:
        """Return now, and how fresh control found every feature view."""
        return self._clock.now(), freshness.read(self._home.freshness)

    @property
    def lowest(self) -> int:
        """Return the oldest generation that a request in flight has pinned, the one in service when there is none."""
        return min((one.number for one in self._pinned), default=self.number)

    @contextlib.contextmanager
    def pinned(self) -> Iterator[Generation]:
        """Give the generation in service; it and its versions stay for as long as the block lasts."""
        generation = self.generation
        generation.in_flight += 1
        try:
            yield generation
        finally:
            generation.in_flight -= 1
            if generation.in_flight == 0 and generation is not self.generation:
                self._pinned.remove(generation)
                self.left()

    def taken(self, authorization: str) -> tuple[Rate, Taken] | None:
        """Take one request from the bucket of who asks; None for those who may ask as often as they like."""
        actor = self.deciding.actor(self.generation, authorization)
        rate = None if actor is None else self.generation.rates.get(actor.id)
        if actor is None or rate is None:
            return None
        return rate, self._buckets.take(actor.id, rate, self._clock.now())

    async def swap(self, generation: int) -> None:
        """Take a generation into service: requests that come from now on see it, those in flight keep theirs."""
        snapshot = snapshots.read(self._home.snapshots, generation)
        links = await self._links.for_snapshot(snapshot)
        new, old = Generation(snapshot, links, self._compiled), self.generation
        self.generation = new
        if old.in_flight:
            self._pinned.append(old)
        self._buckets.keep_only(new.rates)
        self.swapped()
        await self.drop_links()

    def _doubt(self, worker: str) -> None:
        self.silent(worker)

    async def drop_links(self) -> None:
        """Close the connections to versions that neither the present generation nor a pinned one has."""
        needed = {key for one in (self.generation, *self._pinned) for key in one.links}
        await self._links.keep_only(needed)

    async def close(self) -> None:
        """Make everything durable and let go of the stream."""
        await self.shadowing.close()
        await self._links.close()
        await self.log.close()
        self._claims.close()
        self._persons.close()
        self._features.close()
        self._buckets.close()


def _both(*syncs: Callable[[], None]) -> Callable[[], None]:
    def sync() -> None:
        for one in syncs:
            one()

    return sync
