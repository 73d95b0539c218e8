"""What goes in and out of every action, as msgspec structs: the one source of routes, OpenAPI, client and `--json`.

Times are RFC 3339 text. `version` names a version of `model` by number ("2") or by alias ("champion").
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

# --- what several answers share ---------------------------------------------------------------------------------------


class Nothing(msgspec.Struct, frozen=True):
    """No parameters."""


class Input(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, forbid_unknown_fields=True):
    """The base of every input: a parameter that does not exist is refused, never ignored."""


class Output(msgspec.Struct, frozen=True, kw_only=True):
    """The base of every answer."""


# --- models and their versions ----------------------------------------------------------------------------------------


class Model(Input, frozen=True):
    """One model."""

    model: str


class ModelHistory(Input, frozen=True):
    """What happened to a model; with `as_of`, what served at that moment."""

    model: str
    as_of: str = ""


class Rollback(Input, frozen=True, kw_only=True):
    """Give `champion` back to the version that had it before, or to version `to`."""

    model: str
    to: int | None = None
    reason: str


class Register(Input, frozen=True):
    """Take a package into the registry.

    `package` is a folder or file on the machine of the home. Over HTTP the entry point puts the upload there and fills
    it in (`Action.upload`); it is never taken from a client.
    """

    package: str
    reason: str = ""


class Version(Input, frozen=True):
    """One version of a model."""

    model: str
    version: str


class Change(Input, frozen=True):
    """One version of a model, and why it is changed."""

    model: str
    version: str
    reason: str


class Restore(Input, frozen=True):
    """One archived version."""

    model: str
    version: str
    reason: str = ""


class VersionHistory(Input, frozen=True):
    """What happened to a version, up to `as_of` if that is given."""

    model: str
    version: str
    as_of: str = ""


class Deploy(Input, frozen=True):
    """Bring a version into service; with no `role`: champion if the model has none, else warm, without traffic."""

    model: str
    version: str
    role: Literal["champion", "warm", "shadow", "canary"] | None = msgspec.field(default=None, name="as")
    share: float | None = None
    reason: str = ""


class Decommission(Input, frozen=True):
    """Take a version out of service for good reasons; `successor` is the version that does its work now."""

    model: str
    version: str
    reason: str
    successor: str = ""


class Compare(Input, frozen=True):
    """Two versions of one model or of two, `other` written as in churn/2."""

    model: str
    version: str
    other: str


class Run(Input, frozen=True):
    """Rows for a version of any stage, in its own environment; changes no stage."""

    model: str
    version: str
    rows: list[dict[str, Any]]


class Logs(Input, frozen=True):
    """The newest lines of a version's worker."""

    model: str
    version: str
    lines: int = 200


class VersionAnswer(Output, frozen=True):
    """One version. `role` is empty unless it is deployed; `aliases` are those that point to it."""

    ref: str
    model: str
    version: int
    digest: str
    stage: str
    role: str
    aliases: list[str]
    registered_at: str
    registered_by: str
    metrics: dict[str, float]
    python: str
    url: str


class VersionDetail(VersionAnswer, frozen=True):
    """One version with what its package says and what was attested about it since."""

    manifest: dict[str, Any]
    attestations: list[dict[str, Any]]


class RegisterAnswer(VersionAnswer, frozen=True):
    """The registered version; `again` when the same package was registered before."""

    again: bool


class ModelAnswer(Output, frozen=True):
    """One model; `champion` is the number in service, None while there is none."""

    model: str
    champion: int | None
    aliases: dict[str, int]
    versions: int
    url: str


class Moved(Output, frozen=True):
    """What a change of traffic came to: which version had `champion` before and which has it now."""

    ref: str
    stage: str
    role: str
    champion: int | None
    before: int | None
    url: str


class EndedAnswer(Output, frozen=True):
    """The end of a version's service and what stays written about it."""

    ref: str
    stage: str
    tombstone: dict[str, Any]
    url: str


