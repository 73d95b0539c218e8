"""An old decision made again: features as logged, its own revision, its own version, its own batch form.

The whole decision is replayed, rules and model. What is compared is what left the house then: the output's bytes and
the answer. A decision in which no model answered (a rule settled it, or the fallback did) is replayed without one.
"""

from __future__ import annotations

import base64
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tenure.accountability.again import Again
from tenure.accountability.begun import STRANGE, Beginnings, Begun, served, strangely
from tenure.accountability.verdict import Distance, Verdict, distance, farther, judge, parts_distance
from tenure.application.decisions.deciding import AskModel, Settled, predicted
from tenure.contract.predictor import Prediction
from tenure.governance.access import Permission, authorize
from tenure.kit.errors import Kind, TenureError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tenure.accountability.ports import Evidence, PastVersion
    from tenure.contract.predictor import Batch
    from tenure.contract.records import DecisionRecord, PredictionRecord, Reason
    from tenure.governance.access import Actor

_EXACT = Distance(0.0, 0.0)
_UNKNOWN = Distance(math.inf, math.inf)
_OPEN = "seal level S1: this model may read from the network, and what it read then is in no package"


class NothingToReplay(TenureError):
    """No decision matches."""

    code = "nothing-to-replay"
    kind = Kind.NOT_FOUND
    message = "no decision matches"
    next_step = "`tenure decisions --application NAME` shows what there is"


@dataclass(frozen=True, slots=True)
class Replayed:
    """One decision beside its replay. `cause` says why the verdict is not BIT, and is empty when it is.

    `caution` says what the package alone does not prove, whatever the verdict.
    """

    record: DecisionRecord
    verdict: Verdict
    apart: Distance
    answer: dict[str, Any] | None
    output: dict[str, Any] | None
    cause: str
    caution: str = ""


class Replays:
    """Collection of actions that make decisions again."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence

    def replay(self, actor: Actor, decisions: Sequence[str]) -> list[Replayed]:
        """Return the named decisions replayed, in their order; raise `NoSuchDecision`."""
        records = [self._evidence.decision(decision) for decision in decisions]
        for record in records:
            authorize(actor, Permission.REPLAY, record.application)
        return self._replayed(records)

    def sample(
        self, actor: Actor, count: int, application: str = "", model: str = "", version: int | None = None
    ) -> list[Replayed]:
        """Return up to `count` decisions replayed, spread over all that match; raise `NothingToReplay`."""
        authorize(actor, Permission.REPLAY, application or None)
        records = self._evidence.sample(count, application, model, version)
        if not records:
            raise NothingToReplay
        return self._replayed(records)

    def _replayed(self, records: Sequence[DecisionRecord]) -> list[Replayed]:
        beginnings = Beginnings(self._evidence)
        begun = {record.id: beginnings.begin(record) for record in records}
        finished: dict[str, Replayed] = {}
        for (model, number), group in _by_version(begun.values()).items():
            if model is None or number is None:
                finished |= {one.record.id: _finish(one, None, None, {}) for one in group}
            else:
                finished |= self._ask_again(model, number, group)
        return [finished[record.id] for record in records]

    def _ask_again(self, model: str, number: int, group: list[Begun]) -> dict[str, Replayed]:
        again = Again(lambda: self._evidence.asking(model, number))
        gone = ""
        try:
            version = self._evidence.version(model, number)
            again.ask([(_rows(group, reasons=reasons), reasons) for reasons in (False, True)])
        except TenureError as error:
            # A kernel that this CPU does not have ends the process before it answers anything.
            gone = f"the version cannot be started here: {error}"
        said = again.predictions
        return {
            one.record.id: _unmade(one.record, gone)
            if gone and one.record.id not in said
            else _finish(one, said.get(one.record.id), version, again.hello)
            for one in group
        }


def _by_version(begun: Iterable[Begun]) -> dict[tuple[str | None, int | None], list[Begun]]:
    """Return the decisions grouped by the version that must be asked again, `(None, None)` where none must."""
    groups: dict[tuple[str | None, int | None], list[Begun]] = {}
    for one in begun:
        then = served(one.record)
        asks = then is not None and then.output is not None and isinstance(one.step, AskModel)
        key = (then.model, then.version) if then and asks else (None, None)
        groups.setdefault(key, []).append(one)
    return groups


def _rows(group: Iterable[Begun], *, reasons: bool) -> dict[str, dict[str, Any]]:
    """Return by decision the rows that the model has to be asked for, with reasons or without."""
    return {
        one.record.id: one.step.row
        for one in group
        if isinstance(one.step, AskModel) and one.decider is not None and one.decider.asks_reasons is reasons
    }


def _unmade(record: DecisionRecord, why: str, answer: dict[str, Any] | None = None) -> Replayed:
    """Return the verdict on a decision that cannot be made again as far as its output."""
    return Replayed(record, Verdict.MISMATCH, _UNKNOWN, answer, None, why)


def _finish(one: Begun, again: Prediction | None, version: PastVersion | None, hello: Mapping[str, Any]) -> Replayed:
    """Return the verdict on the decision, whatever the model and the record give the rules to work with."""
    try:
        return _finished(one, again, version, hello)
    except TenureError as error:
        return _unmade(one.record, str(error))
    except STRANGE as error:
        return _unmade(one.record, strangely(error))


def _finished(one: Begun, again: Prediction | None, version: PastVersion | None, hello: Mapping[str, Any]) -> Replayed:
    """Take the decision from the model to its answer, and compare."""
    if one.decider is None or one.step is None:
        return _unmade(one.record, one.failure)
    then = served(one.record)
    settled = one.step
    if isinstance(settled, AskModel):
        prediction = again or (_failed_then(then) if then else None)
        if prediction is None:
            why = "the rules of this revision ask a model now, and none was asked then"
            return _unmade(one.record, why)
        settled = one.decider.after(settled, prediction)
        if prediction.model != one.decider.asked(one.step).name:  # type: ignore[arg-type] # it is the one that asks
            why = f"the rules of this revision choose another model now, and {prediction.model} was asked then"
            return _unmade(one.record, why)
    elif then is not None:
        why = "the rules of this revision settle it before the model now, and a model was asked then"
        return _unmade(one.record, why, settled.answer)
    return _compared(one.record, settled, then, version, hello)


def _compared(
    record: DecisionRecord,
    settled: Settled,
    then: PredictionRecord | None,
    version: PastVersion | None,
    hello: Mapping[str, Any],
) -> Replayed:
    same_answer = (settled.answer, settled.decided_by, settled.rules, settled.status, _codes(settled.reasons)) == (
        record.answer,
        record.decided_by,
        record.rules,
        record.status,
        _codes(record.reasons),
    )
    prediction = settled.prediction
    if then is None or then.output is None or prediction is None or version is None:
        verdict = judge(same_bits=True, same_answer=same_answer, apart=_EXACT, tolerance=0.0)
        return Replayed(record, verdict, _EXACT, settled.answer, None, "" if same_answer else "another answer")
    same_output = prediction.raw == base64.b64decode(then.raw, validate=True) and prediction.output is not None
    parts_then, parts_now = _parts(then), _parts(predicted("served", prediction, settled.telling))
    same_bits = same_output and parts_then == parts_now
    apart = _EXACT if same_output else distance(version.outputs, then.output, prediction.output or {})
    if parts_then != parts_now:
        apart = farther(apart, parts_distance(parts_then, parts_now))
    verdict = judge(same_bits=same_bits, same_answer=same_answer, apart=apart, tolerance=version.tolerance)
    cause = "" if verdict is Verdict.BIT else _cause(prediction, then, version, hello, same_bits=same_bits)
    caution = _OPEN if version.network else ""
    return Replayed(record, verdict, apart, settled.answer, prediction.output, cause, caution)


def _codes(reasons: Iterable[Reason]) -> list[tuple[str, str]]:
    """Return what reasons say, without the numbers of the model's own, which are compared as numbers."""
    return [(one.source, one.code) for one in reasons]


