"""Applications and their revisions."""

from __future__ import annotations

from typing import Any

import msgspec

from tenure.app.wire.rules import BacktestAnswer
from tenure.app.wire.shared import Input, Listing, Output


class Application(Input, frozen=True):
    """One application."""

    application: str


class ListApplications(Listing, frozen=True):
    """Which applications to list: those whose name contains `name`, those of an owner, of a project, on a model (churn@champion)."""

    name: str = ""
    owner: str = ""
    project: str = ""
    model: str = ""


class ListRevisions(Listing, frozen=True, kw_only=True):
    """Which revisions of an application to list, newest first: all, or those that stand at one stage."""

    application: str
    stage: str = ""


class ListActivations(Listing, frozen=True, kw_only=True):
    """An application, for what of it was in force since when, newest first; `as_of` (RFC 3339): only what was in force then."""

    application: str
    as_of: str = ""


class Init(Input, frozen=True):
    """The text of a first `application.yaml`; `model` is written as in churn@champion."""

    application: str
    model: str = ""
    entity: str = ""


class InitAnswer(Output, frozen=True):
    """The text to be saved and edited; `url` is where the application is once that is applied."""

    application: str
    text: str
    url: str = ""


class Apply(Input, frozen=True):
    """Put an `application.yaml` in force; `base` is the revision it was edited from, refused if another is in force.

    `seen` is the digest of the revision that the file last was, and weaker than a base: refused if somebody else put
    another in force since. One that no revision has says nothing.
    `against` is a revision to compare with instead of the one in force; nothing is changed then, as in a dry run.
    `draft` only keeps it; `from` and `until` (RFC 3339) put it in force for a time; `shadow` evaluates it beside the one in
    force without answering, `share` lets it answer that part of the entities.
    """

    text: str
    reason: str = ""
    base: int | None = None
    seen: str = ""
    dry_run: bool = False
    against: int | None = None
    draft: bool = False
    starts: str = msgspec.field(default="", name="from")
    until: str = ""
    shadow: bool = False
    share: float | None = None
    #: the texts of the CSV files that it names as decision tables
    files: dict[str, str] = {}


class ChangeAnswer(Output, frozen=True):
    """One place in which two definitions differ; None means that one of them does not have it."""

    what: str
    before: Any
    after: Any


class OverAnswer(Output, frozen=True):
    """What was in force until a file was applied: since when, put there by whom, and why."""

    revision: int
    at: str
    actor: str
    actor_id: str
    reason: str


class Applied(Output, frozen=True):
    """The revision applied (in a dry run: that would be), where it stands now, and what differs from the one in force before.

    `done` when this put it in force; `stage` is draft, approved, scheduled, trial, active or retired. `digest` is the
    revision's, `over` says of an apply whose revision was in force before.
    """

    application: str
    revision: int
    before: int | None
    changes: list[ChangeAnswer]
    done: bool
    url: str
    #: the newest back-test of this very definition
    backtest: BacktestAnswer | None = None
    stage: str = ""
    digest: str = ""
    over: OverAnswer | None = None


class ApproveRevision(Input, frozen=True, kw_only=True):
    """Say that a revision may answer; under four-eyes by somebody else than its author."""

    application: str
    revision: int
    reason: str


class ActivateRevision(Input, frozen=True, kw_only=True):
    """Put a kept revision in force, for a time, or on trial; the fields mean what they mean for `Apply`."""

    application: str
    revision: int
    reason: str
    starts: str = msgspec.field(default="", name="from")
    until: str = ""
    shadow: bool = False
    share: float | None = None


class EndTrial(Input, frozen=True, kw_only=True):
    """End an application's trial, and what waits for its time."""

    application: str
    reason: str


class EndedTrial(Output, frozen=True):
    """The revisions whose trial or schedule was ended."""

    application: str
    revisions: list[int]
    url: str


class ShowTrial(Input, frozen=True):
    """An application's trial, or that of one revision, which may be over."""

    application: str
    revision: int | None = None


class TrialDifference(Output, frozen=True):
    """How often the answers differ where these rules answered: that of the revision in force, and of the one on trial."""

    active_rule: str
    trial_rule: str
    times: int


class TrialExample(Output, frozen=True):
    """One request to which the answers differ; `error` says why the revision on trial would have refused it."""

    decision_id: str
    active_rule: str
    trial_rule: str
    active_answer: dict[str, Any]
    trial_answer: dict[str, Any] | None
    error: str
    url: str


class TrialAnswer(Output, frozen=True):
    """What a revision on trial made of live requests beside the one in force.

    `evaluated` are the requests that it only watched, `answered` those that it answered in its `share`; `refused` it would
    have refused, for `failed` its model gave no output.
    """

    application: str
    revision: int
    running: bool
    share: float
    since: str
    actor: str
    actor_id: str
    reason: str
    evaluated: int
    differing: int
    refused: int
    failed: int
    answered: int
    differences: list[TrialDifference]
    examples: list[TrialExample]
    url: str


class ScheduleAnswer(Output, frozen=True):
    """When a revision comes into force and leaves it; `why` says why the schedule ended otherwise."""

    starts: str = msgspec.field(name="from")
    until: str | None
    base: int
    state: str
    actor: str
    actor_id: str
    reason: str
    why: str


class RevisionRow(Output, frozen=True):
    """One revision and where it stands; `approved_by` is empty where nobody approved it.

    `actor` and `approved_by` are as people know them, a token by its name; the chain has their `actor_id`, `approved_by_id`.
    """

    ref: str
    revision: int
    stage: str
    at: str
    actor: str
    actor_id: str
    reason: str
    approved_by: str
    approved_by_id: str
    own_work: bool
    share: float | None
    schedules: list[ScheduleAnswer]
    url: str


class ApprovedRevision(RevisionRow, frozen=True):
    """An approved revision, with what its approver should have seen: what it changes, and its newest back-test."""

    changes: list[ChangeAnswer]
    backtest: BacktestAnswer | None


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
    actor_id: str
    reason: str
    definition: dict[str, Any]
    source: str
    url: str
    #: the decision tables that were read from files, as CSV
    files: dict[str, str] = {}
    backtest: BacktestAnswer | None = None
    #: the same text as it is given to be edited: its first line names the revision in force
    editable: str = ""
    #: the revision in force: an edited file names it as its base; 0 while there is none
    in_force: int = 0
    stage: str = ""


class ApplicationAnswer(Output, frozen=True):
    """One application and its revision in force."""

    application: str
    revision: int
    model: str
    at: str
    actor: str
    actor_id: str
    reason: str
    url: str
    #: the models that rules may choose in the place of `model`, by their names in the definition
    models: dict[str, str] = {}
    owner: str = ""
    project: str = ""


class ActivationAnswer(Output, frozen=True):
    """From when a revision was in force, who put it there and why."""

    at: str
    ref: str
    actor: str
    actor_id: str
    reason: str
    digest: str
