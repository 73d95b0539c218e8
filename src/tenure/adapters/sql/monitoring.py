"""Where profiles and alerts are kept: the port `MonitoringStore` over the control database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import delete, insert, select, update

from tenure.adapters.sql.monitoring_tables import alerts, profiles, watermarks
from tenure.model.monitoring.alert import Alert
from tenure.model.monitoring.ports import Chunk, together
from tenure.model.monitoring.profile import Profile

if TYPE_CHECKING:
    from collections.abc import Iterable
    from contextlib import AbstractContextManager

    from sqlalchemy import Connection, Row

    from tenure.adapters.sql.engine import Database

#: the row with 1 held a moment, in versions that counted whole days again: with it alone, counting begins anew
_ONLY = 2


class SqlMonitoring:
    """Monitoring's own results in the control database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def transaction(self) -> AbstractContextManager[object]:
        """Begin (or join) the one write transaction of the control database."""
        return self._database.writing()

    def position(self) -> int | None:
        """Return the position up to which the log has been counted; None at first."""
        with self._database.reading() as connection:
            found = connection.execute(select(watermarks.c.watermark).where(watermarks.c.id == _ONLY)).scalar()
        return None if found is None else int(found)

    def begin_again(self) -> None:
        """Forget every chunk and the position."""
        with self._database.writing() as connection:
            connection.execute(delete(profiles))
            connection.execute(delete(watermarks))

    def add(self, chunks: Iterable[Chunk], position: int) -> None:
        """Add what was counted from the position kept up to this one, and keep this one."""
        with self._database.writing() as connection:
            for chunk in chunks:
                _add(connection, chunk)
            connection.execute(delete(watermarks))
            connection.execute(insert(watermarks).values(id=_ONLY, watermark=position))

    def chunks(self, model: str, version: int) -> list[Chunk]:
        """Return all chunks of a version, oldest day first."""
        wanted = select(profiles).where(profiles.c.model == model, profiles.c.version == version)
        with self._database.reading() as connection:
            return [_chunk(row) for row in connection.execute(wanted.order_by(profiles.c.day, profiles.c.arrived))]

    def yardsticks(self) -> set[tuple[str, int, str]]:
        """Return every (model, version, digest of the yardstick) that a chunk was counted with."""
        wanted = select(profiles.c.model, profiles.c.version, profiles.c.yardstick).distinct()
        with self._database.reading() as connection:
            return {(row.model, row.version, row.yardstick) for row in connection.execute(wanted)}

    def alerts(self, model: str | None = None, version: int | None = None) -> list[Alert]:
        """Return alerts, newest first."""
        wanted = select(alerts.c.alert).order_by(alerts.c.opened_at.desc(), alerts.c.id.desc())
        if model is not None:
            wanted = wanted.where(alerts.c.model == model)
        if version is not None:
            wanted = wanted.where(alerts.c.version == version)
        with self._database.reading() as connection:
            return [msgspec.json.decode(text, type=Alert) for text in connection.execute(wanted).scalars()]

    def alert(self, alert_id: str) -> Alert | None:
        """Return the alert of this id."""
        wanted = select(alerts.c.alert).where(alerts.c.id == alert_id)
        with self._database.reading() as connection:
            text = connection.execute(wanted).scalar()
        return None if text is None else msgspec.json.decode(text, type=Alert)

    def save_alert(self, alert: Alert) -> None:
        """Keep the alert's present state."""
        values = {
            "id": alert.id,
            "model": alert.model,
            "version": alert.version,
            "kind": alert.kind,
            "column_name": alert.column,
            "state": alert.state.value,
            "opened_at": alert.opened_at,
            "alert": msgspec.json.encode(alert).decode(),
        }
        with self._database.writing() as connection:
            changed = connection.execute(update(alerts).where(alerts.c.id == alert.id).values(**values))
            if not changed.rowcount:
                connection.execute(insert(alerts).values(**values))


def _add(connection: Connection, chunk: Chunk) -> None:
    same = (
        (profiles.c.model == chunk.model)
        & (profiles.c.version == chunk.version)
        & (profiles.c.day == chunk.day)
        & (profiles.c.arrived == chunk.arrived)
    )
    found = connection.execute(select(profiles).where(same)).first()
    if found is None:
        connection.execute(insert(profiles).values(**_row(chunk)))
    else:
        connection.execute(update(profiles).where(same).values(**_row(together(_chunk(found), chunk))))


def _row(chunk: Chunk) -> dict[str, object]:
    return {
        "model": chunk.model,
        "version": chunk.version,
        "day": chunk.day,
        "arrived": chunk.arrived,
        "yardstick": chunk.yardstick,
        "profile": msgspec.json.encode(chunk.profile).decode(),
    }


def _chunk(row: Row[tuple[str, int, str, str, str, str]]) -> Chunk:
    profile = msgspec.json.decode(row.profile, type=Profile)
    return Chunk(row.model, row.version, row.day, row.arrived, row.yardstick, profile)
