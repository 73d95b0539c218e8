"""Legal holds, and which content the control database names, in the control database."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from sqlalchemy import String, select, tuple_

from tenure.adapters.sql.metadata import metadata
from tenure.adapters.sql.tables import governance_audit, governance_hold, model_attestation, model_version
from tenure.governance.holds import Hold
from tenure.model.lifecycle import Stage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from tenure.adapters.sql.engine import Database

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
#: what only remembers: the audit chain names content for ever that may long be destroyed
_MEMORY = {governance_audit.name, model_version.name}


class SqlHolds:
    """Where holds are kept (governance/ports.py)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, target: str, reason: str, at: int, by: str) -> None:
        """Keep a new hold."""
        values = {"target": target, "reason": reason, "placed_at": at, "placed_by": by, "released_by": ""}
        with self._database.writing() as connection:
            connection.execute(governance_hold.insert().values(**values))

    def release(self, target: str, at: int, by: str) -> None:
        """End the hold on a target."""
        columns = governance_hold.c
        query = governance_hold.update().where(columns.target == target, columns.released_at.is_(None))
        with self._database.writing() as connection:
            connection.execute(query.values(released_at=at, released_by=by))

    def open(self) -> list[Hold]:
        """Return the holds in force, oldest first."""
        columns = governance_hold.c
        query = select(governance_hold).where(columns.released_at.is_(None)).order_by(columns.id)
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        return [Hold(row.target, row.reason, row.placed_at, row.placed_by) for row in rows]


def digests_named(database: Database) -> set[str]:
    """Return every content address that a row still in use names, in whatever table and text it stands.

    What is said about destroyed versions counts no more.
    """
    with database.reading() as connection:
        return {digest for text in _texts(connection) for digest in _DIGEST.findall(text)}


def digests_in(text: str) -> set[str]:
    """Return the content addresses in a text."""
    return set(_DIGEST.findall(text))


def _texts(connection: Connection) -> Iterator[str]:
    for table in metadata.sorted_tables:
        columns = [column for column in table.columns if isinstance(column.type, String)]
        if table.name in _MEMORY or not columns:
            continue
        query: Any = select(*columns)
        if table.name == model_attestation.name:
            query = query.where(tuple_(table.c.model, table.c.number).in_(_living()))
        for row in connection.execute(query):
            yield from (value for value in row if isinstance(value, str))


def _living() -> Any:
    columns = model_version.c
    return select(columns.model, columns.number).where(columns.stage != Stage.DESTROYED.value)
