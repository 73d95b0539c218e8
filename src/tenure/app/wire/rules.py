"""Rules: checks, tests, back-tests."""

from __future__ import annotations

from typing import Any

from tenure.app.wire.decisions import KnownAnswer, RuleVerdict
from tenure.app.wire.shared import Input, Output


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


class Evaluate(Input, frozen=True, kw_only=True):
    """A request to be answered without being decided: nothing is logged, counted or told to anybody.

    By a file's `text`, or an application's `revision` (by default the one in force); by `version`, by default the one in
    service. `features` stand for what the views would give, by view; `output` for what the model would say.
    """

    request: dict[str, Any]
    text: str = ""
    files: dict[str, str] = {}
    application: str = ""
    revision: int | None = None
    version: str = ""
    features: dict[str, dict[str, Any]] = {}
    output: dict[str, Any] | None = None


class EvaluatedAnswer(Output, frozen=True):
    """How the answer would come about, step by step; `revision` is null for a file, `version` empty if none was asked.

    `row` is what the version was given, `elapsed_us` what each step took. `failure` says why the version said nothing.
    """

    application: str
    revision: int | None
    answer: dict[str, Any]
    decided_by: str
    status: str
    closed_by: str
    reasons: list[dict[str, Any]]
    inputs: list[KnownAnswer]
    rules: list[RuleVerdict]
    version: str
    row: dict[str, Any] | None
    output: dict[str, Any] | None
    failure: str
    elapsed_us: dict[str, int]
