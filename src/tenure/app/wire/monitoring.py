"""Reports and alerts."""

from __future__ import annotations

from typing import Any

from tenure.app.wire.shared import Input, Listing, Output


class ReportOn(Input, frozen=True):
    """A version and the days (`YYYY-MM-DD`, inclusive; empty is open) to report on."""

    model: str
    version: str
    since: str = ""
    until: str = ""


class Alerts(Listing, frozen=True):
    """Which alerts to list, newest first: of one model, with one status (open, acknowledged, resolved), of one kind."""

    model: str = ""
    status: str = ""
    kind: str = ""


class Acknowledge(Input, frozen=True):
    """An alert that somebody has seen, and what they know about it."""

    alert: str
    reason: str


class Silence(Input, frozen=True):
    """Tell nobody of these alerts until `until` (an age ahead as 7d, or a moment); empty names mean any.

    They are listed all the same. What is open when the silence ends is told then; `until` now ends it.
    """

    until: str
    reason: str
    model: str = ""
    version: int | None = None
    kind: str = ""
    column: str = ""


class SilenceAnswer(Output, frozen=True):
    """One silence."""

    id: str
    model: str
    version: int | None
    kind: str
    column: str
    until: str
    reason: str


class SetWebhook(Input, frozen=True):
    """Where alerts are told: an https address (http only on this machine, or with `allow_http`).

    `secret_env` names the variable of the server's environment that holds the secret by which notices are signed.
    """

    webhook: str
    url: str
    secret_env: str
    allow_http: bool = False
    reason: str = ""


class ListWebhooks(Listing, frozen=True):
    """Which webhooks to list: those whose name contains `name`."""

    name: str = ""


class OneWebhook(Input, frozen=True):
    """A webhook by its name."""

    webhook: str
    reason: str = ""


class RetryDelivery(Input, frozen=True):
    """A delivery to be tried again at once."""

    delivery: str
    reason: str = ""


class DeliveryAnswer(Output, frozen=True):
    """One notice on its way: pending (next at `next_at`), delivered or dead; `error` is what the last attempt met."""

    id: str
    webhook: str
    alert: str
    what: str
    state: str
    attempts: int
    at: str
    next_at: str | None
    error: str


class WebhookAnswer(Output, frozen=True):
    """One webhook: how many notices were delivered, and each that waits or is dead."""

    webhook: str
    url: str
    secret_env: str
    allow_http: bool
    created_by: str
    delivered: int = 0
    waiting: list[DeliveryAnswer] = []
    dead: list[DeliveryAnswer] = []
    #: of this state of it, for If-Match
    etag: str = ""


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
    #: until when nobody is told of it
    silenced_until: str | None = None
