"""Retention classes, what is kept under them, and what was proposed to go, in the control database: every state of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import select

from tenure.adapters.sql.tables import governance_retention
from tenure.application.decisions.expiring import Proposal
from tenure.governance.retention import RetentionClass, Use

if TYPE_CHECKING:
    from typing import Any

    from tenure.adapters.sql.engine import Database


class SqlRetention:
    """Where they are kept (governance/ports.py, application/decisions/expiring.py)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def define(self, given: RetentionClass, at: int, by: str) -> None:
        """Keep a new state of a class."""
        self._add("class", given.name, at, by, given)

    def classes(self) -> list[RetentionClass]:
        """Return every state of every class, oldest first."""
        return [msgspec.json.decode(row.body, type=RetentionClass) for row in self._rows("class")]

    def assign(self, use: Use) -> None:
        """Keep under which class a target is kept from now on."""
        self._add("use", use.target, use.at, use.by, use)

    def uses(self) -> list[Use]:
        """Return every assignment there was, oldest first."""
        return [msgspec.json.decode(row.body, type=Use) for row in self._rows("use")]

    def propose(self, proposal: Proposal) -> None:
        """Keep what somebody proposed to remove, in the place of an earlier proposal."""
        self._add("proposal", proposal.application, proposal.at, proposal.by, proposal)

    def proposal(self, application: str) -> Proposal | None:
        """Return the newest proposal for an application that was not carried out yet."""
        rows = [row for row in self._rows("proposal") if row.name == application]
        found = msgspec.json.decode(rows[-1].body, type=Proposal) if rows else None
        return None if found is None or found.done else found

    def _add(self, kind: str, name: str, at: int, by: str, body: msgspec.Struct) -> None:
        values = {"kind": kind, "name": name, "at": at, "actor": by, "body": msgspec.json.encode(body).decode()}
        with self._database.writing() as connection:
            connection.execute(governance_retention.insert().values(**values))

    def _rows(self, kind: str) -> list[Any]:
        columns = governance_retention.c
        query = select(governance_retention).where(columns.kind == kind).order_by(columns.id)
        with self._database.reading() as connection:
            return list(connection.execute(query).all())
