"""The action of evaluating: one request answered by any revision and any version, step by step, and nothing is logged."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from tenure.accountability.why import Known, closing, known_of_views
from tenure.application.decisions.deciding import AskModel, Decider, Settled
from tenure.application.decisions.judging import judged
from tenure.application.revisions.revision import UnknownApplication, UnknownRevision
from tenure.application.rules.kinds import nearest
from tenure.contract.predictor import Prediction
from tenure.governance.access import Permission, authorize
from tenure.kit.errors import Kind, TenureError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tenure.accountability.ports import Evidence, PastVersion
    from tenure.application.decisions.deciding import Admitted
    from tenure.application.decisions.judging import Judged
    from tenure.application.decisions.reads import Read
    from tenure.application.revisions.actions import Applications
    from tenure.application.revisions.ports import RevisionStore
    from tenure.application.revisions.terms import Definition, ModelUse
    from tenure.contract.schema import Schema
    from tenure.governance.access import Actor
    from tenure.kit.clock import Clock


class BadEvaluation(TenureError):
    """The evaluation is not asked for in a way that means something."""

    code = "bad-evaluation"
    kind = Kind.BAD_INPUT
    message = "{why}"
    next_step = "tenure rules evaluate FILE|APPLICATION[/REVISION] --request JSON [--model MODEL/VERSION]"


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What is evaluated: a file's `text`, or a revision that is kept, by default the one in force.

    `version` is asked, by default the one in service; with `output` none is. `features` stand for what views would give.
    """

    request: dict[str, Any]
    text: str = ""
    files: dict[str, str] = {}
    application: str = ""
    revision: int | None = None
    version: str = ""
    features: dict[str, dict[str, Any]] = {}
    output: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Evaluated:
    """How the answer would come about. `version` is empty where none was asked; times are microseconds of each step."""

    application: str
    revision: int | None
    settled: Settled
    known: tuple[Known, ...]
    rules: tuple[Judged, ...]
    closed_by: str
    version: str
    row: dict[str, Any] | None
    at: int
    elapsed_us: dict[str, int]


class Current(Protocol):
    """What is in service now."""

    def champion(self, use: ModelUse) -> str:
        """Return the version behind a model and its alias, empty where there is none."""

    def read(self, view: str, key: str) -> Read | None:
        """Return the newest features of a key."""