class ServedAnswer(Output, frozen=True):
    """From when which version had an alias, who moved it and why."""

    at: str
    alias: str
    ref: str | None
    actor: str
    action: str
    reason: str


class HistoryAnswer(Output, frozen=True):
    """`served` is what aliases pointed to (at `as_of`, or ever); `events` every change in the audit chain, newest first."""

    served: list[ServedAnswer]
    events: list[EventAnswer]


class Difference(Output, frozen=True):
    """One fact in which two versions differ; None means that a version has no such fact."""

    what: str
    left: Any
    right: Any


class CompareAnswer(Output, frozen=True):
    """Everything in which two versions differ, grouped: metrics, inputs, outputs, environment, model."""

    left: str
    right: str
    differences: list[Difference]


class RunAnswer(Output, frozen=True):
    """One output per row; a row that failed has None there and its error at the same place in `errors`."""

    ref: str
    outputs: list[dict[str, Any] | None]
    errors: list[str]


class LogsAnswer(Output, frozen=True):
    """Lines, oldest first."""

    lines: list[str]


class ArchiveAnswer(Output, frozen=True):
    """The stage reached, and the restore that was proven: rows run again and whether their bits were met."""

    ref: str
    stage: str
    proof: dict[str, Any]
    url: str


class Verify(Input, frozen=True):
    """Check one version (`churn/1`), or everything the home holds."""

    ref: str = ""


class VerifyAnswer(Output, frozen=True):
    """What was looked at, and one sentence per thing that is not as it was written; `intact` when there is none."""

    intact: bool
    checked: dict[str, int]
    problems: list[str]


# --- governance -------------------------------------------------------------------------------------------------------


class WhoamiAnswer(Output, frozen=True):
    """Who is asking."""

    actor: str
    role: str
    applications: list[str]
    permissions: list[str]


class Restorable(Output, frozen=True):
    """How many versions were restored from blobs alone when that was last tried, and when the oldest such proof was."""

    proven: int
    versions: int
    oldest_proof: str | None


class StatusAnswer(Output, frozen=True):
    """What is served and by whom; `troubles` says of each version that should be served and cannot be, why."""

    home: str
    version: str
    policy: str
    generation: int | None
    serving: dict[str, Any] | None
    models: dict[str, int | None]
    applications: dict[str, int]
    troubles: dict[str, str]
    restorable: Restorable | None = None


class CreateToken(Input, frozen=True):
    """A token for a role, limited to some applications if any are named. `expires` is a moment or an age as `90d`."""

    role: Literal["caller", "viewer", "builder", "operator", "validator", "approver", "auditor", "admin"]
    applications: list[str] = []
    expires: str = ""
    reason: str = ""


class RevokeToken(Input, frozen=True):
    """The token that must stop working."""

    token: str
    reason: str = ""


class TokenAnswer(Output, frozen=True):
    """A token without its secret."""

    id: str
    role: str
    applications: list[str]
    created_at: str
    created_by: str
    expires_at: str | None
    revoked_at: str | None


class NewTokenAnswer(TokenAnswer, frozen=True):
    """A token with its secret, which is shown this once and stored nowhere."""

    token: str


class AuditLog(Input, frozen=True):
    """The newest events; `target` keeps those about one object, as churn/2."""

    target: str = ""
    limit: int = 100


class EventAnswer(Output, frozen=True):
    """One row of the audit chain."""

    sequence: int
    at: str
    actor: str
    role: str
    action: str
    target: str
    reason: str
    request: str
    before: dict[str, Any]
    after: dict[str, Any]
    digest: str


class PolicyAnswer(Output, frozen=True):
    """`open`: who registers may deploy, recorded as self-approval; `four-eyes`: another person approves first."""

    policy: str


class SetPolicy(Input, frozen=True):
    """The policy from now on."""

    policy: Literal["open", "four-eyes"]
    reason: str


# --- applications -----------------------------------------------------------------------------------------------------


class Application(Input, frozen=True):
    """One application."""

    application: str


