"""Decisions explained, and written up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenure.app import wire
from tenure.kit.ids import parse_id

if TYPE_CHECKING:
    from tenure.accountability.explanation import Explanation
    from tenure.app.control import Control
    from tenure.governance.access import Actor


def explain(control: Control, actor: Actor, given: wire.Explain) -> wire.ExplanationAnswer:
    """Say what each input contributed to a decision's score."""
    found = control.explanations.explain(actor, parse_id(given.decision), given.method, given.output)
    return explanation_answer(found, control.url(f"/decisions/{found.record.id}"))


def explanation_answer(found: Explanation, url: str) -> wire.ExplanationAnswer:
    """Return an explanation as it goes out."""
    baseline = found.baseline
    return wire.ExplanationAnswer(
        decision_id=found.record.id,
        model=found.ref,
        digest=found.digest,
        target=found.target,
        served=found.sum.served,
        method=found.method,
        scale=found.sum.scale,
        baseline=wire.BaselineAnswer(
            value=baseline.value, source=baseline.source, rows=baseline.rows, digest=baseline.digest
        ),
        total=found.sum.total,
        difference=found.sum.difference,
        allowed=found.sum.allowed,
        rows_asked=found.rows_asked,
        contributions=[
            wire.ContributionAnswer(
                feature=one.feature,
                value=one.value,
                personal=one.personal,
                contribution=one.contribution,
                standard_error=one.standard_error,
                source=one.source,
            )
            for one in found.contributions
        ],
        url=url,
    )


def dossier(control: Control, actor: Actor, given: wire.Decision) -> wire.DossierAnswer:
    """Write the dossier of a decision."""
    found = control.dossiers.write(actor, parse_id(given.decision))
    return wire.DossierAnswer(
        decision_id=found.decision,
        digest=found.digest,
        key=found.signature.key,
        public=found.signature.public,
        signature=found.signature.signature,
        dossier=found.document,
        text=found.text,
        page=found.page,
        url=control.url(f"/decisions/{found.decision}"),
    )
