"""What can be done about who is told of alerts: set and remove webhooks, silence alerts, send what is due."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from tenure.governance.access import Permission, authorize
from tenure.governance.audit import Event
from tenure.kit.clock import iso
from tenure.kit.ids import new_id
from tenure.model.monitoring import notice
from tenure.model.monitoring.notice import Delivery, Silence, UnknownDelivery, UnknownWebhook, Webhook

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    from tenure.governance.access import Actor
    from tenure.governance.ports import Audit
    from tenure.kit.clock import Clock
    from tenure.model.monitoring.alert import Alert

#: notices that are sent before somebody else has a turn
_AT_ONCE = 20


class NoticeStore(Protocol):
    """Where webhooks, silences and deliveries are kept."""

    def transaction(self) -> AbstractContextManager[object]:
        """Begin (or join) the one write transaction of the control database."""

    def alerts(self) -> list[Alert]:
        """Return every alert."""

    def webhooks(self) -> list[Webhook]:
        """Return every webhook by name."""

    def save_webhook(self, webhook: Webhook) -> None:
        """Keep a webhook in the place of its former state."""

    def remove_webhook(self, name: str) -> None:
        """Forget a webhook and its deliveries."""

    def silences(self) -> list[Silence]:
        """Return every silence, newest first."""

    def save_silence(self, silence: Silence) -> None:
        """Keep a silence."""

    def deliveries(self) -> list[Delivery]:
        """Return every delivery, oldest first."""

    def save_delivery(self, delivery: Delivery) -> None:
        """Keep a delivery in the place of its former state."""


class Sender(Protocol):
    """Sends over the network."""

    def send(self, url: str, headers: Mapping[str, str], content: bytes) -> str:
        """Return an empty text when the receiver took it (2xx), else why not."""


class Notices:
    """Collection of actions on notices of alerts."""

    def __init__(
        self,
        store: NoticeStore,
        sender: Sender,
        secrets: Mapping[str, str],
        address: Callable[[str], str],
        audit: Audit,
        clock: Clock,
    ) -> None:
        self._store = store
        self._sender = sender
        self._secrets = secrets
        self._address = address
        self._audit = audit
        self._clock = clock

    def found(self, name: str) -> Webhook | None:
        """Return a webhook as it is now, for what tells its states apart; nobody is asked, and nobody is shown it."""
        return next((one for one in self._store.webhooks() if one.name == name), None)

    def set(self, actor: Actor, name: str, url: str, secret_env: str, reason: str, *, allow_http: bool) -> Webhook:
        """Set a webhook, or change it; raise `BadWebhook`. Its secret is named, never given."""
        authorize(actor, Permission.WEBHOOKS_SET)
        now = self._clock.now()
        old = self.found(name)
        made = notice.checked(
            Webhook(
                name=name,
                url=url,
                secret_env=secret_env,
                allow_http=allow_http,
                created_at=old.created_at if old else now,
                created_by=actor.id,
            )
        )
        with self._store.transaction():
            self._store.save_webhook(made)
            self._note(Permission.WEBHOOKS_SET, actor, f"webhook/{name}", reason, old, made)
        return made

    def remove(self, actor: Actor, name: str, reason: str) -> Webhook:
        """Remove a webhook with all that waits for it; raise `UnknownWebhook`."""
        authorize(actor, Permission.WEBHOOKS_REMOVE)
        old = self.found(name)
        if old is None:
            raise UnknownWebhook(name=name)
        with self._store.transaction():
            self._store.remove_webhook(name)
            self._note(Permission.WEBHOOKS_REMOVE, actor, f"webhook/{name}", reason, old, None)
        return old

    def all(self, actor: Actor) -> list[tuple[Webhook, list[Delivery]]]:
        """Return every webhook with its deliveries, oldest first."""
        authorize(actor, Permission.WEBHOOKS_LIST)
        sent = self._store.deliveries()
        return [(one, [each for each in sent if each.webhook == one.name]) for one in self._store.webhooks()]

    def retry(self, actor: Actor, delivery_id: str, reason: str) -> Delivery:
        """Try a delivery again at once, dead or not; raise `UnknownDelivery`."""
        authorize(actor, Permission.WEBHOOKS_RETRY)
        old = next((one for one in self._store.deliveries() if one.id == delivery_id), None)
        if old is None:
            raise UnknownDelivery(id=delivery_id)
        made = notice.again(old, self._clock.now())
        with self._store.transaction():
            self._store.save_delivery(made)
            self._note(Permission.WEBHOOKS_RETRY, actor, f"webhook/{old.webhook}", reason, old, made)
        return made

    def silence(
        self, actor: Actor, model: str, version: int | None, kind: str, column: str, until: int, reason: str
    ) -> Silence:
        """Tell nobody of these alerts until a moment; what is open then is told then. A past moment ends it."""
        authorize(actor, Permission.ALERTS_SILENCE)
        now = self._clock.now()
        made = Silence(
            id=new_id(now), model=model, version=version, kind=kind, column=column, until=until, reason=reason,
            by=actor.id, at=now,
        )  # fmt: skip
        with self._store.transaction():
            for old in self._store.silences():
                same = (old.model, old.version, old.kind, old.column) == (model, version, kind, column)
                if same and old.until > now:
                    self._store.save_silence(msgspec.structs.replace(old, until=now))
            self._store.save_silence(made)
            self._note(Permission.ALERTS_SILENCE, actor, model or "alerts", reason, None, made)
        return made

    def silenced_until(self, alert: Alert) -> int | None:
        """Return until when nobody is told of the alert, None where that is not so."""
        now = self._clock.now()
        return max((one.until for one in self._store.silences() if one.until > now and one.covers(alert)), default=None)

    def tick(self) -> int:
        """Note what is due, send what is, and return how many were sent; may be killed at any place.

        A notice that was sent when the process died is sent again, with the same `webhook-id`.
        """
        webhooks = {one.name: one for one in self._store.webhooks()}
        if not webhooks:
            return 0
        now = self._clock.now()
        sent = self._store.deliveries()
        alerts = {one.id: one for one in self._store.alerts()}
        known = frozenset((one.webhook, one.alert, str(one.what)) for one in sent)
        for name, alert, what in notice.due(
            webhooks.values(), list(alerts.values()), self._store.silences(), known, now
        ):
            made = Delivery(id=new_id(now), webhook=name, alert=alert.id, what=what, at=now, next_at=now)
            with self._store.transaction():
                self._store.save_delivery(made)
            sent.append(made)
        ready = [one for one in sent if one.state == "pending" and one.next_at <= now and one.webhook in webhooks]
        for delivery in ready[:_AT_ONCE]:
            error = self._sent(webhooks[delivery.webhook], delivery, alerts.get(delivery.alert))
            with self._store.transaction():
                self._store.save_delivery(notice.after(delivery, error, self._clock.now()))
        return len(ready[:_AT_ONCE])

    def _sent(self, webhook: Webhook, delivery: Delivery, alert: Alert | None) -> str:
        secret = self._secrets.get(webhook.secret_env)
        if not secret:
            return f"the environment variable {webhook.secret_env}, which holds the secret, is not set"
        content = msgspec.json.encode(self._told(delivery, alert))
        return self._sender.send(webhook.url, notice.signed(delivery, content, secret, self._clock.now()), content)

    def _told(self, delivery: Delivery, alert: Alert | None) -> dict[str, Any]:
        data: dict[str, Any] = {"id": delivery.alert, "url": self._address(f"/alerts/{delivery.alert}")}
        if alert is not None:
            data |= {
                "version": f"{alert.model}/{alert.version}", "kind": alert.kind, "column": alert.column,
                "state": alert.state.value, "first_day": alert.first_day, "last_day": alert.last_day,
                "evidence": alert.evidence,
            }  # fmt: skip
        return {"type": delivery.what, "timestamp": iso(delivery.at), "data": data}

    def _note(self, permission: Permission, actor: Actor, target: str, reason: str, before: Any, after: Any) -> None:
        plain = [{} if one is None else msgspec.to_builtins(one) for one in (before, after)]
        self._audit.write(Event(permission, actor, self._clock.now(), target, reason, plain[0], plain[1]))