class Init(Input, frozen=True):
    """The text of a first `application.yaml`; `model` is written as in churn@champion."""

    application: str
    model: str = ""
    entity: str = ""


class InitAnswer(Output, frozen=True):
    """The text to be saved and edited."""

    application: str
    text: str


class Apply(Input, frozen=True):
    """Put an `application.yaml` in force; `base` is the revision it was edited from, refused if another is in force."""

    text: str
    reason: str = ""
    base: int | None = None
    dry_run: bool = False
    #: the texts of the CSV files that it names as decision tables
    files: dict[str, str] = {}


class ChangeAnswer(Output, frozen=True):
    """One place in which two definitions differ; None means that one of them does not have it."""

    what: str
    before: Any
    after: Any


class Applied(Output, frozen=True):
    """The revision in force now (in a dry run: that would be), and what differs from the one before."""

    application: str
    revision: int
    before: int | None
    changes: list[ChangeAnswer]
    done: bool
    url: str
    #: the newest back-test of this very definition
    backtest: BacktestAnswer | None = None


class Diff(Input, frozen=True):
    """Two revisions of one application."""

    application: str
    one: int
    other: int


class DiffAnswer(Output, frozen=True):
    """Every place in which two revisions differ."""

    application: str
    one: int
    other: int
    changes: list[ChangeAnswer]


class RollbackApplication(Input, frozen=True, kw_only=True):
    """Put an earlier revision in force again: `to`, or the one that was before this one."""

    application: str
    to: int | None = None
    reason: str


class ShowApplication(Input, frozen=True):
    """The revision in force, or one by its number."""

    application: str
    revision: int | None = None


class RevisionAnswer(Output, frozen=True):
    """One revision; `source` is the file as it was written, with its comments."""

    application: str
    revision: int
    digest: str
    at: str
    actor: str
    reason: str
    definition: dict[str, Any]
    source: str
    url: str
    #: the decision tables that were read from files, as CSV
    files: dict[str, str] = {}
    backtest: BacktestAnswer | None = None


class ApplicationAnswer(Output, frozen=True):
    """One application and its revision in force."""

    application: str
    revision: int
    model: str
    at: str
    actor: str
    reason: str
    url: str


class ActivationAnswer(Output, frozen=True):
    """From when a revision was in force, who put it there and why."""

    at: str
    ref: str
    actor: str
    reason: str
    digest: str


# --- decisions --------------------------------------------------------------------------------------------------------


class Decisions(Input, frozen=True):
    """Which decisions to list, newest first; what is left empty matches everything.

    `since` and `until` are an age as 30d or a moment; `after` is the last id of the page before; `entity` is the
    person or thing as the request named it.
    """

    application: str = ""
    entity: str = ""
    since: str = ""
    until: str = ""
    rule: str = ""
    decided_by: str = ""
    model: str = ""
    version: int | None = None
    limit: int = 100
    after: str = ""


class DecisionRow(Output, frozen=True):
    """One decision in a list, as it stands: `decided_by` is person where a resolution is in force."""

    decision_id: str
    at: str
    application: str
    revision: int
    status: str
    decided_by: str
    answer: dict[str, Any]
    rules: list[str]
    model: str
    output: dict[str, Any] | None
    url: str


class DecisionsAnswer(Output, frozen=True):
    """One page; `next` is what `after` must be for the next one, None on the last."""

    decisions: list[DecisionRow]
    next: str | None


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
    reasons: list[dict[str, Any]]
    outcomes: list[dict[str, Any]]
    logged: dict[str, Any]
    resolutions: list[dict[str, Any]]
    event_time: str | None
    elapsed_us: int
    actor: str


class AskWhy(Input, frozen=True):
    """One decision; `not` names a rule (or a row of its table, RULE:ROW) of which to say why it did not answer."""

    decision: str
    rule_not: str = msgspec.field(default="", name="not")


class RulePart(Output, frozen=True):
    """A part of a condition, or a cell of a table's row. `true` is null where a value was missing."""

    text: str
    true: bool | None
    values: dict[str, Any]


