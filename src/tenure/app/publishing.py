"""Snapshots: made of what the tables say, written when that changed, announced until everybody serves them.

The tables are the truth and a snapshot their copy, so a crash at any place is mended by `reconcile`: it compares, and
publishes what differs.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from typing import TYPE_CHECKING

import msgspec

from tenure.application.revisions.terms import plain
from tenure.governance.rates import parse_rate
from tenure.governance.scopes import reached
from tenure.kit.clock import SECOND
from tenure.kit.errors import Kind, TenureError
from tenure.serving import snapshot as snapshots
from tenure.serving.announce import NoSupervisor, SupervisorRefused, announce
from tenure.serving.snapshot import (
    ApplicationEntry,
    CanaryEntry,
    ModelEntry,
    Snapshot,
    TokenEntry,
    TrialEntry,
    UnreadableSnapshot,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tenure.application.features.ports import FeatureStore
    from tenure.application.revisions.life import Trial
    from tenure.application.revisions.ports import LifeStore, RevisionStore
    from tenure.governance.access import Actor
    from tenure.governance.ports import TokenStore
    from tenure.governance.sessions import Session
    from tenure.governance.signing_in import Sessions
    from tenure.governance.tokens import Token
    from tenure.kit.clock import Clock
    from tenure.model.registry.ports import RegistryStore
    from tenure.model.registry.record import VersionRecord
    from tenure.model.version import VersionRef
    from tenure.serving.announce import Announced
    from tenure.serving.snapshot import VersionEntry, WorkerEntry
    from tenure.settings import Home

_LOG = logging.getLogger("tenure.control")
_KEPT = 20
#: what no write brings about (a token's time is over, an environment is gone) shows after so long
_LOOK_EVERY = 15 * SECOND


class WorkerNotReady(TenureError):
    """The version's worker did not come up, so nothing was changed."""

    code = "worker-not-ready"
    kind = Kind.REFUSED
    message = "{ref} did not get ready, so nothing was changed: {why}"
    next_step = "see `tenure logs {ref}`"


class NotServing(TenureError):
    """Nothing runs that could serve the version."""

    code = "not-serving"
    kind = Kind.UNAVAILABLE
    message = "{ref} can take traffic only while Tenure runs, and no supervisor answers in this home"
    next_step = "start it with `tenure up --detach`, then try again"


class NotYetServed(TenureError):
    """The change is kept, but not every gateway serves it yet."""

    code = "not-yet-served"
    kind = Kind.UNAVAILABLE
    message = "the change is kept, but it is not served everywhere yet: {why}"
    next_step = "it is tried again every second; `tenure status` shows the generation of each gateway"


class Runnable:
    """What it takes to run each package, worked out once and kept until it is forgotten.

    `check` raises for a version that must not take traffic though it can be run.
    """

    def __init__(
        self, ensure: Callable[[str], tuple[WorkerEntry, VersionEntry]], check: Callable[[VersionRef], object]
    ) -> None:
        self._ensure = ensure
        self._check = check
        self._known: dict[str, tuple[WorkerEntry, VersionEntry]] = {}

    def of(self, record: VersionRecord) -> tuple[WorkerEntry, VersionEntry]:
        """Return the entries of a version, rebuilding its caches if they were not looked at before."""
        if record.digest not in self._known:
            entries = self._ensure(record.digest)
            self._check(record.ref)
            self._known[record.digest] = entries
        worker, version = self._known[record.digest]
        return worker, msgspec.structs.replace(version, worker=str(record.ref))

    def forget(self, digest: str) -> None:
        """Look at the package again before it is next run."""
        self._known.pop(digest, None)


