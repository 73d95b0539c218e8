"""Entries of the inventory in the control database, every state of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import select

from tenure.accountability.inventory import Entry, Said
from tenure.adapters.sql.tables import governance_inventory

if TYPE_CHECKING:
    from tenure.adapters.sql.engine import Database


class SqlInventory:
    """Where entries are kept (accountability/inventory.py)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, said: Said) -> None:
        """Keep a new state of an entry."""
        values = {"model": said.model, "at": said.at, "actor": said.by}
        values["entry"] = msgspec.json.encode(said.entry).decode()
        with self._database.writing() as connection:
            connection.execute(governance_inventory.insert().values(**values))

    def all(self) -> list[Said]:
        """Return every state of every entry, oldest first."""
        with self._database.reading() as connection:
            rows = connection.execute(select(governance_inventory).order_by(governance_inventory.c.id)).all()
        return [Said(row.model, row.at, row.actor, msgspec.json.decode(row.entry, type=Entry)) for row in rows]
