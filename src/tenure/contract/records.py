"""The records of the decision log, as JSON: what was asked, what was known, what was answered, and what became of it.

Format: docs/formats/log-record.md. A record is encoded once, when it is made, and never encoded again: its leaf is
sha256 of these bytes. A field is only ever added, with a default, and only with its meaning written in that page.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import msgspec

from tenure.contract.predictor import Batch, Failure

FORMAT = 1

DecidedBy: TypeAlias = Literal["model", "rule", "fallback", "person"]
Status: TypeAlias = Literal["final", "pending_review"]


class Reason(msgspec.Struct, frozen=True, omit_defaults=True):
    """One reason given with the answer; `source` says who gave it: a rule, the model, the fallback, the default.

    The model's own also say which input (`feature`) contributed how much, by which method, against which baseline.
    """

    code: str
    text: str
    source: Literal["rule", "model", "fallback", "default", "person"]
    feature: str = ""
    contribution: float | None = None
    method: str = ""
    baseline: str = ""


class ContributionRecord(msgspec.Struct, frozen=True):
    """What one input contributed to the score, frozen in the decision."""

    feature: str
    contribution: float = msgspec.field(name="value")


class ExplainedRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """How contributions were made and checked within the decision; `failed` says why there are none.

    `base` and the contributions add up on `scale` to the `output` served, `difference` apart where `allowed` is allowed.
    """

    method: str
    output: str = ""
    scale: str = ""
    baseline: str = ""
    base: float = 0.0
    difference: float = 0.0
    allowed: float = 0.0
    failed: str = ""


class FeatureRead(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one feature view gave: the values as used, when they became known, and which were defaults."""

    view: str
    key: str | None
    values: dict[str, Any]
    known_at: int | None = None
    defaulted: tuple[str, ...] = ()


class PredictionRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """One model's part in a decision. `raw` is the output row's column bytes in base64, the bits a replay must meet."""

    role: Literal["served", "shadow"]
    model: str
    version: int
    digest: str
    output: dict[str, Any] | None = None
    raw: str = ""
    batch: Batch | None = None
    failure: Failure | None = None
    error: str = ""
    contributions: list[ContributionRecord] | None = None
    explained: ExplainedRecord | None = None


class DecisionRecord(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One decision from request to answer. Times are UTC microseconds; `elapsed_us` is arrival to durable record."""

    format: int = msgspec.field(name="v")
    kind: Literal["decision"] = msgspec.field(name="kind")
    id: str
    at: int
    application: str
    revision: int
    #: keyed pseudonym of the entity, or None where the application declares none
    entity: str | None = None
    #: the application's declared event time; None means the arrival
    event_time: int | None = None
    #: the request without the entity and the personal fields
    request: dict[str, Any]
    #: AES-256-GCM (12-byte nonce, then ciphertext and tag) in base64 of the JSON object of the entity and personal fields
    personal: str = ""
    features: list[FeatureRead] = []
    #: ids of the rules that fired, in order
    rules: list[str] = []
    #: one character per rule of the revision, in order: t true, f false, m missing value, - not reached
    verdicts: str = ""
    predictions: list[PredictionRecord] = []
    decided_by: DecidedBy
    status: Status = "final"
    answer: dict[str, Any]
    reasons: list[Reason] = []
    elapsed_us: int = 0
    #: id of the token that asked
    actor: str = ""
    #: the caller's Idempotency-Key, hashed
    key: str = ""
    #: the trace id of the caller's W3C traceparent
    trace: str = ""

    @property
    def moment(self) -> int:
        """Return as of when the decision is: its event time where the application declares one, else its arrival."""
        return self.at if self.event_time is None else self.event_time


class OutcomeRecord(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The truth about an earlier decision, as told at `at`; a later record for the same decision and name corrects it."""

    format: int = msgspec.field(name="v")
    kind: Literal["outcome"] = msgspec.field(name="kind")
    id: str
    at: int
    application: str
    decision: str
    name: str
    value: Any
    #: when it happened in the world; None means unknown
    observed_at: int | None = None
    actor: str = ""


class EventRecord(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Something that happened in the application's world, by which its feature views are computed."""

    format: int = msgspec.field(name="v")
    kind: Literal["event"] = msgspec.field(name="kind")
    id: str
    at: int
    application: str
    #: keyed pseudonym of the application's entity, or None where the event carries none
    entity: str | None = None
    #: which event, as views name it
    name: str
    #: its fields, without the entity and the personal ones
    values: dict[str, Any]
    #: as in a decision
    personal: str = ""
    #: when it happened; None means the arrival
    event_time: int | None = None
    #: digest of the caller's own id of it: of several records with one key the first counts
    key: str = ""
    actor: str = ""


class PredictionCallRecord(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One row that a model was asked directly, without an application: by Open Inference Protocol or MLflow scoring."""

    format: int = msgspec.field(name="v")
    kind: Literal["prediction"] = msgspec.field(name="kind")
    id: str
    at: int
    #: the implicit application, `model:NAME`
    application: str
    #: the row's inputs by name, as they were given
    request: dict[str, Any]
    #: what the version said; one, whose role is `served`
    predictions: list[PredictionRecord]
    protocol: Literal["oip", "mlflow"]
    #: id of the record of the call's first row; all rows that came in one request carry it
    call: str
    #: place of the row in its call, from 0
    row: int = 0
    elapsed_us: int = 0
    #: id of the token that asked
    actor: str = ""
    #: the trace id of the caller's W3C traceparent
    trace: str = ""


class ShadowRecord(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What another version, or another revision, would have made of a decision that was answered without it.

    It is worked out after the answer has left, so it is a record of its own; a decision may have none, or several.
    """

    format: int = msgspec.field(name="v")
    kind: Literal["shadow"] = msgspec.field(name="kind")
    id: str
    at: int
    application: str
    #: id of the decision, or of a direct call's record, that was answered
    decision: str
    #: the revision that was evaluated; 0 for a direct call of a model
    revision: int
    #: the revision is another than the decision's: one on trial
    trial: bool = False
    #: what the shadow version said; empty where the output that was served was used, or none was needed
    predictions: list[PredictionRecord] = []
    #: what the application would have answered, and why
    decided_by: DecidedBy | None = None
    status: Status = "final"
    answer: dict[str, Any] | None = None
    rules: list[str] = []
    verdicts: str = ""
    #: the answer, or its status, is another than the one that was given
    differs: bool = False
    #: why there is no answer: the revision would have refused the request
    error: str = ""


def implicit_application(model: str) -> str:
    """Return the application under which calls of a model without an application are logged; no name has a colon."""
    return f"model:{model}"


class ResolutionRecord(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What a person made of a decision; the newest one that is not `pending` holds, and the decision stays as it was.

    `before` and `after` are whole answers: those in force before this record and after it.
    """

    format: int = msgspec.field(name="v")
    kind: Literal["resolution"] = msgspec.field(name="kind")
    id: str
    at: int
    application: str
    decision: str
    #: id of the token, or `local:<user>`
    who: str
    before: dict[str, Any]
    after: dict[str, Any]
    code: str
    note: str = ""
    #: proposed only: a second person has to confirm it
    pending: bool = False
    #: id of the proposal that this record puts in force
    confirms: str = ""
    #: pseudonym of whom the decision is about
    entity: str | None = None
    #: the note, encrypted under that person's key as in a decision: people write names into notes
    personal: str = ""


def encode(record: msgspec.Struct) -> bytes:
    """Return the record's bytes, in the order its fields are declared."""
    return msgspec.json.encode(record)
