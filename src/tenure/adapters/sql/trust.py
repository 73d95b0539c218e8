"""Trusted keys in the control database."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from sqlalchemy import select

from tenure.adapters.sql.tables import governance_trusted_key
from tenure.governance.trust import TrustedKey

if TYPE_CHECKING:
    from tenure.adapters.sql.engine import Database


class SqlTrust:
    """Where trusted keys are kept (governance/ports.py)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, key: TrustedKey) -> None:
        """Keep a key, in place of what was known of it."""
        with self._database.writing() as connection:
            connection.execute(governance_trusted_key.delete().where(governance_trusted_key.c.key == key.key))
            connection.execute(governance_trusted_key.insert().values(**asdict(key)))

    def remove(self, key: str, at: int) -> None:
        """Trust a key no more; it stays known."""
        update = governance_trusted_key.update().where(governance_trusted_key.c.key == key)
        with self._database.writing() as connection:
            connection.execute(update.values(removed_at=at))

    def all(self) -> list[TrustedKey]:
        """Return every key ever trusted, oldest first."""
        columns = governance_trusted_key.c
        query = select(governance_trusted_key).order_by(columns.added_at, columns.key)
        with self._database.reading() as connection:
            return [
                TrustedKey(row.key, row.public, row.name, row.added_at, row.added_by, row.removed_at)
                for row in connection.execute(query)
            ]