class Contents:
    """What a snapshot holds, read from the tables."""

    def __init__(
        self,
        tokens: TokenStore,
        sessions: Sessions,
        registry: RegistryStore,
        revisions: RevisionStore,
        lives: LifeStore,
        features: FeatureStore,
        runnable: Runnable,
    ) -> None:
        self._tokens = tokens
        self._sessions = sessions
        self._registry = registry
        self._revisions = revisions
        self._lives = lives
        self._features = features
        self._runnable = runnable
        #: why versions that should be served cannot be, by reference
        self.troubles: dict[str, str] = {}
        self._told: set[str] = set()

    def snapshot(self, generation: int, now: int, candidates: Sequence[VersionRef] = ()) -> Snapshot:
        """Return everything to be served now, with the workers of `candidates` beside those in service."""
        workers: dict[str, WorkerEntry] = {}
        models: dict[str, ModelEntry] = {}
        self.troubles = {}
        for record in self._wanted(candidates):
            if (entries := self._runnable_entries(record)) is not None:
                workers[str(record.ref)], version = entries
                model = models.setdefault(record.ref.model, ModelEntry({}, {}))
                model.versions[record.ref.number] = version
                model.aliases.update(dict.fromkeys(record.aliases, record.ref.number))
                models[record.ref.model] = _with_role(model, record)
        return Snapshot(
            format=snapshots.FORMAT,
            generation=generation,
            created=now,
            tokens={
                token.digest: _entry(token, self._reached(token.applications))
                for token in self._tokens.all()
                if token.is_valid(now)
            }
            | {
                session.digest: _session_entry(session, actor, self._reached(actor.applications))
                for session, actor in self._sessions.in_force()
            },
            workers=workers,
            models=models,
            applications=self._applications(),
            views={name: msgspec.to_builtins(view) for name, view in sorted(self._features.views().items())},
        )

    def _reached(self, limited: frozenset[str]) -> tuple[str, ...]:
        return tuple(sorted(reached(limited, self.by_project)))

    def by_project(self) -> dict[str, list[str]]:
        """Return the applications by the project that they belong to: as it is in force, before that as it was written last."""
        found: dict[str, list[str]] = {}
        for one in (*self._revisions.all_active(), *self._revisions.never_active()):
            found.setdefault(one.definition.project, []).append(one.application)
        return found

    def _applications(self) -> dict[str, ApplicationEntry]:
        trials = {name: self._tried(trial) for name, trial in self._lives.all_trials().items()}
        return {
            one.application: ApplicationEntry(one.number, plain(one.definition), trials.get(one.application))
            for one in self._revisions.all_active()
        }

    def _tried(self, trial: Trial) -> TrialEntry | None:
        revision = self._revisions.get(trial.application, trial.number)
        return None if revision is None else TrialEntry(revision.number, plain(revision.definition), trial.share)

    def _wanted(self, candidates: Sequence[VersionRef]) -> list[VersionRecord]:
        records = {record.ref: record for record in self._registry.in_service()}
        records |= {ref: self._registry.get(ref) for ref in candidates if ref not in records}
        return [records[ref] for ref in sorted(records)]

    def _runnable_entries(self, record: VersionRecord) -> tuple[WorkerEntry, VersionEntry] | None:
        """Return how to run a version, None when that cannot be: it must not take every other one out of service."""
        try:
            return self._runnable.of(record)
        except TenureError as error:
            if self.troubles.setdefault(str(record.ref), str(error)) not in self._told:
                self._told.add(str(error))
                _LOG.exception("%s cannot be served", record.ref)
            return None


