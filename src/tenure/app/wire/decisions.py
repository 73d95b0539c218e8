"""Decisions, why they came out, outcomes, replays, explanations."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from tenure.app.wire.shared import Input, Output


class Decisions(Input, frozen=True):
    """Which decisions to list, newest first; what is left empty matches everything.

    `since` and `until` are an age as 30d or a moment; `cursor` is the `next_cursor` of the page before (`after`, its last
    id, says the same); `entity` is the person or thing as the request named it, `pseudonym` as the log does. `score_*` bound the
    model's score, `ms_*` the milliseconds that the answer took; they need `since`.
    """

    application: str = ""
    entity: str = ""
    pseudonym: str = ""
    since: str = ""
    until: str = ""
    rule: str = ""
    decided_by: str = ""
    model: str = ""
    version: int | None = None
    limit: int = 100
    after: str = ""
    cursor: str = ""
    score_from: float | None = None
    score_to: float | None = None
    ms_from: float | None = None
    ms_to: float | None = None


class ServedModel(Output, frozen=True):
    """The version whose output the answer was made of."""

    name: str
    version: int
    digest: str


class DecisionRow(Output, frozen=True):
    """One decision in a list, as it stands: `decided_by` is person where a resolution is in force.

    What the caller was answered has the same fields; `model` is null when no model was asked.
    """

    decision_id: str
    at: str
    application: str
    revision: int
    status: str
    decided_by: str
    answer: dict[str, Any]
    rules: list[str]
    model: ServedModel | None
    output: dict[str, Any] | None
    reasons: list[dict[str, Any]]
    url: str


class DecisionsAnswer(Output, frozen=True):
    """One page; `next_cursor` is what `cursor`, and `next` what `after` must be for the next one, None on the last."""

    decisions: list[DecisionRow]
    next: str | None
    next_cursor: str | None = None


class Decision(Input, frozen=True):
    """One decision by its id."""

    decision: str


class DecisionDetail(DecisionRow, frozen=True):
    """One decision as it stands. `personal` is None for roles that may not read it, and once it was erased.

    `answer`, `decided_by` and `status` are those in force; `logged` has them as they were given, and `resolutions` all
    that people said since, oldest first.
    """

    request: dict[str, Any]
    personal: dict[str, Any] | None
    features: list[dict[str, Any]]
    predictions: list[dict[str, Any]]
    outcomes: list[dict[str, Any]]
    logged: dict[str, Any]
    resolutions: list[dict[str, Any]]
    event_time: str | None
    elapsed_us: int
    actor: str
    #: what shadow versions and revisions on trial made of it
    beside: list[dict[str, Any]] = []


class AskWhy(Input, frozen=True):
    """One decision; `not` names a rule (or a row of its table, RULE:ROW) of which to say why it did not answer."""

    decision: str
    rule_not: str = msgspec.field(default="", name="not")


class RulePart(Output, frozen=True):
    """A part of a condition, or a cell of a table's row. `true` is null where a value was missing."""

    text: str
    true: bool | None
    values: dict[str, Any]


class OutputChange(Output, frozen=True):
    """An output before a rule changed it, and after."""

    name: str
    before: Any
    after: Any


class RuleVerdict(Output, frozen=True):
    """What a rule came to: fired, no, missing value, not reached; computed again with the values that it read.

    `again` differs from `verdict` only for rules that were not reached, and where a value was erased since. `row` is
    the row of its decision table that held, `outputs` are those that it changed. `changed_*` say who put the rule in force
    as it was then: a token by its name, and everybody by their id in `changed_by_id`.
    """

    rule: str
    stage: str
    when: str
    verdict: str
    again: str = ""
    row: int = 0
    values: dict[str, Any] = {}
    parts: list[RulePart] = []
    outputs: list[OutputChange] = []
    changed_by: str = ""
    changed_by_id: str = ""
    changed_at: str = ""
    changed_in: int | None = None
    changed_why: str = ""


