"""Applications and their revisions."""

from __future__ import annotations

from typing import Any

from tenure.app.wire.rules import BacktestAnswer
from tenure.app.wire.shared import Input, Output


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
