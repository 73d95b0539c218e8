"""Old decisions explained: their row made again, their version asked again, and nothing shown that does not add up."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tenure.accountability import shapley
from tenure.accountability.begun import Beginnings, served
from tenure.accountability.explanation import (
    Baseline,
    Contribution,
    Explanation,
    MethodNotPossible,
    MixedRowsFail,
    NothingToExplain,
    UnreadableDecision,
    WrongExplanation,
    chosen,
    pairs_for,
    seed_of,
)
from tenure.accountability.sources import sources
from tenure.accountability.target import target_of
from tenure.application.decisions.deciding import AskModel
from tenure.application.decisions.reading import NoSuchDecision
from tenure.contract.additivity import LOG_ODDS, SCALES, SCORE, added_up, precision_of
from tenure.governance.access import Permission, authorize
from tenure.kit.errors import TenureError
from tenure.worker.columns import Codec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tenure.accountability.explanation import Method
    from tenure.accountability.ports import Explainable, Explained, PastVersion
    from tenure.accountability.shapley import Attribution
    from tenure.accountability.target import Target
    from tenure.application.revisions.terms import Definition
    from tenure.contract.additivity import Precision, Scale, Sum
    from tenure.contract.records import DecisionRecord
    from tenure.governance.access import Actor


@dataclass(frozen=True, slots=True)
class _Case:
    """One decision's row and score, ready to be explained."""

    record: DecisionRecord
    definition: Definition
    version: PastVersion
    row: Mapping[str, Any]
    target: Target
    score: float

    @property
    def names(self) -> list[str]:
        return [field.name for field in self.version.inputs]

    @property
    def precision(self) -> Precision:
        return precision_of(self.target.dtype)


@dataclass(frozen=True, slots=True)
class _Found:
    """An attribution before it is checked: how it was made, on which scale, against what."""

    method: str
    scale: Scale
    attribution: Attribution
    baseline: Baseline


class Explanations:
    """Collection of actions that say what a model's inputs contributed."""

    def __init__(self, evidence: Explainable) -> None:
        self._evidence = evidence

    def explain(self, actor: Actor, decision: str, method: Method = "auto", output: str = "") -> Explanation:
        """Return what each input contributed to the decision's score, checked against the score that was served.

        Works for a version of any stage. Raises `NothingToExplain` where no model was used, `WrongExplanation` where
        the contributions do not add up.
        """
        record = self._allowed(actor, decision)
        case = self._case(record, output)
        model, number = _split(case.version.ref)
        with self._evidence.asking(model, number) as asked:
            found = self._found(case, asked, method, model, number)
        return _checked(case, found)

    def _allowed(self, actor: Actor, decision: str) -> DecisionRecord:
        """Return the record; who may read only some applications learns nothing of the others', not even that it is."""
        try:
            record = self._evidence.decision(decision)
        except NoSuchDecision:
            authorize(actor, Permission.DECISIONS_EXPLAIN, next(iter(actor.applications), None))
            raise
        authorize(actor, Permission.DECISIONS_EXPLAIN, record.application)
        return record

    def _case(self, record: DecisionRecord, output: str) -> _Case:
        then = served(record)
        if then is None or then.output is None:
            raise NothingToExplain(decision=record.id, decided_by=record.decided_by)
        begun = Beginnings(self._evidence).begin(record)
        if begun.decider is None or not isinstance(begun.step, AskModel):
            why = begun.failure or "its rules settle it before the model now"
            raise UnreadableDecision(decision=record.id, why=why)
        version = self._evidence.version(then.model, then.version)
        bits = Codec(version.outputs).unpack_row(base64.b64decode(then.raw))
        target = target_of(version.ref, version.outputs, bits, output)
        return _Case(record, begun.decider.definition, version, begun.step.row, target, target.of(bits))

    def _found(self, case: _Case, asked: Explained, method: Method, model: str, number: int) -> _Found:
        if method in {"auto", "native"}:
            native, why = _native(case, asked)
            if native is not None:
                return native
            if method == "native":
                raise MethodNotPossible(ref=case.version.ref, method=method, why=why)
        reference = self._evidence.reference(model, number)
        rows, digest = chosen(reference, case.version.inputs)
        how, scale, attribution = _agnostic(case, asked, rows, digest, method)
        baseline = Baseline(f"{len(rows)} rows of the {reference.source}", digest, len(rows), attribution.baseline)
        return _Found(how, scale, attribution, baseline)


