"""Which Tenure worked in the home last, and since when: what an upgrade has to look at again is told by it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from tenure.adapters.sql.tables import governance_setting

if TYPE_CHECKING:
    from tenure.adapters.sql.engine import Database

_NAME = "release"


def upgraded_at(database: Database, release: str, now: int) -> int:
    """Note the release that works now; return when it took over from another one, 0 where there was no other."""
    with database.writing() as connection:
        query = select(governance_setting.c.value).where(governance_setting.c.name == _NAME)
        kept, _, moment = (connection.execute(query).scalar() or "").partition(" ")
        if kept == release:
            return int(moment)
        since = now if kept else 0
        connection.execute(governance_setting.delete().where(governance_setting.c.name == _NAME))
        connection.execute(governance_setting.insert().values(name=_NAME, value=f"{release} {since}"))
    return since