class RuleVerdict(Output, frozen=True):
    """What a rule came to: fired, no, missing value, not reached; computed again with the values that it read.

    `again` differs from `verdict` only for rules that were not reached, and where a value was erased since. `row` is
    the row of its decision table that held. `changed_*` say who put the rule in force as it was then.
    """

    rule: str
    stage: str
    when: str
    verdict: str
    again: str = ""
    row: int = 0
    values: dict[str, Any] = {}
    parts: list[RulePart] = []
    changed_by: str = ""
    changed_at: str = ""
    changed_in: int | None = None
    changed_why: str = ""


class KnownAnswer(Output, frozen=True):
    """One value that was known: from the request or a feature view, since when, and how old it was in seconds."""

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
    """One decision beside its replay; `cause` says why the verdict is not BIT."""

    decision_id: str
    application: str
    model: str
    verdict: str
    answer_then: dict[str, Any]
    answer_now: dict[str, Any] | None
    cause: str


class ReplayAnswer(Output, frozen=True):
    """How many replays came to each verdict, and every one of them."""

    verdicts: dict[str, int]
    decisions: list[ReplayedAnswer]


# --- features and monitoring ------------------------------------------------------------------------------------------


class Ingest(Input, frozen=True):
    """Rows for a view, all or none; a view that does not exist yet is defined by them (then `key` is needed).

    The rows are known since `known_at` (RFC 3339), or since what their column `at_column` says; default is now.
    """

    view: str
    rows: list[dict[str, Any]]
    key: str = ""
    known_at: str = ""
    at_column: str = ""
    defaults: dict[str, Any] = {}
    owner: str = ""
    reason: str = ""


class IngestAnswer(Output, frozen=True):
    """How many rows were taken."""

    view: str
    rows: int


class Feature(Input, frozen=True):
    """The values of a key, now or `as_of` a moment (RFC 3339)."""

    view: str
    key: str
    as_of: str = ""


class FeatureAnswer(Output, frozen=True):
    """The values and since when they are known; both None where there are none."""

    view: str
    key: str
    values: dict[str, Any] | None
    known_at: str | None


class ViewAnswer(Output, frozen=True):
    """One view with how much it holds and how fresh it is."""

    view: str
    key: str
    owner: str
    columns: list[dict[str, Any]]
    defaults: dict[str, Any]
    keys: int
    newest: str | None


class ReportOn(Input, frozen=True):
    """A version and the days (`YYYY-MM-DD`, inclusive; empty is open) to report on."""

    model: str
    version: str
    since: str = ""
    until: str = ""


class Alerts(Input, frozen=True):
    """Which alerts to list: of one model, with one status (open, acknowledged, resolved)."""

    model: str = ""
    status: str = ""


class Acknowledge(Input, frozen=True):
    """An alert that somebody has seen, and what they know about it."""

    alert: str
    reason: str


class AlertAnswer(Output, frozen=True):
    """One alert; `evidence` has the numbers it is made of, days are the application's own."""

    id: str
    state: str
    ref: str
    kind: str
    column: str
    opened_at: str
    first_day: str
    last_day: str
    evidence: dict[str, Any]
    acknowledged_by: str | None
    note: str
    resolved_at: str | None


# --- what people make of decisions ------------------------------------------------------------------------------------


class Resolve(Input, frozen=True):
    """A review or an override of one decision. `answer` is the whole new answer; without it the answer stays as it is.

    `code` is what overrides are counted by. With `confirm` the override that another person proposed comes into force
    (then neither `answer` nor `code` is needed).
    """

    decision: str
    reason: str
    answer: dict[str, Any] | None = None
    code: str = ""
    confirm: bool = False


class ResolutionAnswer(Output, frozen=True):
    """One resolution. `pending`: another person has to confirm it, until then `before` is the answer in force."""

    resolution_id: str
    decision_id: str
    application: str
    at: str
    who: str
    before: dict[str, Any]
    after: dict[str, Any]
    code: str
    note: str
    pending: bool
    confirms: str
    url: str


