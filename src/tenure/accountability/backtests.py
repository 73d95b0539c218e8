"""The action of back-testing: a file or a revision tried on the newest decisions, its result kept for who approves it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

from tenure.accountability.backtest import Tally, Trial, reads_personal
from tenure.application.decisions.reading import NoSuchDecision
from tenure.application.revisions.actions import digest_of_source
from tenure.application.revisions.revision import UnknownRevision
from tenure.application.rules.kinds import nearest
from tenure.governance.access import Permission, authorize
from tenure.governance.audit import Event
from tenure.kit.errors import Kind, TenureError
from tenure.kit.ids import parse_id

if TYPE_CHECKING:
    from tenure.accountability.ports import Evidence
    from tenure.application.revisions.actions import Applications
    from tenure.application.revisions.ports import RevisionStore
    from tenure.application.revisions.terms import Definition
    from tenure.governance.access import Actor
    from tenure.governance.ports import Audit
    from tenure.kit.clock import Clock

MOST = 10_000_000


class NothingToCompare(TenureError):
    """There are no decisions to try the revision on."""

    code = "nothing-to-compare"
    kind = Kind.NOT_FOUND
    message = "{application} has no decisions to try it on"
    next_step = "look at `tenure decisions --application {application}`"


class BadBacktest(TenureError):
    """The back-test is not asked for in a way that means something."""

    code = "bad-backtest"
    kind = Kind.BAD_INPUT
    message = "{why}"
    next_step = "tenure rules backtest FILE|APPLICATION/REVISION [--last N] [--model MODEL/VERSION]"


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What is tried: a file's `text`, or a revision that is kept; on the newest `last` decisions, or on one."""

    text: str = ""
    files: dict[str, str] = {}
    application: str = ""
    revision: int | None = None
    last: int = 100_000
    version: str = ""
    decision: str = ""
    by: tuple[str, ...] = ()


class Backtest(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it. `digest` is that of the definition's text with its tables, by which a revision finds it."""

    application: str
    digest: str
    revision: int | None
    version: str
    last: int
    at: int
    actor: str
    elapsed_us: int
    tally: Tally


class Trials(Protocol):
    """Where old decisions are tried."""

    def run(self, trial: Trial, application: str, last: int, *, personal: bool) -> Tally:
        """Return what was found in the newest decisions."""

    def run_one(self, trial: Trial, record: bytes) -> Tally:
        """Return what becomes of one decision."""

    def raw(self, decision: str) -> bytes | None:
        """Return the bytes of a record, None where there is none."""


class BacktestStore(Protocol):
    """Where results are kept."""

    def add(self, backtest: Backtest) -> None:
        """Keep a result."""

    def newest(self, application: str, digest: str) -> Backtest | None:
        """Return the newest result for a definition."""


class Backtests:
    """Collection of actions on back-tests."""

    def __init__(
        self,
        trials: Trials,
        store: BacktestStore,
        applications: Applications,
        revisions: RevisionStore,
        evidence: Evidence,
        audit: Audit,
        clock: Clock,
    ) -> None:
        self._trials = trials
        self._store = store
        self._applications = applications
        self._revisions = revisions
        self._evidence = evidence
        self._audit = audit
        self._clock = clock

    def run(self, actor: Actor, asked: Asked) -> Backtest:
        """Try a definition on old decisions and keep the result; of a single decision nothing is kept.

        Raises `BrokenDefinition`, `BadBacktest`, `NothingToCompare`, `NoSuchDecision`.
        """
        authorize(actor, Permission.RULES_BACKTEST, asked.application or next(iter(actor.applications), None))
        definition, digest, number = self._definition(actor, asked)
        trial = self._trial(definition, asked)
        began = self._clock.now()
        tally = self._tally(trial, definition, asked)
        now = self._clock.now()
        result = Backtest(
            application=definition.application,
            digest=digest,
            revision=number,
            version=asked.version,
            last=asked.last,
            at=now,
            actor=actor.id,
            elapsed_us=now - began,
            tally=tally,
        )
        if not asked.decision:
            self._keep(actor, result)
        return result

    def newest(self, application: str, digest: str) -> Backtest | None:
        """Return the newest result for a definition, for who shows or applies it."""
        return self._store.newest(application, digest)

    def _definition(self, actor: Actor, asked: Asked) -> tuple[Definition, str, int | None]:
        if bool(asked.text) == bool(asked.application):
            raise BadBacktest(why="name either a file or a revision")
        if asked.text:
            definition = self._applications.check(actor, asked.text, asked.files, permission=Permission.RULES_BACKTEST)
            return definition, digest_of_source(asked.text, asked.files), None
        revision = self._revisions.get(asked.application, asked.revision or 0)
        if revision is None:
            newest = self._revisions.newest(asked.application)
            raise UnknownRevision(application=asked.application, number=asked.revision, newest=newest)
        return revision.definition, revision.digest, revision.number

    def _trial(self, definition: Definition, asked: Asked) -> Trial:
        pasts = {one.number: one.definition for one in self._revisions.revisions(definition.application)}
        models = {use.name for one in (definition, *pasts.values()) for use in one.uses}
        versions = [version for model in sorted(models) for version in self._evidence.versions(model)]
        contracts = {version.ref: (version.inputs, version.outputs) for version in versions}
        if asked.version and asked.version not in contracts:
            raise BadBacktest(
                why=f"{asked.version!r} is no version of {definition.model}{nearest(asked.version, contracts)}"
            )
        return Trial(definition, pasts, contracts, asked.version, _segments(definition, asked.by))

    def _tally(self, trial: Trial, definition: Definition, asked: Asked) -> Tally:
        application = definition.application
        if asked.decision:
            record = self._trials.raw(parse_id(asked.decision))
            if record is None or msgspec.json.decode(record).get("application") != application:
                raise NoSuchDecision(decision=asked.decision)
            return self._trials.run_one(trial, record)
        if not 1 <= asked.last <= MOST:
            raise BadBacktest(why=f"--last must be between 1 and {MOST}")
        inputs = trial.contracts[asked.version][0] if asked.version else ()
        personal = reads_personal(definition, inputs, asks=bool(asked.version))
        tally = self._trials.run(trial, application, asked.last, personal=personal)
        if not tally.compared and not tally.incomparable:
            raise NothingToCompare(application=application)
        return tally

    def _keep(self, actor: Actor, result: Backtest) -> None:
        target = f"{result.application}/{result.revision}" if result.revision else result.application
        after = {"digest": result.digest, "compared": result.tally.compared, "changed": result.tally.changed}
        with self._audit.transaction():
            self._store.add(result)
            self._audit.write(Event(Permission.RULES_BACKTEST, actor, result.at, target, "back-test", after=after))


def _segments(definition: Definition, by: tuple[str, ...]) -> tuple[str, ...]:
    """Return the fields to count by: those asked for, else each that has few values by its type."""
    hidden = {*definition.personal, definition.entity}
    fields = {field.name: field for field in definition.request if field.name not in hidden}
    for name in by:
        if name not in fields:
            raise BadBacktest(why=f"the request has no field {name!r} to count by{nearest(name, fields)}")
    return by or tuple(name for name, field in fields.items() if field.values or field.type == "bool")
