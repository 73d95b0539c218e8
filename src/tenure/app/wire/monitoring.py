"""Reports and alerts."""

from __future__ import annotations

from typing import Any

from tenure.app.wire.shared import Input, Output


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