def _split(ref: str) -> tuple[str, int]:
    model, _, number = ref.rpartition("/")
    return model, int(number)


def _native(case: _Case, asked: Explained) -> tuple[_Found | None, str]:
    """Return what the model's own library says, on the scale on which it comes nearest to the score served; or why not."""
    try:
        told = asked.contributions(case.row)
    except TenureError as error:
        return None, str(error)
    if told is None:
        return None, "its own library gives no contributions, or the package was sealed before they could be asked for"
    first = next((field.name for field in case.version.outputs if field.type == "float"), "")
    if case.target.text != first:
        return None, f"what its library says is about {first or 'no output'}, not about {case.target.text}"
    attribution = shapley.Attribution(told.base, {name: told.parts.get(name, 0.0) for name in case.names}, 1, {})
    scale = min(SCALES.values(), key=lambda scale: _miss(case, attribution, scale))
    baseline = Baseline("the model's own training rows", case.version.digest, 0, told.base)
    return _Found(told.method, scale, attribution, baseline), ""


def _miss(case: _Case, attribution: Attribution, scale: Scale) -> float:
    found = added_up(attribution.contributions, attribution.baseline, scale, case.score, case.precision)
    return abs(found.score - found.served)


def _agnostic(
    case: _Case, asked: Explained, rows: list[dict[str, Any]], digest: str, method: Method
) -> tuple[str, Scale, Attribution]:
    """Ask the model about mixed rows: the closed form where its score is a sum of its inputs, else Shapley values."""

    def scores(mixed: Sequence[Mapping[str, Any]]) -> list[float]:
        return _scores(case, asked, mixed)

    few = len(case.names) <= shapley.MOST_ENUMERATED
    seed = seed_of(digest, case.record.id)
    if few or method != "shapley":
        games = shapley.enumerated(scores, case.row, rows) if few else shapley.tried(scores, case.row, rows, seed)
        for scale in () if method == "shapley" else (SCORE, LOG_ODDS):
            form = shapley.additive(games, case.names, scale, case.precision)
            if form is not None:
                return "closed_form", scale, form
        if method == "closed_form":
            raise MethodNotPossible(ref=case.version.ref, method=method, why="its score is no sum over its inputs")
        if few:
            return "exact_shapley", SCORE, shapley.exact(games, case.names)
    pairs = pairs_for(len(case.names), len(rows))
    return "sampled_shapley", SCORE, shapley.sampled(scores, case.row, rows, case.names, seed, pairs)


def _scores(case: _Case, asked: Explained, mixed: Sequence[Mapping[str, Any]]) -> list[float]:
    predictions = asked.predict(mixed)
    failed = [one for one in predictions if one.output is None]
    if failed:
        why = failed[0].error or str(failed[0].failure)
        raise MixedRowsFail(ref=case.version.ref, failed=len(failed), asked=len(mixed), why=why)
    return [case.target.of(one.output) for one in predictions if one.output is not None]


def _checked(case: _Case, found: _Found) -> Explanation:
    """Return the explanation if it adds up to the score that was served; else raise `WrongExplanation`."""
    attribution = found.attribution
    added = added_up(attribution.contributions, attribution.baseline, found.scale, case.score, case.precision)
    if not added.holds:
        raise WrongExplanation(
            method=found.method,
            decision=case.record.id,
            ref=case.version.ref,
            total=added.score,
            served=added.served,
            difference=added.difference,
            allowed=added.allowed,
        )
    return _told(case, found, added)


def _told(case: _Case, found: _Found, added: Sum) -> Explanation:
    origin = sources(case.definition, case.version.inputs)
    contributions = [
        Contribution(
            feature=name,
            value=None if origin[name].personal else case.row[name],
            contribution=value,
            source=origin[name].text,
            personal=origin[name].personal,
            standard_error=found.attribution.error.get(name),
        )
        for name, value in found.attribution.contributions.items()
    ]
    return Explanation(
        record=case.record,
        ref=case.version.ref,
        digest=case.version.digest,
        target=case.target.text,
        method=found.method,
        baseline=found.baseline,
        sum=added,
        contributions=tuple(sorted(contributions, key=lambda one: -abs(one.contribution))),
        rows_asked=found.attribution.rows,
    )
