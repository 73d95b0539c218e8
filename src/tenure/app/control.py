"""Composition of control: the one process, or local command, that writes `control.db`. Everything is wired here."""

from __future__ import annotations

import logging
import os
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Self
from uuid import uuid4

from tenure import __version__
from tenure.accountability.backtests import Backtests
from tenure.accountability.dossiers import Dossiers
from tenure.accountability.evaluations import Evaluations
from tenure.accountability.explaining import Explanations
from tenure.accountability.inventory import Inventory
from tenure.accountability.packing import Packs
from tenure.accountability.proofs import LogProofs
from tenure.accountability.replay import Replays
from tenure.accountability.trials import Trials
from tenure.accountability.why import Whys
from tenure.adapters.analytics.analytics import Analytics
from tenure.adapters.answers import SealedAnswers
from tenure.adapters.backup import back_up
from tenure.adapters.decision_log.checkpoints import Checkpoints
from tenure.adapters.decision_log.claims import Claims
from tenure.adapters.decision_log.expiry import Expiry
from tenure.adapters.decision_log.persons import Persons
from tenure.adapters.decision_log.proofs import Proofs, script
from tenure.adapters.decision_log.reader import LogReader
from tenure.adapters.decision_log.sealer import Sealer
from tenure.adapters.features.joining import DuckJoin
from tenure.adapters.features.store import SqliteFeatures
from tenure.adapters.passwords import ArgonPasswords
from tenure.adapters.signing import BuilderKey
from tenure.adapters.sql.audit import SqlAudit
from tenure.adapters.sql.backtests import SqlBacktests
from tenure.adapters.sql.endings import SqlKept, SqlStandings
from tenure.adapters.sql.fleets import SqlFleets
from tenure.adapters.sql.holds import SqlHolds
from tenure.adapters.sql.inventory import SqlInventory
from tenure.adapters.sql.lives import SqlLives
from tenure.adapters.sql.monitoring import SqlMonitoring
from tenure.adapters.sql.notices import SqlNotices
from tenure.adapters.sql.people import SqlSessions, SqlUsers
from tenure.adapters.sql.projects import SqlProjects
from tenure.adapters.sql.registry import SqlRegistry
from tenure.adapters.sql.releases import upgraded_at
from tenure.adapters.sql.repeats import SqlRepeats
from tenure.adapters.sql.retention import SqlRetention
from tenure.adapters.sql.revisions import SqlRevisions
from tenure.adapters.sql.tokens import SqlPolicy, SqlTokens
from tenure.adapters.sql.trust import SqlTrust
from tenure.adapters.sql.upgrade import copy_to, upgrade
from tenure.adapters.webhooks import HttpSender
from tenure.app import databases, packaging
from tenure.app.actions import named
from tenure.app.backtesting import LoggedTrials
from tenure.app.calls.known import tell_by_name
from tenure.app.courier import Courier
from tenure.app.drilling import Drilling
from tenure.app.evidence import HomeEvidence, InService, KeptDefinitions, ReadLog
from tenure.app.explained import ExplainableEvidence, ServingEvidence
from tenure.app.feature_counts import FreshnessNote
from tenure.app.feeding import Feeding
from tenure.app.locking import HomeLock
from tenure.app.monitored import MonitoredApplications, MonitoredLog, MonitoredVersions
from tenure.app.noticing import Noticing
from tenure.app.papers import HomeFiles, HomeShelf, ModelFiles
from tenure.app.proving import HomePackages
from tenure.app.publishing import Contents, Publisher, Runnable
from tenure.app.reception import Reception
from tenure.app.replacing import HomeProcesses
from tenure.app.rerunning import Rerunning
from tenure.app.resolving import DeclaredColumns, WorkedLog
from tenure.app.secrets import answers_key, persons_key
from tenure.app.sweeping import Sweeper
from tenure.app.tags import TAGS
from tenure.app.travelling import Travelling
from tenure.app.trusting import HomeTrust
from tenure.app.vault import HomeChecks, HomeVault, Ways, drop
from tenure.app.working import Working
from tenure.application.decisions.actions import Decisions
from tenure.application.decisions.data_out import DataOut
from tenure.application.decisions.erasing import Erasures
from tenure.application.decisions.expiring import Expiries
from tenure.application.decisions.figures import Figures
from tenure.application.decisions.resolving import Resolutions
from tenure.application.features.actions import Features
from tenure.application.features.expiring import ViewExpiries
from tenure.application.features.telling import Events
from tenure.application.projects.actions import Projects
from tenure.application.revisions.actions import Applications
from tenure.governance.access import Permission
from tenure.governance.accounts import Users
from tenure.governance.actions import AuditTrail, Holds, Policies, Tokens
from tenure.governance.attempts import Attempts
from tenure.governance.repeating import Repeats
from tenure.governance.restarting import Restarting
from tenure.governance.retaining import Retentions
from tenure.governance.scopes import reached
from tenure.governance.signing_in import Sessions
from tenure.governance.trusting import Trusts
from tenure.kit.clock import SECOND, SystemClock
from tenure.kit.errors import TenureError
from tenure.model.archiving.actions import Archives
from tenure.model.archiving.endings import Endings
from tenure.model.decommissioning.actions import Decommissionings
from tenure.model.deployment.actions import Deployments
from tenure.model.monitoring.actions import Monitoring
from tenure.model.monitoring.notifying import Notices
from tenure.model.registry.actions import Models
from tenure.model.registry.attaching import Papers
from tenure.model.registry.travels import Travels
from tenure.reactions import SERVED_ANEW, Meeting
from tenure.serving import front as fronts
from tenure.serving.supervisor import state as supervised
from tenure.settings import Home, Settings, Workshop, drill_days

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from tenure.adapters.backup import Copied
    from tenure.app.ahead import Ahead
    from tenure.governance.access import Actor
    from tenure.kit.clock import Clock
    from tenure.model.version import VersionRef
    from tenure.serving.oneshot import Oneshot
    from tenure.serving.snapshot import Snapshot, VersionEntry, WorkerEntry

