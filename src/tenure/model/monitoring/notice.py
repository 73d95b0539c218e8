"""Who is told of alerts: webhooks, silences, and each delivery's way to being delivered or dead. All of it pure.

Which notices are due follows from alerts, webhooks and silences alone, so a crash at any place is mended by asking again.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import TYPE_CHECKING, Literal, TypeAlias
from urllib.parse import urlsplit

import msgspec

from tenure.kit.clock import SECOND
from tenure.kit.errors import Kind, TenureError
from tenure.model.monitoring.alert import State

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tenure.model.monitoring.alert import Alert

What: TypeAlias = Literal["alert.opened", "alert.resolved"]
DeliveryState: TypeAlias = Literal["pending", "delivered", "dead"]

#: how long after each failed attempt the next one comes; after the last one the delivery is dead
WAITS = tuple(seconds * SECOND for seconds in (10, 60, 300, 1800, 7200, 21_600))
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class BadWebhook(TenureError):
    """Nothing may be sent there."""

    code = "bad-webhook"
    kind = Kind.BAD_INPUT
    message = "the webhook {name} cannot send to {url!r}: {why}"
    next_step = "give an https:// address, or say --allow-http where the network is trusted"


class UnknownWebhook(TenureError):
    """There is no such webhook."""

    code = "unknown-webhook"
    kind = Kind.NOT_FOUND
    message = "there is no webhook {name!r}"
    next_step = "see `tenure alerts webhooks`"


class UnknownDelivery(TenureError):
    """There is no such delivery."""

    code = "unknown-delivery"
    kind = Kind.NOT_FOUND
    message = "there is no delivery {id!r}"
    next_step = "see `tenure alerts webhooks` for those that are pending or dead"


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    """Where notices go. `secret_env` names the variable of control's environment that holds the signing secret."""

    name: str
    url: str
    secret_env: str
    allow_http: bool = False
    created_at: int
    created_by: str


class Silence(msgspec.Struct, frozen=True, kw_only=True):
    """Until `until` nobody is told of these alerts: of a model, a version, a kind, a column; empty means any."""

    id: str
    model: str
    version: int | None = None
    kind: str = ""
    column: str = ""
    until: int
    reason: str
    by: str
    at: int

    def covers(self, alert: Alert) -> bool:
        """Return whether the alert is one of those."""
        wanted = ((self.model, alert.model), (self.kind, alert.kind), (self.column, alert.column))
        return self.version in {None, alert.version} and all(not one or one == other for one, other in wanted)


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One notice on its way to one webhook: of a webhook, an alert and what happened there is one at most."""

    id: str
    webhook: str
    alert: str
    what: What
    at: int
    state: DeliveryState = "pending"
    attempts: int = 0
    next_at: int = 0
    error: str = ""


def checked(webhook: Webhook) -> Webhook:
    """Return the webhook if notices may be sent there, else raise `BadWebhook`."""
    parts = urlsplit(webhook.url)
    why = ""
    if parts.scheme not in {"https", "http"} or not parts.hostname:
        why = "it is no https:// address"
    elif parts.scheme == "http" and parts.hostname not in _LOOPBACK and not webhook.allow_http:
        why = "in the clear it may go to this machine only"
    elif parts.username or parts.password:
        why = "an address must not carry a password; notices are signed"
    elif not webhook.secret_env.isidentifier():
        why = f"{webhook.secret_env!r} names no environment variable with the secret"
    if why:
        raise BadWebhook(name=webhook.name, url=webhook.url, why=why)
    return webhook


def due(
    webhooks: Iterable[Webhook],
    alerts: Sequence[Alert],
    silences: Sequence[Silence],
    known: frozenset[tuple[str, str, str]],
    now: int,
) -> list[tuple[str, Alert, What]]:
    """Return (webhook, alert, what) that are to be told and are not in `known` yet, oldest alert first.

    Of what opened before the webhook was set nobody is told; that it is over, whoever was told that it began.
    """
    quiet = [silence for silence in silences if silence.until > now]
    found: list[tuple[str, Alert, What]] = []
    for alert in sorted(alerts, key=lambda one: (one.opened_at, one.id)):
        for webhook in webhooks:
            was_told = (webhook.name, alert.id, "alert.opened") in known
            if alert.state is State.RESOLVED:
                if was_told and (webhook.name, alert.id, "alert.resolved") not in known:
                    found.append((webhook.name, alert, "alert.resolved"))
            elif not was_told and alert.opened_at >= webhook.created_at and not any(s.covers(alert) for s in quiet):
                found.append((webhook.name, alert, "alert.opened"))
    return found


def after(delivery: Delivery, error: str, now: int) -> Delivery:
    """Return the delivery after an attempt: delivered where `error` is empty, else to be tried again later, or dead."""
    attempts = delivery.attempts + 1
    if not error:
        return msgspec.structs.replace(delivery, state="delivered", attempts=attempts, error="", next_at=0)
    if attempts > len(WAITS):
        return msgspec.structs.replace(delivery, state="dead", attempts=attempts, error=error, next_at=0)
    return msgspec.structs.replace(delivery, attempts=attempts, error=error, next_at=now + WAITS[attempts - 1])


def again(delivery: Delivery, now: int) -> Delivery:
    """Return a delivery that is to be tried at once, from the beginning."""
    return msgspec.structs.replace(delivery, state="pending", attempts=0, next_at=now)


def signed(delivery: Delivery, content: bytes, secret: str, now: int) -> dict[str, str]:
    """Return the headers of a notice, signed as Standard Webhooks 1.0 says (standardwebhooks.com): HMAC-SHA256 in base64.

    A secret that begins with `whsec_` is base64 after that, any other is used as it is.
    """
    key = base64.b64decode(secret[6:]) if secret.startswith("whsec_") else secret.encode()
    moment = str(now // SECOND)
    mac = hmac.digest(key, f"{delivery.id}.{moment}.".encode() + content, hashlib.sha256)
    return {
        "Content-Type": "application/json",
        "webhook-id": delivery.id,
        "webhook-timestamp": moment,
        "webhook-signature": f"v1,{base64.b64encode(mac).decode()}",
    }
