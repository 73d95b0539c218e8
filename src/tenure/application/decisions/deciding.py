"""One decision in pure steps: admit the request, read its features, rules before the model, the model, rules after it.

    admitted = decider.admit(body)
    features = {view: store.read(view, key) for view, key in decider.views(admitted)}
    step = decider.before(admitted, features, store.read)
    if isinstance(step, AskModel):
        step = decider.after(step, await predictor.predict(step.row, decider.deadline_us))
    record = decider.record(step, …)

The gateway and a replay take the same steps; a replay begins with `readmit` and the features as logged.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from tenure.application.decisions.moments import moment_of
from tenure.application.decisions.plan import plan
from tenure.application.decisions.reads import feature_reads, item_reads, views_to_read
from tenure.application.decisions.request import RequestForm, misfit
from tenure.application.decisions.telling import Teller, Telling
from tenure.application.revisions.problems import refusal
from tenure.application.revisions.terms import Definition, ModelUse, from_plain
from tenure.application.rules.ruleset import NOT_REACHED, Trace, walk
from tenure.contract.predictor import Prediction
from tenure.contract.records import (
    FORMAT,
    DecidedBy,
    DecisionRecord,
    FeatureRead,
    PredictionRecord,
    Reason,
    ShadowRecord,
    Status,
)
from tenure.kit.errors import Kind, TenureError

if TYPE_CHECKING:
    from tenure.application.decisions.plan import ReadyAnswer
    from tenure.application.decisions.reads import Read
    from tenure.contract.predictor import Explain
    from tenure.contract.schema import Schema

#: (view, key) → what the view gives
Items: TypeAlias = "Callable[[str, str], Read | None]"
#: (entity, personal fields) → (pseudonym, ciphertext)
Protect: TypeAlias = Callable[[str, dict[str, Any]], tuple[str, str]]


class UnfitRecord(TenureError):
    """A logged request is not one that its own revision takes: the record or the revision is not what it was."""

    code = "unfit-record"
    kind = Kind.CORRUPT
    message = "the request as logged is none that {revision} takes: {why}"
    next_step = "`tenure verify` tells whether the log or the revision was changed"


# These are made anew for every decision. A frozen dataclass sets each field by a call of its own, which made 10 of the
# 45 µs of a decision's rules.
class Admitted(msgspec.Struct, frozen=True):
    """A request that fits the schema: every field by name, None where it is missing."""

    values: dict[str, Any]


class AskModel(msgspec.Struct, frozen=True):
    """The rules before the model settled nothing: ask for this row, then go on with `after`."""

    row: dict[str, Any]
    admitted: Admitted
    facts: dict[str, Any]
    reads: list[FeatureRead]
    trace: Trace
    #: reads a view for an item of the model's lists
    items: Items


#: what is known before the model is asked
_Begun: TypeAlias = "tuple[dict[str, Any], list[FeatureRead], Trace]"
#: who answers when no rule does
DEFAULT, FALLBACK = "default", "fallback"


class Settled(msgspec.Struct, frozen=True):
    """A finished decision: the answer with who gave it and why. `verdicts` has one character for each rule.

    `rows` are the rows of decision tables that held, by the rule's id, counted from 1. `telling` is there where the model
    gave reasons.
    """

    answer: dict[str, Any]
    decided_by: DecidedBy
    status: Status
    reasons: list[Reason]
    rules: list[str]
    verdicts: str
    admitted: Admitted
    reads: list[FeatureRead]
    prediction: Prediction | None = None
    rows: Mapping[str, int] | None = None
    telling: Telling | None = None


class Decider:
    """Decides for one revision with one version of its model. It holds no state between two decisions."""

    def __init__(
        self,
        definition: Mapping[str, Any] | Definition,
        inputs: Schema | None,
        outputs: Schema | None,
        revision: int,
        *,
        tells: bool = False,
        explain: Explain | None = None,
    ) -> None:
        """Compile; raise `BrokenDefinition` where the definition and the version do not fit together.

        With `tells` decisions carry the model's reasons if the definition asks for them, told as `explain` says.
        """
        known = definition if isinstance(definition, Definition) else from_plain(dict(definition))
        self._plan, problems = plan(known, inputs, outputs)
        if problems:
            raise refusal(problems)
        self.definition = known
        self.revision = revision
        self.application = known.application
        self.deadline_us = known.deadline_us
        self.model = known.model
        self._form = RequestForm(known.application, known.request)
        self._keys = [f"request.{field.name}" for field in known.request]
        self._moment = moment_of(known)
        self._hidden = frozenset((*known.personal, *((known.entity,) if known.entity else ())))
        use = known.explain if tells else None
        self._teller = Teller(use, known, inputs or (), outputs or (), explain) if use else None
        #: whether the model has to be asked for reasons too
        self.asks_reasons = self._teller is not None
        self._each = tuple(use for use in known.features if use.each)
        self._untouched = [NOT_REACHED] * len(known.rules)

    @property
    def always_asks(self) -> bool:
        """Return whether no decision is settled before the model is asked."""
        return self._plan.row is not None and not self._plan.before

    def admit(self, body: bytes) -> Admitted:
        """Return the typed request; raise `BadRequest` naming the field that does not fit."""
        return Admitted(self._form.decode(body))

    def admit_row(self, row: Mapping[str, Any]) -> Admitted:
        """Return the same for a row that is decoded already, as of a batch or a test."""
        return Admitted(self._form.convert(row))

    def readmit(self, record: DecisionRecord, personal: Mapping[str, Any]) -> Admitted:
        """Return the request of a logged decision, given its decrypted personal fields; raise `UnfitRecord`."""
        found = {**record.request, **personal}
        if why := misfit(self.definition.request, found):
            raise UnfitRecord(revision=f"{record.application}/{record.revision}", why=why)
        return Admitted({field.name: found.get(field.name) for field in self.definition.request})

    @staticmethod
    def logged_features(record: DecisionRecord) -> dict[str, Read]:
        """Return the features as the decision used them, for `before`."""
        return {read.view: (read.values, read.known_at) for read in record.features}

    @staticmethod
    def logged_items(record: DecisionRecord) -> Items:
        """Return the views of single items as the decision read them, for `before`."""
        found: dict[tuple[str, str | None], Read] = {
            (read.view, read.key): (read.values, read.known_at) for read in record.features
        }
        return lambda view, key: found.get((view, key))

    def views(self, admitted: Admitted) -> list[tuple[str, str]]:
        """Return the feature views to read, each with its key."""
        return views_to_read(self.definition, admitted.values)

    def before(
        self, admitted: Admitted, features: Mapping[str, Read | None], items: Items | None = None
    ) -> Settled | AskModel:
        """Return the decision if a rule before the model settles it or no model is asked, else the row to ask for.

        `items` reads a view for an item of the model's lists, where the definition wants that.
        """
        begun = self._begun(admitted, features)
        if isinstance(begun, Settled) or self._plan.row is None:
            return begun  # type: ignore[return-value] # without a row it is settled
        facts, reads, trace = begun
        return AskModel(self._plan.row.row(facts), admitted, facts, reads, trace, items or _nothing)

    def asking(self, asked: AskModel) -> AskModel:
        """Return what to ask this version, where another one was asked for the same decision."""
        assert self._plan.row is not None, "a version that is asked takes a row"
        return msgspec.structs.replace(asked, row=self._plan.row.row(asked.facts))

    def asked(self, asked: AskModel) -> ModelUse:
        """Return which model a decision asks: the usual one, or the one that a rule chose."""
        found = self.definition.chosen(asked.trace.model)
        assert found is not None, "a definition that asks has a model"
        return found

    def entity(self, admitted: Admitted) -> str | None:
        """Return whom the request is about, None where the application declares no entity."""
        name = self.definition.entity
        return None if name is None else str(admitted.values[name])

    def _begun(self, admitted: Admitted, features: Mapping[str, Read | None]) -> Settled | _Begun:
        """Return the decision where it is settled without the model, else all that is known before it is asked."""
        facts = dict(zip(self._keys, admitted.values.values(), strict=True))
        reads = feature_reads(self.definition, admitted.values, features, self._hidden, facts)
        trace = Trace(self._untouched.copy())
        answer = walk(self._plan.before, facts, trace)
        if answer is not None:
            return _settled(answer, "rule", trace, admitted, reads)
        if self._plan.row is None:
            return _settled(_made(self._plan.default, facts, trace), "rule", trace, admitted, reads)
        return facts, reads, trace

    def again(
        self,
        admitted: Admitted,
        features: Mapping[str, Read | None],
        prediction: Prediction | None,
        items: Items | None = None,
    ) -> Settled | None:
        """Return the decision for an old request with what the model said then, without making the model's row.

        None where a model is asked and it was not then.
        """
        begun = self._begun(admitted, features)
        if isinstance(begun, Settled):
            return begun
        facts, reads, trace = begun
        asked = AskModel({}, admitted, facts, reads, trace, items or _nothing)
        if prediction is None or self.asked(asked).name != prediction.model:
            return None
        return self.after(asked, prediction)

    def after(self, asked: AskModel, prediction: Prediction) -> Settled:
        """Return the decision, given what the model said; a failure gives the fallback's answer."""
        trace = asked.trace.copy()
        if prediction.output is None:
            fallback = self._plan.fallback or self._plan.default
            return _settled(
                _made(fallback, asked.facts, trace), "fallback", trace, asked.admitted, asked.reads, prediction
            )
        facts = asked.facts | {f"output.{name}": value for name, value in prediction.output.items()}
        reads = [*asked.reads, *item_reads(self._each, facts, asked.items)] if self._each else asked.reads
        answer = walk(self._plan.after, facts, trace)
        if answer is None:
            answer = _made(self._plan.default, facts, trace)
        telling = None
        if self._teller is not None:
            telling = self._teller.tell(prediction)
            trace.reasons.extend(telling.reasons)
            trace.pending = trace.pending or telling.failed
        return _settled(answer, "model", trace, asked.admitted, reads, prediction, telling)

    def record(
        self,
        settled: Settled,
        *,
        id: str,  # noqa: A002 - the record's own name for it
        at: int,
        protect: Protect,
        elapsed_us: int = 0,
        actor: str = "",
        key: str = "",
        trace: str = "",
    ) -> DecisionRecord:
        """Return the record for the log, with the entity and the personal fields handed to `protect`."""
        values = settled.admitted.values
        pseudonym, personal = self._protected(values, protect)
        served = [] if settled.prediction is None else [predicted("served", settled.prediction, settled.telling)]
        return DecisionRecord(
            format=FORMAT,
            kind="decision",
            id=id,
            at=at,
            application=self.application,
            revision=self.revision,
            entity=pseudonym,
            event_time=self._moment(values),
            request={name: value for name, value in values.items() if value is not None and name not in self._hidden},
            personal=personal,
            features=settled.reads,
            rules=settled.rules,
            verdicts=settled.verdicts,
            predictions=served,
            decided_by=settled.decided_by,
            status=settled.status,
            answer=settled.answer,
            reasons=settled.reasons,
            elapsed_us=elapsed_us,
            actor=actor,
            key=key,
            trace=trace,
        )

    def _protected(self, values: Mapping[str, Any], protect: Protect) -> tuple[str | None, str]:
        entity = self.definition.entity
        if entity is None:
            return None, ""
        fields = {name: values[name] for name in self._hidden if values[name] is not None}
        return protect(str(values[entity]), fields)

    def shadow_record(
        self,
        decision: DecisionRecord,
        settled: Settled | None,
        *,
        id: str,  # noqa: A002 - the record's own name for it
        at: int,
        asked: Prediction | None = None,
        error: str = "",
    ) -> ShadowRecord:
        """Return what this revision and version would have made of a decision; `settled` is None where they refuse it."""
        made = ShadowRecord(
            format=FORMAT,
            kind="shadow",
            id=id,
            at=at,
            application=self.application,
            decision=decision.id,
            revision=self.revision,
            trial=self.revision != decision.revision,
            predictions=[] if asked is None else [predicted("shadow", asked)],
            differs=True,
            error=error,
        )
        if settled is None:
            return made
        return msgspec.structs.replace(
            made,
            decided_by=settled.decided_by,
            status=settled.status,
            answer=settled.answer,
            rules=settled.rules,
            verdicts=settled.verdicts,
            differs=settled.answer != decision.answer or settled.status != decision.status,
        )