_LOG = logging.getLogger("tenure.control")
_SEAL_EVERY = 10 * SECOND
_MONITOR_EVERY = 30 * SECOND
_DRILL_EVERY = 3600 * SECOND
_COUNT_EVERY = 30 * SECOND


class Control:
    """Everything that can be done in one home; `perform` does any action of the table by its name."""

    def __init__(
        self,
        home: Home,
        clock: Clock,
        lock: HomeLock,
        progress: Callable[[str], None],
        *,
        publishes: bool = True,
        ahead: Ahead | None = None,
    ) -> None:
        self.home = home
        self.clock = clock
        self._lock = lock
        self._ahead = ahead
        self._database = databases.opened(home, Settings.of().database, clock.now())
        upgrade(self._database, home.root / "backups", clock.now())
        self.audit = SqlAudit(self._database, home.audit_head)
        self.audit.note_head()
        self._due: dict[str, int] = {}
        self.working = Working()
        self._changed_at = upgraded_at(self._database, release_in(home), clock.now())
        self._open_stores()
        self._open_actions(progress)
        self.drilling = Drilling(self.archives, clock, drill_days(), self._changed_at)
        if publishes:
            self.publisher.write()

    @classmethod
    def open(
        cls,
        home: Home,
        clock: Clock | None = None,
        progress: Callable[[str], None] = lambda _: None,
        *,
        publishes: bool = True,
        lock: HomeLock | None = None,
        ahead: Ahead | None = None,
    ) -> Control:
        """Open a home, making it if need be: lock it, back up and migrate its tables, write the snapshot they mean.

        A snapshot takes the environments of all versions in service, which are built where they are missing. Who serves
        nothing has it written by what changes something (`publishes` False).
        Whoever holds the lock already gives it; `ahead` is a version's worker that loads meanwhile.
        Raises `HomeInUse` naming who holds the lock, or `NewerHome`.
        """
        lock = lock or HomeLock(home)
        try:
            return cls(home, clock or SystemClock(), lock, progress, publishes=publishes, ahead=ahead)
        except BaseException:
            lock.close()
            raise

    def _open_stores(self) -> None:
        home, clock, database = self.home, self.clock, self._database
        self.registry = SqlRegistry(database)
        self.fleets = SqlFleets(database)
        self.revisions = SqlRevisions(database)
        self.lives = SqlLives(database)
        self._backtests_db = SqlBacktests(database)
        self.features_db = SqliteFeatures(home.features_db, clock)
        self._tokens_db = SqlTokens(database)
        self._persons = Persons(home.persons_db, persons_key(home), clock=clock)
        self._claims = Claims(home.claims_db, clock=clock)
        self._reader = LogReader(home.decisions)
        checkpoints = Checkpoints(home.decisions, BuilderKey(home.keys))
        hold = self._claims.unsettled_streams
        self._sealer = Sealer(home.decisions, clock=clock, hold=hold, checkpoints=checkpoints)
        self.holds_db = SqlHolds(database)
        self._feeding = Feeding(
            self._reader,
            self.features_db,
            self._persons,
            lambda: [one.definition for one in self.revisions.all_active()],
        )
        self._freshness = FreshnessNote(self.features_db, home.freshness)
        self.log = ReadLog(home.decisions, self._reader, self._persons, clock)
        trusted = SqlTrust(database)
        self.trusted = HomeTrust(home, trusted, self.audit, clock, Workshop.of())
        self.trusts = Trusts(trusted, lambda: self.trusted.signers(self.registry), self.audit, clock)
        self._runnable = Runnable(self._ensure_runnable, self._check_again)
        users, sessions, passwords = SqlUsers(database), SqlSessions(database), ArgonPasswords()
        self.users = Users(users, sessions, passwords, self.audit, clock)
        self.sessions = Sessions(sessions, users, self._tokens_db, passwords, Attempts(), self.audit, clock)
        contents = Contents(
            self._tokens_db,
            self.sessions,
            self.registry,
            self.revisions,
            self.lives,
            self.features_db,
            self._runnable,
        )
        self.publisher = Publisher(home, clock, contents, self._look_again, lambda: database.writes)
        self.reception = Reception(self.sessions, self.publisher)
        self.once = Repeats(SqlRepeats(database), SealedAnswers(answers_key(home)), clock, uuid4().hex).once
        self.noticing = Noticing(home, lambda: database.writes)

    def _open_actions(self, progress: Callable[[str], None]) -> None:
        """Open what people do, by whose business it is; who comes later asks those before."""
        self._policy = SqlPolicy(self._database)
        self._key = BuilderKey(self.home.keys)
        self._definitions = KeptDefinitions(self.revisions)
        self._meeting = Meeting(self.registry, self.fleets, self.revisions, self.features_db)
        # What is exported is sealed first, without the usual lag: all that was decided before is in it.
        self._at_once = Sealer(self.home.decisions, clock=self.clock, hold=self._claims.unsettled_streams, lag=0)
        self._analytics = Analytics(
            self._reader,
            SqlMonitoring(self._database).alerts,
            self._at_once.seal,
            DeclaredColumns(self.revisions),
        )
        self._open_governance()
        self._open_models(progress)
        self._open_archive()
        self._open_applications()
        self._open_accountability()
        self._open_monitoring()

    def _open_governance(self) -> None:
        audit, clock = self.audit, self.clock
        self.tokens = Tokens(self._tokens_db, audit, clock)
        self.trail = AuditTrail(audit)
        self.restarting = Restarting(HomeProcesses(self.home), audit, clock)
        self.policies = Policies(self._policy, audit, clock)

    def _open_models(self, progress: Callable[[str], None]) -> None:
        audit, clock, policy = self.audit, self.clock, self._policy
        standings = SqlStandings(self._database)
        self._packages = HomePackages(self.home, progress, self.trusted.check)
        self.papers = Papers(self.registry, HomeShelf(self.home), self._key, policy, audit, clock)
        self.inventory = Inventory(SqlInventory(self._database), self.registry, self.revisions, audit, clock)
        self.models = Models(self.registry, self._packages, policy, audit, clock, self._meeting.is_application)
        self.deployments = Deployments(self.fleets, self.publisher, self._meeting, policy, audit, clock)
        self.decommissionings = Decommissionings(standings, self._meeting, self.log, audit, clock)

    def _open_archive(self) -> None:
        audit, clock, kept = self.audit, self.clock, SqlKept(self._database)
        sweeper = Sweeper(self.home, self._database, self.registry, self._reader, drop)
        vault = HomeVault(self.home, self._ways(), self._runnable.forget, sweeper)
        checks = HomeChecks(self.home, audit, self.registry, self._database)
        self.rerunning = Rerunning(vault, kept, self.registry, audit, clock, self._changed_at)
        kept_as = self._opened_retentions(SqlRetention(self._database), self._key).of_model
        self.archives = Archives(kept, vault, checks, kept_as, audit, clock)
        self.endings = Endings(kept, self.registry.attestations, self.holds_db, vault, kept_as, audit, clock)
        self.proofs = LogProofs(Proofs(self.home.decisions))
        self.travelling = self._opened_travels(self._packages, self._analytics)

    def _open_applications(self) -> None:
        audit, clock, log, definitions = self.audit, self.clock, self.log, self._definitions
        life = (self._meeting, self.features_db, self.lives, self._policy)
        worked = WorkedLog(log, self._reader, self._analytics)
        self.applications = Applications(self.revisions, audit, clock, *life, self.tokens.behind)
        self.features = Features(self.features_db, DuckJoin(self.features_db), audit, clock)
        self.events = Events(log, self.features_db, definitions, audit, clock)
        self.decisions = Decisions(log, definitions, audit, clock)
        self.resolutions = Resolutions(worked, definitions, self._policy, audit, clock)
        self.erasures = Erasures(log, self.features_db, definitions, self.holds_db, audit, clock)
        self.data_out = DataOut(self._analytics, audit, clock)
        self.figures = Figures(self._analytics, audit, clock)
        self.projects = Projects(SqlProjects(self._database), self.revisions, log, audit, clock)
        self.trials = Trials(log, self.revisions, self.lives)

    def _open_accountability(self) -> None:
        audit, clock, key, monitored = self.audit, self.clock, self._key, SqlMonitoring(self._database)
        parts = (self.home, self.log, self._definitions, self.registry, self._started)
        evidence = ExplainableEvidence(*parts)
        self.replays = Replays(HomeEvidence(*parts[1:]))
        self.whys = Whys(self.log, evidence, self.revisions)
        self.explanations = Explanations(evidence)
        self._open_trials(evidence, ServingEvidence(*parts))
        revised = (self.revisions, self.lives)
        files = HomeFiles(self.home, self._reader, revised, self.registry, monitored, self._analytics)
        self.dossiers = Dossiers(files, self.decisions, self.whys, self.explanations, self.replays, key, audit, clock)
        about = ModelFiles(self._reader, self.log, monitored)
        shelf = HomeShelf(self.home)
        self.packs = Packs(
            about, self.registry, self.revisions, self.inventory, self.dossiers, shelf, key, audit, clock
        )

    def _open_monitoring(self) -> None:
        self.notices = Notices(SqlNotices(self._database), HttpSender(), os.environ, self.url, self.audit, self.clock)
        self._courier = Courier(self.notices.tick)
        self.monitoring = Monitoring(
            MonitoredLog(self._reader, self._at_once.seal),
            MonitoredApplications(self.revisions),
            MonitoredVersions(self.registry, self.home),
            SqlMonitoring(self._database),
            self.audit,
            self.clock,
        )

    def _opened_retentions(self, store: SqlRetention, key: BuilderKey) -> Retentions:
        self.holds = Holds(self.holds_db, self.audit, self.clock)
        self.retentions = Retentions(store, self.audit, self.clock)
        aging = Expiry(self.home.decisions, key)
        self.expiries = Expiries(aging, self.retentions, store, self.holds_db, self.audit, self.clock)
        parts = (self.log, KeptDefinitions(self.revisions), self.retentions, store, self.holds_db)
        self.view_expiries = ViewExpiries(self.features_db, *parts, self.audit, self.clock)
        return self.retentions

    def _open_trials(self, evidence: ExplainableEvidence, serving: ServingEvidence) -> None:
        audit, clock = self.audit, self.clock
        trials = LoggedTrials(self._reader, evidence, self.log.personal, os.cpu_count() or 1, self.working)
        self.backtests = Backtests(
            trials, self._backtests_db, self.applications, self.revisions, evidence, audit, clock
        )
        current = InService(self.registry, self.features_db)
        self.evaluations = Evaluations(self.applications, self.revisions, serving, current, clock)

    def _opened_travels(self, packages: HomePackages, analytics: Analytics) -> Travelling:
        travels = Travels(self.models, self.registry, self.registry, packages, self.audit, self.clock)
        told = (analytics, self.proofs)
        return Travelling(self.home, self.registry, travels, self.archives, self.trusted, told, self.clock)

    # ---- doing

    def perform(self, name: str, actor: Actor, given: Any, check: Callable[[str | None], None] | None = None) -> Any:
        """Do an action as `actor` and return its answer; what it changed is served when this returns.

        Whether the actor may is asked, and the audit event written, by the action itself. `check` is called with the
        tag (app/tags.py) of what a write would change, in the write's own transaction, and may refuse it.
        """
        try:
            answer = self._done(name, actor, given, check)
        except TenureError as error:
            tell_by_name(self, error)
            raise
        if Permission(name) in SERVED_ANEW:
            self.publisher.serve()
        return answer

    def _done(self, name: str, actor: Actor, given: Any, check: Callable[[str | None], None] | None) -> Any:
        if check is None:
            return named(name).call(self, actor, given)
        with self.audit.transaction():
            check(self.tag(name, given)[1])
            return named(name).call(self, actor, given)

    def tag(self, name: str, given: Any) -> tuple[str, str | None]:
        """Return what an action of `app/tags.py` reads or writes, and the tag of its present state."""
        return TAGS[name](self, given)

    def authenticate(self, token: str) -> Actor:
        """Return who acts with this token text; raise `Unauthenticated`."""
        return self._limited(self.tokens.authenticate(token))

    def authenticate_session(self, secret: str) -> Actor:
        """Return who acts with this session's secret; raise `Unauthenticated`."""
        return self._limited(self.sessions.authenticate(secret))

    def _limited(self, actor: Actor) -> Actor:
        """Return the actor with the applications that its limits reach now."""
        return replace(actor, applications=reached(actor.applications, self.publisher.contents.by_project))

    def back_up(self, folder: Path) -> Copied:
        """Copy everything into a new folder, at one point and while all goes on."""
        return back_up(self.home, folder, self.clock.now, partial(copy_to, self._database), {"tenure": __version__})

    def snapshot(self) -> Snapshot:
        """Return what the tables say that supervisor and gateways should serve, as the generation after the newest."""
        newest = self.publisher.newest()
        return self.publisher.contents.snapshot(newest.generation + 1 if newest else 1, self.clock.now())

    def publish(self) -> None:
        """Write the snapshot if it changed, and return when every gateway serves it."""
        self.publisher.serve()

    @staticmethod
    def proof_script() -> str:
        """Return the script that checks exported proofs."""
        return script()

    def url(self, path: str) -> str:
        """Return the address of something in this installation; the path alone while nothing runs."""
        known = supervised.read(self.home.state)
        if known is None or not self.home.supervisor_socket.exists():
            return path
        return fronts.read(self.home.front).base(known.host, known.port) + path

    # ---- by itself

    def tick(self) -> None:
        """Do what is due: put in force what was scheduled, publish what changed by itself, seal the log, bring monitoring up to date.

        Each job can be killed at any place and done again. One that fails does not keep the others from being done.
        """
        jobs = (
            (self.applications.tick, 0),
            (self.publisher.reconcile, 0),
            (self._seal, _SEAL_EVERY),
            (self._feeding.tick, _SEAL_EVERY),
            (self.monitoring.tick, _MONITOR_EVERY),
            (self._courier.go, _SEAL_EVERY),
            (self.drilling.tick, _DRILL_EVERY),
            (self._freshness.tick, _COUNT_EVERY),
        )
        for job, every in jobs:
            if self._is_due(job.__qualname__, every):
                _attempted(job)

    def _is_due(self, name: str, every: int) -> bool:
        now = self.clock.now()
        if now < self._due.get(name, 0):
            return False
        self._due[name] = now + every
        return True

    def _seal(self) -> None:
        for fault in self._sealer.seal().damage:
            _LOG.error("the decision log is damaged: %s", fault)

    # ---- ending

    def close(self) -> None:
        """Close everything and let another process write in the home."""
        self._courier.wait()
        self.drilling.wait()
        self.log.close()
        for part in (self._claims, self._persons, self.features_db, self._database):
            part.close()
        self._lock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ensure_runnable(self, digest: str) -> tuple[WorkerEntry, VersionEntry]:
        self.trusted.check_stored(digest)
        return packaging.ensure_runnable(self.home, digest)

    def _started(self, digest: str, number: int) -> AbstractContextManager[tuple[Oneshot, float]]:
        self.trusted.check_stored(digest)
        if self._ahead is not None and (self._ahead.digest, self._ahead.number) == (digest, number):
            return self._ahead.taken()
        return packaging.started(self.home, digest, number)

    def _ways(self) -> Ways:
        """Return how packages of this home run, from its own blobs or from a copy being proven: only who is trusted does."""

        def laid_out(home: Home, digest: str) -> tuple[WorkerEntry, VersionEntry]:
            self.trusted.check_stored(digest)
            return packaging.laid_out(home, digest)

        return Ways(
            ensure=lambda _, digest: self._ensure_runnable(digest),
            lay_out=laid_out,
            start=lambda _, digest, number: self._started(digest, number),
        )

    def _check_again(self, ref: VersionRef) -> None:
        self.rerunning.check(ref)

    def _look_again(self, ref: VersionRef) -> None:
        self._runnable.forget(self.registry.get(ref).digest)
        self.rerunning.again(ref)


def release_in(home: Home) -> str:
    """Return what runs in the home: this release, and from which backup the home was made, if from one."""
    return f"{__version__}@{home.made_from.read_text()}" if home.made_from.exists() else __version__


def _attempted(job: Callable[[], object]) -> None:
    try:
        job()
    except Exception:  # noqa: BLE001 - the boundary of a job
        _LOG.exception("%s failed; it is tried again", job)