class Reviews(Input, frozen=True):
    """Which decisions wait for a person: of one application or of all, at most `limit`."""

    application: str = ""
    limit: int = 100


class ReviewAnswer(Output, frozen=True):
    """One decision that waits: for a `review` (by `queue`, as the rule names it) or a `confirmation` of `proposed`."""

    decision_id: str
    application: str
    what: str
    queue: str
    since: str
    made_at: str
    answer: dict[str, Any]
    proposed: dict[str, Any] | None
    proposed_by: str
    rules: list[str]
    url: str


class ShowOverrides(Input, frozen=True):
    """How often people changed answers, in a span of time: `since` and `until` are an age as 30d or a moment."""

    application: str = ""
    since: str = ""
    until: str = ""


class OverrideRate(Output, frozen=True):
    """Of so many resolutions so many changed the answer."""

    name: str
    resolved: int
    changed: int
    share: float


class OverridesAnswer(Output, frozen=True):
    """Overrides in a span of time. `directions` counts `field: before → after`; `share` is of all `decisions` made."""

    decisions: int
    resolved: int
    changed: int
    pending: int
    share: float
    directions: dict[str, int]
    by_person: list[OverrideRate]
    by_code: list[OverrideRate]


# --- data out ---------------------------------------------------------------------------------------------------------


class Sql(Input, frozen=True):
    """One SELECT over the views of docs/data-out.md; at most `limit` rows (100,000 at most) are returned."""

    query: str
    limit: int = 1000


class SqlAnswer(Output, frozen=True):
    """The columns with their types, the rows in the same order, and whether there were more than asked for."""

    columns: list[dict[str, str]]
    rows: list[list[Any]]
    more: bool


class Export(Input, frozen=True):
    """The next portion of an export: records after place `after` of the log, in its order; 0 begins.

    `since` (an age or a moment) leaves out what was made or told before. `with` features, outcomes: not the views but
    the training set, one row for each decision.
    """

    after: int = 0
    application: str = ""
    since: str = ""
    parts: list[str] = msgspec.field(default_factory=list, name="with")


class ExportedTable(Output, frozen=True):
    """One table of a portion; `parquet` is the file."""

    name: str
    rows: int
    parquet: bytes


class ExportAnswer(Output, frozen=True):
    """The records from place `first` up to `ending`, which is `after` of the next portion; `more` if there is one."""

    first: int
    ending: int
    more: bool
    tables: list[ExportedTable]


# --- rules ------------------------------------------------------------------------------------------------------------


class CheckRules(Input, frozen=True):
    """An `application.yaml` with the CSV files that it names as decision tables."""

    text: str
    files: dict[str, str] = {}


class CheckedAnswer(Output, frozen=True):
    """The file is right: how many rules it has, how many rows of tables, how many tests."""

    application: str
    model: str
    rules: int
    table_rows: int
    tests: int


class TestOutcome(Output, frozen=True):
    """One test, counted from 1: the rules that fired, and what is not as it expects."""

    number: int
    passed: bool
    rules: list[str]
    problems: list[str]


class RuleCoverage(Output, frozen=True):
    """How many tests made a rule fire; of a table how many rows it has and which none reached."""

    rule: str
    fired: int
    rows: int
    rows_missed: list[int]


class TestedAnswer(Output, frozen=True):
    """What came of every test, and what they cover."""

    application: str
    passed: bool
    tests: list[TestOutcome]
    coverage: list[RuleCoverage]


class TryRules(Input, frozen=True):
    """A file or a kept revision, tried on the newest `last` decisions or on one; with `version` that is asked anew.

    `by` are request fields to count by.
    """

    text: str = ""
    files: dict[str, str] = {}
    application: str = ""
    revision: int | None = None
    last: int = 100_000
    version: str = ""
    decision: str = ""
    by: list[str] = []


