"""Features, reports and alerts."""

from __future__ import annotations

from typing import Any

from tenure.app.wire.shared import Input, Output


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
