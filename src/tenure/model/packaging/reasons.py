"""How a version tells reasons within a decision: tried in its own environment on real rows, never assumed.

Ways are tried in this order: what the model's own library says, the closed form of a score that is a sum over its inputs,
Shapley values. The first whose parts add up to the score of every row that is tried becomes the *plan* in the manifest.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from tenure.contract.additivity import SCALES, added_up, precision_of
from tenure.contract.predictor import Explain
from tenure.kit.digests import digest_of
from tenure.kit.errors import Kind, TenureError
from tenure.serving.oneshot import CallFailed
from tenure.worker.columns import Codec
from tenure.worker.reasons import MOST_ROWS, baseline_rows, fitting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tenure.contract.predictor import Prediction
    from tenure.contract.schema import Field, Schema
    from tenure.model.package import BatchForm
    from tenure.serving.oneshot import Oneshot

#: rows on which a way must hold, and calls of one row that are timed
_TRIED = 32
_TIMED = 9
_NUMBERS = ("float", "int", "bool")
#: what an author may ask for
METHODS = ("native", "shap", "closed_form", "shapley")


class ReasonsNotProven(TenureError):
    """The way of explaining that the author asked for does not give this model's scores."""

    code = "reasons-not-proven"
    kind = Kind.REFUSED
    message = "explain = {method!r} does not hold for this model: {why}"
    next_step = "leave explain out: what holds for the model is found when it is sealed"


class UnknownExplainer(TenureError):
    """There is no way of explaining by this name."""

    code = "unknown-explainer"
    kind = Kind.BAD_INPUT
    message = "explain is {method!r}, which is none of {known}"
    next_step = "leave explain out: what holds for the model is found when it is sealed"


@dataclass(frozen=True, slots=True)
class Sample:
    """Rows of the package that explain: `source` is their file, `content` its bytes, `digest` its digest."""

    source: str
    content: bytes
    digest: str


def wished(method: str) -> Explain | None:
    """Return what an author asked for, as a draft's manifest keeps it; raise `UnknownExplainer`."""
    if not method:
        return None
    if method not in METHODS:
        raise UnknownExplainer(method=method, known=", ".join(METHODS))
    return Explain("sampled_shapley" if method == "shapley" else method, "", "score")  # type: ignore[arg-type]


def proven(
    worker: Oneshot,
    rows: Sequence[dict[str, Any]],
    schemas: tuple[Schema, Schema],
    form: BatchForm,
    sample: Sample,
    wish: Explain | None,
) -> Explain | None:
    """Return the plan that holds for a running draft, None where none does; raise `ReasonsNotProven` for a wish that fails."""
    inputs, outputs = schemas
    target = next((field for field in outputs if field.type in _NUMBERS and not field.shape), None)
    if target is None:
        if wish:
            raise ReasonsNotProven(method=wish.method, why="none of its outputs is a single number")
        return None
    why = "no way of telling fits it"
    for plan in _candidates(worker, target, inputs, sample, wish):
        try:
            worker.plan(plan, (form.kind, form.rows), rows[0])
            why = _fault(worker.predict(rows[:_TRIED], reasons=True), plan, inputs, target)
        except CallFailed as error:
            why = str(error)
        if not why:
            return _grouped(worker, plan, form, rows)
    if wish:
        raise ReasonsNotProven(method=wish.method, why=why)
    return None


def _candidates(
    worker: Oneshot, target: Field, inputs: Schema, sample: Sample, wish: Explain | None
) -> Iterator[Explain]:
    wanted = wish.method if wish else ""
    said = str(worker.hello.get("explains") or "")
    own: tuple[Any, ...] = ("shap",) if wanted == "shap" else (said,) if said else ()
    for method in own if wanted in {"", "native", "shap"} else ():
        for scale in ("score", "log-odds"):
            yield Explain(method, target.name, scale)
    codec = Codec(inputs)
    baseline = baseline_rows(sample.content, sample.digest, codec, MOST_ROWS)
    digest = digest_of(codec.join_rows(baseline))
    for scale in ("score", "log-odds") if wanted in {"", "closed_form"} else ():
        yield Explain("closed_form", target.name, scale, digest, sample.source, len(baseline))  # type: ignore[arg-type]
    if wanted in {"", "sampled_shapley"}:
        method, count, pairs = fitting(len(inputs), len(baseline))
        digest = digest_of(codec.join_rows(baseline[:count]))
        yield Explain(method, target.name, "score", digest, sample.source, count, pairs)  # type: ignore[arg-type]


def _fault(predictions: Sequence[Prediction], plan: Explain, inputs: Schema, target: Field) -> str:
    """Return why a plan does not hold on these rows, empty where it does."""
    precision = precision_of(target.wire_dtype)
    for one in predictions:
        if one.output is None or one.told is None:
            return one.error or "it tells nothing"
        served = one.output[target.name]
        if served is None:
            continue
        parts = dict(zip((field.name for field in inputs), one.told.parts, strict=True))
        found = added_up(parts, one.told.base, SCALES[plan.scale], float(served), precision)
        if not found.holds:
            return f"its parts add up to {found.score!r} where the model gives {served!r}"
    return ""


def _grouped(worker: Oneshot, plan: Explain, form: BatchForm, rows: Sequence[dict[str, Any]]) -> Explain:
    """Return the plan with whether rows may be explained together: only if that gives the same bits."""
    if not plan.source:
        return plan
    few = rows[:_TRIED]
    alone = [one.told for one in worker.predict(few, reasons=True)]
    together = msgspec.structs.replace(plan, together=True)
    worker.plan(together, (form.kind, form.rows), rows[0])
    return together if [one.told for one in worker.predict(few, reasons=True)] == alone else plan


def cost_us(worker: Oneshot, rows: Sequence[dict[str, Any]], seconds: Callable[[], float]) -> int:
    """Return what one decision's score and reasons take here, in microseconds, 0 where the version tells none.

    It is no part of the manifest: the same package is the same on every machine, its cost is not.
    """
    if worker.explain is None or not rows:
        return 0
    times = []
    for nth in range(_TIMED):
        began = seconds()
        worker.predict([rows[nth % len(rows)]], reasons=True)
        times.append(seconds() - began)
    return max(1, round(statistics.median(times) * 1_000_000))