class Evaluations:
    """The one action: evaluate."""

    def __init__(
        self, applications: Applications, revisions: RevisionStore, evidence: Evidence, current: Current, clock: Clock
    ) -> None:
        self._applications = applications
        self._revisions = revisions
        self._evidence = evidence
        self._current = current
        self._clock = clock

    def run(self, actor: Actor, asked: Asked) -> Evaluated:
        """Return how a definition would answer the request; nothing is kept, counted or told to anybody.

        Raises `BadEvaluation`, `BrokenDefinition`, `BadRequest`, `MissingFeature`, `UnknownRevision`.
        """
        authorize(actor, Permission.RULES_EVALUATE, asked.application or next(iter(actor.applications), None))
        definition, number = self._definition(actor, asked)
        self._check_version(definition, asked)
        version = self._version(definition.model, asked) if definition.model else None
        decider = _compiled(definition, version, number)
        watch = _Watch()
        admitted = decider.admit_row(asked.request)
        features = self._features(decider, admitted, asked.features)
        watch.lap("features")
        step = decider.before(admitted, features, self._item)
        watch.lap("rules before the model")
        if isinstance(step, Settled):
            return self._told(decider, step, (), "", None, watch)
        use = decider.asked(step)
        version = self._version(use, asked)
        if use != definition.model:
            # A rule chose another model than the one for which the revision was compiled.
            decider = _compiled(definition, version, number)
            step = decider.asking(step)
        prediction = self._predicted(decider, step, version, asked.output, watch)
        settled = decider.after(step, prediction)
        watch.lap("rules after the model")
        asked_version = version.ref if asked.output is None else ""
        return self._told(decider, settled, version.outputs, asked_version, step.row, watch)

    def _definition(self, actor: Actor, asked: Asked) -> tuple[Definition, int | None]:
        if bool(asked.text) == bool(asked.application):
            raise BadEvaluation(why="name either a file or an application")
        if asked.text:
            permission = Permission.RULES_EVALUATE
            return self._applications.check(actor, asked.text, asked.files, permission=permission), None
        if asked.revision is None:
            revision = self._revisions.active(asked.application)
            if revision is None:
                raise UnknownApplication(application=asked.application)
            return revision.definition, revision.number
        found = self._revisions.get(asked.application, asked.revision)
        if found is None:
            newest = self._revisions.newest(asked.application)
            raise UnknownRevision(application=asked.application, number=asked.revision, newest=newest)
        return found.definition, found.number

    def _check_version(self, definition: Definition, asked: Asked) -> None:
        """Refuse a version that is none of the models that the definition may ask."""
        if not asked.version:
            return
        known = [one.ref for use in definition.uses for one in self._evidence.versions(use.name)]
        if asked.version not in known:
            names = " or ".join(use.name for use in definition.uses) or "the models it asks: it asks none"
            raise BadEvaluation(why=f"{asked.version!r} is no version of {names}{nearest(asked.version, known)}")

    def _version(self, use: ModelUse, asked: Asked) -> PastVersion:
        """Return the version to ask of this model: the named one if it is one of its versions, else the one in service."""
        versions = {one.ref: one for one in self._evidence.versions(use.name)}
        found = versions.get(asked.version) or versions.get(self._current.champion(use))
        if found is None and asked.output is not None:
            # What the version would say is given, so any one will do that tells the types.
            found = next(iter(versions.values()), None)
        if found is None:
            raise BadEvaluation(why=f"no version of {use} is in service; name one that is registered")
        return found

    def _item(self, view: str, key: str | None) -> Read | None:
        """Return the newest features of one item of the model's lists."""
        return None if key is None else self._current.read(view, key)

    def _features(
        self, decider: Decider, admitted: Admitted, given: Mapping[str, Mapping[str, Any]]
    ) -> dict[str, Read | None]:
        return {
            view: (given[view], None) if view in given else self._current.read(view, key)
            for view, key in decider.views(admitted)
        }

    def _predicted(
        self,
        decider: Decider,
        step: AskModel,
        version: PastVersion,
        output: Mapping[str, Any] | None,
        watch: _Watch,
    ) -> Prediction:
        model, _, number = version.ref.partition("/")
        if output is not None:
            return Prediction(model=model, version=int(number), digest=version.digest, output=dict(output))
        with self._evidence.asking(model, int(number)) as running:
            watch.lap("reaching the version")
            made = running.predict([step.row], reasons=decider.asks_reasons)[0]
        watch.lap("model")
        return made

    def _told(
        self,
        decider: Decider,
        settled: Settled,
        outputs: Schema,
        version: str,
        row: dict[str, Any] | None,
        watch: _Watch,
    ) -> Evaluated:
        definition = decider.definition
        output = settled.prediction.output if settled.prediction else None
        facts = {f"request.{name}": value for name, value in settled.admitted.values.items()}
        facts |= {f"{read.view}.{name}": value for read in settled.reads for name, value in read.values.items()}
        now = self._clock.now()
        return Evaluated(
            application=definition.application,
            revision=decider.revision or None,
            settled=settled,
            known=_known(definition, settled, now),
            rules=tuple(judged(definition, outputs, facts, output, settled.verdicts)),
            closed_by=closing(definition, settled),
            version=version,
            row=row,
            at=now,
            elapsed_us=watch.laps,
        )


def _compiled(definition: Definition, version: PastVersion | None, number: int | None) -> Decider:
    inputs, outputs = (version.inputs, version.outputs) if version else (None, None)
    explain = version.explain if version else None
    return Decider(definition, inputs, outputs, number or 0, tells=version is not None, explain=explain)


class _Watch:
    """How long each step took."""

    def __init__(self) -> None:
        self.laps: dict[str, int] = {}
        self._last = perf_counter_ns()

    def lap(self, name: str) -> None:
        now = perf_counter_ns()
        self.laps[name] = (now - self._last) // 1000
        self._last = now


def _known(definition: Definition, settled: Settled, now: int) -> tuple[Known, ...]:
    """Return every input; what is personal was typed by the one who asks, and is shown."""
    request = [Known(name, value, "request", now) for name, value in settled.admitted.values.items()]
    return (*request, *known_of_views(definition, settled.reads))
