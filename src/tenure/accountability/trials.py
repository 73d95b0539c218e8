"""What a revision on trial made of live requests beside the one in force: how many answers differ, by which rules, with examples."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from tenure.accountability.why import closing
from tenure.governance.access import Permission, authorize
from tenure.kit.errors import Kind, TenureError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tenure.application.revisions.life import Trial
    from tenure.application.revisions.ports import LifeStore, RevisionStore
    from tenure.application.revisions.revision import Revision
    from tenure.application.revisions.terms import Definition
    from tenure.contract.records import DecisionRecord, ShadowRecord
    from tenure.governance.access import Actor

#: examples that are kept and shown, the newest
EXAMPLES = 20
#: what stands in the place of a rule where the revision would have refused the request
REFUSED = "(refused)"


class NotOnTrial(TenureError):
    """No revision of the application is on trial."""

    code = "not-on-trial"
    kind = Kind.NOT_FOUND
    message = "no revision of {application} is on trial"
    next_step = "try one: tenure apply FILE --shadow; or name one that was: tenure applications trial {application}/N"


@dataclass(frozen=True, slots=True)
class Differing:
    """How often another rule answered (or the same one otherwise): that of the revision in force, and of the trial."""

    active: str
    trial: str
    times: int


@dataclass(frozen=True, slots=True)
class Example:
    """One request to which the answers differ; of a request that would have been refused there is no answer."""

    given: DecisionRecord
    tried: ShadowRecord
    active_rule: str
    trial_rule: str


@dataclass(frozen=True, slots=True)
class TrialReport:
    """All of it. `answered` are the decisions that the revision made itself, in its share; `failed` had no output.

    `trial` is None once it ended.
    """

    revision: Revision
    trial: Trial | None
    since: int
    evaluated: int
    differing: int
    refused: int
    failed: int
    answered: int
    by_rule: tuple[Differing, ...]
    examples: tuple[Example, ...]


class TrialLog(Protocol):
    """The decision log's side."""

    def tried(self, application: str, revision: int, since: int) -> Iterable[ShadowRecord]:
        """Return what a revision on trial made of decisions since a moment, in any order."""

    def several(self, decisions: Sequence[str]) -> list[DecisionRecord]:
        """Return these decisions, those that there are."""

    def answered(self, application: str, revision: int, since: int) -> int:
        """Return how many decisions a revision made since a moment."""


class Trials:
    """The one action: what came of a trial."""

    def __init__(self, log: TrialLog, revisions: RevisionStore, lives: LifeStore) -> None:
        self._log = log
        self._revisions = revisions
        self._lives = lives

    def report(self, actor: Actor, application: str, number: int | None = None) -> TrialReport:
        """Return what the revision on trial made of live requests, or one that was; raise `NotOnTrial`."""
        authorize(actor, Permission.APPLICATIONS_TRIAL, application)
        trial = self._lives.trial(application)
        wanted = trial.number if number is None and trial is not None else number
        revision = None if wanted is None else self._revisions.get(application, wanted)
        if revision is None:
            raise NotOnTrial(application=application)
        running = trial if trial is not None and trial.number == revision.number else None
        since = running.since if running else revision.at
        return self._report(revision, running, since)

    def _report(self, revision: Revision, trial: Trial | None, since: int) -> TrialReport:
        evaluated = refused = failed = 0
        differing: list[ShadowRecord] = []
        for one in self._log.tried(revision.application, revision.number, since):
            evaluated += 1
            refused += bool(one.error)
            failed += any(asked.failure is not None for asked in one.predictions)
            if one.differs:
                differing.append(one)
        differing.sort(key=lambda one: one.decision)
        given = {one.id: one for one in self._log.several([one.decision for one in differing])}
        pairs = self._pairs(revision.definition, differing, given)
        counts = Counter((pair.active_rule, pair.trial_rule) for pair in pairs)
        return TrialReport(
            revision=revision,
            trial=trial,
            since=since,
            evaluated=evaluated,
            differing=len(differing),
            refused=refused,
            failed=failed,
            answered=self._log.answered(revision.application, revision.number, since),
            by_rule=tuple(Differing(*rules, times) for rules, times in counts.most_common()),
            examples=tuple(pairs[: -EXAMPLES - 1 : -1]),
        )

    def _pairs(
        self, definition: Definition, differing: Sequence[ShadowRecord], given: dict[str, DecisionRecord]
    ) -> list[Example]:
        definitions: dict[int, Definition] = {}
        pairs = []
        for tried in differing:
            record = given.get(tried.decision)
            if record is None:
                continue
            if record.revision not in definitions:
                kept = self._revisions.get(record.application, record.revision)
                definitions[record.revision] = definition if kept is None else kept.definition
            rule = REFUSED if tried.error else closing(definition, tried)
            pairs.append(Example(record, tried, closing(definitions[record.revision], record), rule))
        return pairs
