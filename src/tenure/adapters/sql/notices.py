"""Webhooks, silences and deliveries in the control database: the port `NoticeStore`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from sqlalchemy import delete, insert, select, update

from tenure.adapters.sql.monitoring import SqlMonitoring
from tenure.adapters.sql.monitoring_tables import deliveries, silences, webhooks
from tenure.model.monitoring.notice import Delivery, Silence, Webhook

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from sqlalchemy import Table

    from tenure.adapters.sql.engine import Database
    from tenure.model.monitoring.alert import Alert

_Kept = TypeVar("_Kept", Webhook, Silence, Delivery)


class SqlNotices:
    """The store of notices."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._monitoring = SqlMonitoring(database)

    def transaction(self) -> AbstractContextManager[object]:
        """Begin (or join) the one write transaction of the control database."""
        return self._database.writing()

    def alerts(self) -> list[Alert]:
        """Return every alert."""
        return self._monitoring.alerts()

    def webhooks(self) -> list[Webhook]:
        """Return every webhook by name."""
        return self._all(webhooks, Webhook)

    def save_webhook(self, webhook: Webhook) -> None:
        """Keep a webhook in the place of its former state."""
        self._save(webhooks, {"id": webhook.name}, webhook)

    def remove_webhook(self, name: str) -> None:
        """Forget a webhook and its deliveries."""
        with self._database.writing() as connection:
            connection.execute(delete(webhooks).where(webhooks.c.id == name))
            connection.execute(delete(deliveries).where(deliveries.c.webhook == name))

    def silences(self) -> list[Silence]:
        """Return every silence, newest first."""
        return list(reversed(self._all(silences, Silence)))

    def save_silence(self, silence: Silence) -> None:
        """Keep a silence."""
        self._save(silences, {"id": silence.id}, silence)

    def deliveries(self) -> list[Delivery]:
        """Return every delivery, oldest first."""
        return self._all(deliveries, Delivery)

    def save_delivery(self, delivery: Delivery) -> None:
        """Keep a delivery in the place of its former state."""
        facts = {name: getattr(delivery, name) for name in ("id", "webhook", "alert", "what", "at")}
        self._save(deliveries, facts, delivery)

    def _all(self, table: Table, kind: type[_Kept]) -> list[_Kept]:
        with self._database.reading() as connection:
            found = connection.execute(select(table.c.record).order_by(table.c.id)).scalars()
            return [msgspec.json.decode(text, type=kind) for text in found]

    def _save(self, table: Table, facts: dict[str, Any], record: msgspec.Struct) -> None:
        values = {**facts, "record": msgspec.json.encode(record).decode()}
        with self._database.writing() as connection:
            changed = connection.execute(update(table).where(table.c.id == facts["id"]).values(**values))
            if not changed.rowcount:
                connection.execute(insert(table).values(**values))