class KnownAnswer(Output, frozen=True):
    """One value that was known: from the request or a feature view, since when, and how old it was in seconds.

    The age is as of the decision: its event time where the application declares one, else its arrival; what became known
    between the two is less than nothing old.
    The `source` of an optional field of the request that did not come is `not sent`.
    """

    name: str
    value: Any
    source: str
    known_at: str | None
    age: float | None
    defaulted: bool


class WhyAnswer(Output, frozen=True):
    """How a decision came about: what was known, its rules in order with their verdicts, what the model said.

    `closed_by` is the rule that answered, or default or fallback; `why_not` answers the question `not`.
    """

    decision_id: str
    at: str
    application: str
    revision: int
    decided_by: str
    status: str
    answer: dict[str, Any]
    closed_by: str
    reasons: list[dict[str, Any]]
    inputs: list[KnownAnswer]
    rules: list[RuleVerdict]
    model: str
    output: dict[str, Any] | None
    features: list[dict[str, Any]]
    predictions: list[dict[str, Any]]
    why_not: str
    url: str
    #: what shadow versions and revisions on trial made of it
    beside: list[dict[str, Any]] = []


class Explain(Input, frozen=True):
    """A decision to explain. `output` names which of the model's outputs, its first number when empty.

    `auto` takes what fits the version: what its own library says, the closed form of a sum, else Shapley values.
    """

    decision: str
    method: Literal["auto", "closed_form", "native", "shapley"] = "auto"
    output: str = ""


class ContributionAnswer(Output, frozen=True):
    """What one input added to the baseline; a personal value is not repeated. `standard_error` where it was sampled."""

    feature: str
    value: Any
    personal: bool
    contribution: float
    standard_error: float | None
    source: str


class BaselineAnswer(Output, frozen=True):
    """What contributions are told against: `value` is the mean over these rows, `digest` names them for ever."""

    value: float
    source: str
    rows: int
    digest: str


class ExplanationAnswer(Output, frozen=True):
    """Contributions, largest first. On `scale` they and the baseline add up to `total`, which means the score served.

    `scale` is `score`, or `log-odds` of a probability: then score = 1 / (1 + exp(-total)). `difference` is how far the
    sum is from the score served, on the stricter of the two, `allowed` what is let pass.
    """

    decision_id: str
    model: str
    digest: str
    target: str
    served: float
    method: str
    scale: str
    baseline: BaselineAnswer
    total: float
    difference: float
    allowed: float
    rows_asked: int
    contributions: list[ContributionAnswer]
    url: str


class DossierAnswer(Output, frozen=True):
    """A signed dossier. `dossier` is the document, `text` what was signed byte for byte, `page` the whole HTML page.

    `digest` is that of `text`; `signature` is over `text` (Ed25519 in base64) by the key `key`, whose public half is
    `public`.
    """

    decision_id: str
    digest: str
    key: str
    public: str
    signature: str
    dossier: dict[str, Any]
    text: str
    page: str
    url: str


class Outcome(Input, frozen=True):
    """The truth about one decision. `name` is the application's own outcome unless said; `observed_at` is RFC 3339."""

    decision_id: str
    value: Any
    name: str = ""
    observed_at: str | None = None


class ImportOutcomes(Input, frozen=True):
    """Truths about an application's decisions, all recorded or none; a later one for a decision corrects the earlier."""

    application: str
    outcomes: list[Outcome]


class OutcomesAnswer(Output, frozen=True):
    """How many outcomes are in the log now."""

    application: str
    recorded: int


class Replay(Input, frozen=True):
    """Decisions to run again: by id, or a sample of those of an application or a version."""

    decisions: list[str] = []
    sample: int = 0
    application: str = ""
    model: str = ""
    version: int | None = None


class ReplayedAnswer(Output, frozen=True):
    """One decision beside its replay; `cause` says why the verdict is not BIT, `caution` what is unproven."""

    decision_id: str
    application: str
    model: str
    verdict: str
    answer_then: dict[str, Any]
    answer_now: dict[str, Any] | None
    cause: str
    caution: str = ""


class ReplayAnswer(Output, frozen=True):
    """How many replays came to each verdict, and every one of them."""

    verdicts: dict[str, int]
    decisions: list[ReplayedAnswer]
