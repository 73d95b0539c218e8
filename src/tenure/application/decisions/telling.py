"""Reasons that the model gives within a decision: its parts added up, checked against the score served, the largest named.

A decision whose parts do not add up gets no reasons of the model and waits for a person: a reason is never a guess.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tenure.contract.additivity import SCALES, added_up, precision_of
from tenure.contract.records import ContributionRecord, ExplainedRecord, Reason

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tenure.application.revisions.terms import Definition, ExplainUse
    from tenure.contract.predictor import Explain, Prediction
    from tenure.contract.schema import Schema

NATIVE_BASELINE = "training"


@dataclass(frozen=True, slots=True)
class Telling:
    """What was told with one output: all parts as the log keeps them, and the reasons that follow; none if `failed`."""

    explained: ExplainedRecord
    contributions: list[ContributionRecord]
    reasons: list[Reason]

    @property
    def failed(self) -> bool:
        """Return whether the parts explain nothing."""
        return bool(self.explained.failed)


class Teller:
    """Names the reasons of one version's scores as one definition asks for them."""

    def __init__(
        self, use: ExplainUse, definition: Definition, inputs: Schema, outputs: Schema, explain: Explain | None
    ) -> None:
        self._use, self._texts, self._explain = use, definition.reasons, explain
        self._names = [field.name for field in inputs]
        dtypes = {field.name: field.wire_dtype for field in outputs}
        self._precision = precision_of(dtypes.get(explain.output, "") if explain else "")

    def tell(self, prediction: Prediction) -> Telling:
        """Return what was told with an output that the decision uses."""
        explain, told = self._explain, prediction.told
        if explain is None:
            return _untold("", "its package was sealed without a way to tell reasons")
        if told is None or prediction.output is None:
            return _untold(explain.method, "the worker told nothing with the score")
        served = prediction.output[explain.output]
        if served is None:
            return _untold(explain.method, f"{explain.output} is null, which nothing adds up to")
        parts = dict(zip(self._names, told.parts, strict=True))
        found = added_up(parts, told.base, SCALES[explain.scale], float(served), self._precision)
        if not found.holds:
            why = f"the parts add up to {found.score!r}, and {served!r} was served"
            return _untold(explain.method, why)
        explained = ExplainedRecord(
            explain.method,
            explain.output,
            explain.scale,
            explain.baseline or NATIVE_BASELINE,
            told.base,
            found.difference,
            found.allowed,
        )
        contributions = [ContributionRecord(name, part) for name, part in parts.items()]
        return Telling(explained, contributions, [self._reason(name, parts, explained) for name in self._chosen(parts)])

    def _chosen(self, parts: Mapping[str, float]) -> Sequence[str]:
        """Return the inputs that become reasons, the largest parts first; equal ones stay in the model's order."""
        sign = {"up": 1, "down": -1, "both": 0}[self._use.direction]
        told = [name for name, part in parts.items() if (part * sign > 0 if sign else part != 0)]
        return sorted(told, key=lambda name: -abs(parts[name]))[: self._use.top_k]

    def _reason(self, name: str, parts: Mapping[str, float], explained: ExplainedRecord) -> Reason:
        code = self._use.codes.get(name, name)
        text = self._texts.get(code) or name.replace("_", " ")
        return Reason(code, text, "model", name, parts[name], explained.method, explained.baseline)


def _untold(method: str, why: str) -> Telling:
    return Telling(ExplainedRecord(method, failed=why), [], [])