class SegmentAnswer(Output, frozen=True):
    """Decisions with one thing in common: how many were compared, how many would come out otherwise."""

    segment: str
    value: str
    compared: int
    changed: int


class BacktestExample(Output, frozen=True):
    """One decision that would come out otherwise; `after` is null where the request would be refused."""

    decision_id: str
    at: str
    before: dict[str, Any]
    after: dict[str, Any] | None
    rule_before: str
    rule_after: str


class BacktestAnswer(Output, frozen=True):
    """What a definition would change. `ways` counts "rule → rule"; `incomparable` by reason what could not be compared.

    `reviews` of the changed ones go to a person now and did not, or the other way round; `refused` would get no answer.
    """

    application: str
    revision: int | None
    digest: str
    version: str
    at: str
    actor: str
    seconds: float
    compared: int
    changed: int
    reviews: int
    refused: int
    incomparable: dict[str, int]
    ways: dict[str, int]
    segments: list[SegmentAnswer]
    examples: list[BacktestExample]


# --- integrity and keeping --------------------------------------------------------------------------------------------


class LogProof(Input, frozen=True):
    """A sealed record; `held` is the size of a checkpoint from which the log must be shown to have only grown."""

    decision: str
    held: int = 0


class LogCheckpoint(Input, frozen=True):
    """The newest checkpoint; `held` as above."""

    held: int = 0


class ProofAnswer(Output, frozen=True):
    """A document that `script` (standard library alone) checks; docs/formats/log-record.md, "Proofs"."""

    document: dict[str, Any]
    size: int
    script: str


class Repair(Input, frozen=True):
    """Heal damaged files from their other copy."""

    reason: str = ""


class RepairAnswer(Output, frozen=True):
    """Files that were healed, and contents that are damaged in every copy there is."""

    healed: list[str]
    lost: list[str]


class Sweep(Input, frozen=True):
    """Remove files that nothing needs and that nobody touched within `older_than`; with `dry_run` only name them."""

    dry_run: bool = False
    older_than: str = "1h"
    reason: str = ""


class SweepAnswer(Output, frozen=True):
    """The files, as paths below the home, and their bytes; `removed` is false after a dry run."""

    removed: bool
    files: list[str]
    bytes: int


class DrilledAnswer(Output, frozen=True):
    """The restore of one environment on its newest version; `found` has the verdict, or why it failed."""

    ref: str
    environment: str
    ok: bool
    found: dict[str, Any]


class DrillAnswer(Output, frozen=True):
    """One restore for every distinct environment."""

    passed: bool
    environments: list[DrilledAnswer]


class PlaceHold(Input, frozen=True):
    """What is held: MODEL/VERSION, a model, an application; with `entity` that person in the application's decisions."""

    target: str
    reason: str
    entity: str = ""


class HoldAnswer(Output, frozen=True):
    """One hold."""

    target: str
    reason: str
    placed_at: str
    placed_by: str


class RetentionOf(Input, frozen=True):
    """One version, or with no `ref` all that are not destroyed."""

    ref: str = ""


class KeptAnswer(Output, frozen=True):
    """One version with the period it must be kept and the holds on it."""

    ref: str
    stage: str
    retention: str
    since: str | None
    until: str | None
    destruction_proposed_by: str | None
    holds: list[str]


class RetentionAnswer(Output, frozen=True):
    """Versions, and every hold in force."""

    versions: list[KeptAnswer]
    holds: list[HoldAnswer]


class DestroyAnswer(Output, frozen=True):
    """What the call did: the first proposes, another person's destroys and leaves a tombstone."""

    ref: str
    stage: str
    proposed_by: str
    tombstone: dict[str, Any] | None
    next_step: str


class Erase(Input, frozen=True):
    """A person, as requests of the application name them."""

    application: str
    entity: str
    reason: str


class EraseAnswer(Output, frozen=True):
    """The pseudonym, whether there was a key to be destroyed, and how many decisions of which application it concerns."""

    person: str
    erased: bool
    decisions: dict[str, int]
