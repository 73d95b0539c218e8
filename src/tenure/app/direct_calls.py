"""Calls of a model without an application, as those see them who know decisions only: monitoring, lists of decisions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from tenure.contract.records import FORMAT, DecisionRecord, PredictionCallRecord, implicit_application

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

KIND = "prediction"
_RECORD = msgspec.json.Decoder(PredictionCallRecord)


def is_implicit(application: str) -> bool:
    """Return whether this is no application of anybody's, but direct calls of a model."""
    return application.startswith(implicit_application(""))


def as_decision(record: bytes) -> DecisionRecord:
    """Return a direct call's row as a decision: no revision, no rules, and the model's output as the answer."""
    call = _RECORD.decode(record)
    return DecisionRecord(
        format=FORMAT,
        kind="decision",
        id=call.id,
        at=call.at,
        application=call.application,
        revision=0,
        request=call.request,
        predictions=call.predictions,
        decided_by="model",
        answer=call.predictions[0].output or {},
        elapsed_us=call.elapsed_us,
        actor=call.actor,
        trace=call.trace,
    )


def observed(calls: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return records of direct calls with what monitoring asks of a decision besides."""
    return [{**call, "decided_by": "model"} for call in calls]