def predicted(role: Any, prediction: Prediction, telling: Telling | None = None) -> PredictionRecord:
    """Return one prediction as the log keeps it."""
    return PredictionRecord(
        role=role,
        model=prediction.model,
        version=prediction.version,
        digest=prediction.digest,
        output=prediction.output,
        raw=base64.b64encode(prediction.raw).decode(),
        batch=prediction.batch,
        failure=prediction.failure,
        error=prediction.error,
        contributions=telling.contributions if telling and not telling.failed else None,
        explained=telling.explained if telling else None,
    )


def _nothing(_view: str, _key: str) -> None:
    return None


def _made(ready: ReadyAnswer, facts: Mapping[str, Any], trace: Trace) -> dict[str, Any]:
    trace.reasons.extend(ready.reasons)
    answer: dict[str, Any] = ready.answer(facts)
    return answer


def _settled(
    answer: dict[str, Any],
    decided_by: DecidedBy,
    trace: Trace,
    admitted: Admitted,
    reads: list[FeatureRead],
    prediction: Prediction | None = None,
    telling: Telling | None = None,
) -> Settled:
    return Settled(
        answer=answer,
        decided_by=decided_by,
        status="pending_review" if trace.pending else "final",
        reasons=trace.reasons,
        rules=trace.fired,
        verdicts="".join(trace.verdicts),
        admitted=admitted,
        reads=reads,
        prediction=prediction,
        rows=trace.rows,
        telling=telling,
    )