class Publisher:
    """Writes snapshots and has them served; the `Traffic` of deployments (model/deployment/ports.py).

    `writes` counts what was written into the tables, so that in quiet times none has to be read.
    """

    def __init__(
        self,
        home: Home,
        clock: Clock,
        contents: Contents,
        refresh: Callable[[VersionRef], object],
        writes: Callable[[], int],
    ) -> None:
        self._home = home
        self._writes = writes
        self._clock = clock
        self.contents = contents
        self._refresh = refresh
        self._writing = threading.Lock()
        self._candidates: list[VersionRef] = []
        self._served: int | None = None
        self._written = 0
        self._seen = -1
        self._look_at = 0

    @contextlib.contextmanager
    def ready(self, ref: VersionRef) -> Iterator[None]:
        """Have the version's worker running and proven while the context lasts; raise when it cannot be."""
        self._require_supervisor(ref)
        self._refresh(ref)
        self._candidates.append(ref)
        try:
            self._check(ref, self._announce(self.write()))
            yield
        except Exception:
            self._candidates.remove(ref)
            self._without_candidate()
            raise
        self._candidates.remove(ref)

    def switch(self) -> None:
        """Publish what the tables say and return when every gateway serves it."""
        self.serve()

    def serve(self) -> None:
        """Publish if something changed and return when every gateway serves the newest generation.

        Where nothing runs there is nobody to tell: whoever starts later reads the newest snapshot.
        """
        generation = self.write()
        if not self._home.supervisor_socket.exists():
            return
        try:
            self._check_gateways(self._announce(generation))
        except NoSupervisor:
            return
        except SupervisorRefused as error:
            raise NotYetServed(why=str(error)) from error

    def reconcile(self) -> None:
        """Publish what changed without anybody's doing (a token's time is over, a crash); for the background."""
        now, writes = self._clock.now(), self._writes()
        if self._is_quiet(now, writes):
            return
        self._seen, self._look_at = writes, now + _LOOK_EVERY
        generation = self.write()
        if generation == self._served or not self._home.supervisor_socket.exists():
            return
        with contextlib.suppress(NoSupervisor):
            self._announce(generation)

    def _is_quiet(self, now: int, writes: int) -> bool:
        """Return whether nothing can have changed: nothing was written, nothing waits, and no time has run out lately."""
        waits = self._served is None or self._served != self._written or self.contents.troubles
        return not waits and writes == self._seen and now < self._look_at

    def write(self) -> int:
        """Return the newest generation, after writing a new one if what it holds is no longer true."""
        with self._writing:
            newest = self.newest()
            number = newest.generation if newest else 0
            made = self.contents.snapshot(number + 1, self._clock.now(), tuple(self._candidates))
            if newest is not None and _same(newest, made):
                self._written = number
                return number
            snapshots.write(self._home.snapshots, made)
            self._forget_old(made.generation)
            self._written = made.generation
            return made.generation

    def newest(self) -> Snapshot | None:
        """Return the newest snapshot, None if there is none; a damaged one is passed over by a newer number."""
        number = snapshots.newest(self._home.snapshots)
        if number is None:
            return None
        try:
            return snapshots.read(self._home.snapshots, number)
        except UnreadableSnapshot:
            return Snapshot(format=0, generation=number, created=0)

    def _announce(self, generation: int) -> Announced:
        announced = announce(self._home.supervisor_socket, generation)
        if all(served >= generation for served in announced.gateways.values()):
            self._served = generation
        return announced

    def _require_supervisor(self, ref: VersionRef) -> None:
        if not self._home.supervisor_socket.exists():
            raise NotServing(ref=ref)

    def _check(self, ref: VersionRef, announced: Announced) -> None:
        if str(ref) in self.contents.troubles:
            raise WorkerNotReady(ref=ref, why=self.contents.troubles[str(ref)])
        state = announced.workers.get(str(ref), "the supervisor did not start it")
        if state != "ready":
            raise WorkerNotReady(ref=ref, why=state.removeprefix("failed: "))

    def _check_gateways(self, announced: Announced) -> None:
        behind = [str(pid) for pid, served in announced.gateways.items() if served < announced.generation]
        if behind:
            raise NotYetServed(why=f"gateway {', '.join(behind)} is behind generation {announced.generation}")

    def _without_candidate(self) -> None:
        """Publish without a version that did not get ready; what fails here is tried again by `reconcile`."""
        try:
            self.reconcile()
        except TenureError:
            _LOG.warning("the snapshot without the failed version is published later", exc_info=True)

    def _forget_old(self, newest: int) -> None:
        for file in self._home.snapshots.glob("[0-9]*.json"):
            if int(file.stem) <= newest - _KEPT:
                file.unlink(missing_ok=True)


def _with_role(model: ModelEntry, record: VersionRecord) -> ModelEntry:
    number = record.ref.number
    match record.role:
        case "shadow":
            return msgspec.structs.replace(model, shadows=(*model.shadows, number))
        case "canary":
            return msgspec.structs.replace(model, canary=CanaryEntry(number, record.share))
    return model


def _same(one: Snapshot, other: Snapshot) -> bool:
    # As they would be written: in memory one has tuples where the other, read from its file, has lists.
    return _content(one) == _content(other)


def _content(one: Snapshot) -> bytes:
    return msgspec.json.encode(msgspec.structs.replace(one, generation=0, created=0))


def _entry(token: Token, applications: tuple[str, ...]) -> TokenEntry:
    rate = parse_rate(token.rate)
    return TokenEntry(
        token.id,
        token.role.value,
        applications,
        token.expires_at,
        None if rate is None else (rate.requests, rate.seconds),
    )


def _session_entry(session: Session, actor: Actor, applications: tuple[str, ...]) -> TokenEntry:
    return TokenEntry(actor.id, actor.role.value, applications, session.expires_at)
