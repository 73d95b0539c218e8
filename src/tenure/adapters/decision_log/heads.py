"""The few fields of a record that it is found by; everything else in it stays unread."""

from __future__ import annotations

from typing import Any

import msgspec


class OutputHead(msgspec.Struct, frozen=True, gc=False):
    """Of what a version said the one number by which people ask."""

    score: Any = None


class PredictionHead(msgspec.Struct, frozen=True, gc=False):
    """Which version was asked, in which role, and its score."""

    model: str = ""
    version: int = 0
    role: str = ""
    output: OutputHead | None = None


class Head(msgspec.Struct, frozen=True, gc=False):
    """What is known of a record without understanding it; a later Tenure's unknown fields are passed over."""

    id: str = ""
    kind: str = "unreadable"
    at: int = 0
    application: str = ""
    revision: int | None = None
    entity: str | None = None
    event_time: int | None = None
    decided_by: str | None = None
    status: str | None = None
    elapsed_us: int | None = None
    rules: list[str] = []
    predictions: list[PredictionHead] = []
    decision: str | None = None
    name: str | None = None

    @property
    def is_pending(self) -> bool:
        """Return whether it is a decision that was left to a person."""
        return self.kind == "decision" and self.status == "pending_review"

    @property
    def served(self) -> PredictionHead | None:
        """Return the version whose output the decision used, or None when no model was asked."""
        for asked in self.predictions:
            if asked.role == "served":
                return asked
        return None

    @property
    def score(self) -> float | None:
        """Return the score that the decision used, None where there is none or it is no number that a column holds."""
        served = self.served
        score = served.output.score if served and served.output else None
        if isinstance(score, bool) or not isinstance(score, int | float):
            return None
        try:
            return float(score)
        except OverflowError:
            return None


#: the kind of what was removed when its retention had run out
EXPIRED = "expired"

_DECODER = msgspec.json.Decoder(Head)
_ANY = msgspec.json.Decoder()


def head_of(record: bytes) -> Head:
    """Return the record's head; one that cannot be read is of kind `unreadable`, and is kept all the same."""
    if not record:
        return Head(kind=EXPIRED)
    try:
        return _DECODER.decode(record)
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError):
        return Head()


def document_of(record: bytes) -> dict[str, Any]:
    """Return the whole record as plain data."""
    document: dict[str, Any] = _ANY.decode(record)
    return document
