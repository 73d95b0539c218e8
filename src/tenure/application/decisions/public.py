"""A decision as its caller sees it; made of the record alone, so that it can be given again at any time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from tenure.contract.records import DecidedBy, Reason, Status

if TYPE_CHECKING:
    from tenure.contract.records import DecisionRecord, PredictionRecord


class AskedModel(msgspec.Struct, frozen=True):
    """The version that was asked."""

    name: str
    version: int
    digest: str


class DecisionAnswer(msgspec.Struct, frozen=True):
    """The answer with who gave it and why. `model` is null when no model was asked, `output` also when it failed."""

    decision_id: str
    application: str
    revision: int
    status: Status
    answer: dict[str, Any]
    decided_by: DecidedBy
    reasons: list[Reason]
    rules: list[str]
    model: AskedModel | None
    output: dict[str, Any] | None
    url: str


def public(record: DecisionRecord, base_url: str) -> DecisionAnswer:
    """Return the decision for its caller; `base_url` is the installation's own, without a slash at its end."""
    served = next((prediction for prediction in record.predictions if prediction.role == "served"), None)
    return DecisionAnswer(
        decision_id=record.id,
        application=record.application,
        revision=record.revision,
        status=record.status,
        answer=record.answer,
        decided_by=record.decided_by,
        reasons=record.reasons,
        rules=record.rules,
        model=_asked(served),
        output=None if served is None else served.output,
        url=f"{base_url}/decisions/{record.id}",
    )


def _asked(served: PredictionRecord | None) -> AskedModel | None:
    return None if served is None else AskedModel(served.model, served.version, served.digest)
