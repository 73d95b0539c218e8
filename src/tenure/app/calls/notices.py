"""Who is told of alerts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenure.app import wire
from tenure.app.calls.known import known_as
from tenure.app.calls.moments import BadMoment, ahead, shown
from tenure.app.states import etag
from tenure.kit.clock import iso
from tenure.model.version import parse_name

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tenure.app.control import Control
    from tenure.governance.access import Actor
    from tenure.model.monitoring.notice import Delivery, Webhook


def silence(control: Control, actor: Actor, given: wire.Silence) -> wire.SilenceAnswer:
    """Tell nobody for a while."""
    until = ahead(given.until, control.clock.now())
    if until is None:
        raise BadMoment(text=given.until)
    made = control.notices.silence(actor, given.model, given.version, given.kind, given.column, until, given.reason)
    return wire.SilenceAnswer(
        id=made.id,
        model=made.model,
        version=made.version,
        kind=made.kind,
        column=made.column,
        until=iso(made.until),
        reason=made.reason,
    )


def set_webhook(control: Control, actor: Actor, given: wire.SetWebhook) -> wire.WebhookAnswer:
    """Set a webhook."""
    name = parse_name(given.webhook)
    made = control.notices.set(actor, name, given.url, given.secret_env, given.reason, allow_http=given.allow_http)
    return _webhook(made, (), known_as(control))


def remove(control: Control, actor: Actor, given: wire.OneWebhook) -> wire.WebhookAnswer:
    """Remove a webhook."""
    return _webhook(control.notices.remove(actor, given.webhook, given.reason), (), known_as(control))


def webhooks(control: Control, actor: Actor, _: wire.ListWebhooks) -> list[wire.WebhookAnswer]:
    """List webhooks with what waits and what is dead."""
    known = known_as(control)
    return [_webhook(one, sent, known) for one, sent in control.notices.all(actor)]


def retry(control: Control, actor: Actor, given: wire.RetryDelivery) -> wire.DeliveryAnswer:
    """Try a delivery again."""
    return _delivery(control.notices.retry(actor, given.delivery, given.reason))


def _webhook(one: Webhook, sent: Sequence[Delivery], known: Callable[[str], str]) -> wire.WebhookAnswer:
    return wire.WebhookAnswer(
        webhook=one.name,
        url=one.url,
        secret_env=one.secret_env,
        allow_http=one.allow_http,
        created_by=known(one.created_by),
        delivered=sum(each.state == "delivered" for each in sent),
        waiting=[_delivery(each) for each in sent if each.state == "pending"],
        dead=[_delivery(each) for each in sent if each.state == "dead"],
        etag=etag(one),
    )


def _delivery(one: Delivery) -> wire.DeliveryAnswer:
    return wire.DeliveryAnswer(
        id=one.id,
        webhook=one.webhook,
        alert=one.alert,
        what=one.what,
        state=one.state,
        attempts=one.attempts,
        at=iso(one.at),
        next_at=shown(one.next_at) if one.state == "pending" else None,
        error=one.error,
    )