def _parts(prediction: PredictionRecord) -> dict[str, float]:
    """Return what the inputs contributed, and the base under the empty name; empty where no reasons were told."""
    if prediction.contributions is None or prediction.explained is None:
        return {}
    return {"": prediction.explained.base} | {one.feature: one.contribution for one in prediction.contributions}


def _failed_then(then: PredictionRecord) -> Prediction:
    """Return the failure as it was logged: a worker that was gone or late cannot be made so again."""
    return Prediction(then.model, then.version, then.digest, failure=then.failure, error=then.error)


def _cause(
    prediction: Prediction, then: PredictionRecord, version: PastVersion, hello: Mapping[str, Any], *, same_bits: bool
) -> str:
    if prediction.output is None:
        return f"the version failed now: {prediction.error or prediction.failure}"
    if same_bits:
        return "the model gave the same bits; the rules gave another answer"
    return cause_of(version.cpu, hello.get("cpu", "unknown"), then.batch, prediction.batch)


def cause_of(sealed: str, now: str, then_batch: Batch | None, now_batch: Batch | None) -> str:
    """Return what explains other bits: the CPU, the BLAS kernel, the shape of the call, or what is left, libm.

    `sealed` and `now` are kinds of CPU as workers tell them (worker/facts.py): machine, instruction sets, kernels.
    """
    ours, theirs = _kind(sealed), _kind(now)
    if ours[0] != theirs[0]:
        return f"another kind of CPU: sealed on {sealed}, replayed on {now}"
    if ours[1] != theirs[1]:
        told = [" and ".join(kernels) or "none named" for kernels in (ours[1], theirs[1])]
        return f"another BLAS kernel: sealed with {told[0]}, replayed with {told[1]} (OPENBLAS_CORETYPE chooses it)"
    if then_batch is not None and now_batch is not None and then_batch.shape != now_batch.shape:
        return f"another batch shape: {then_batch.shape} rows in the call then, {now_batch.shape} now"
    return "the same CPU, BLAS kernel and batch shape: look for another libm (glibc, GLIBC_TUNABLES) or thread count"


def _kind(cpu: str) -> tuple[list[str], list[str]]:
    """Return machine and instruction sets, and the kernels, which alone are written with a capital."""
    words = cpu.split()
    return [word for word in words if not word[:1].isupper()], [word for word in words if word[:1].isupper()]
