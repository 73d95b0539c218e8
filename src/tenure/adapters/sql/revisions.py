"""Revisions and activations in the control database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import and_, func, select

from tenure.adapters.sql.application_tables import activations, revisions
from tenure.application.revisions.revision import Activation, Revision
from tenure.application.revisions.terms import Definition

if TYPE_CHECKING:
    from sqlalchemy import Select

    from tenure.adapters.sql.engine import Database


class SqlRevisions:
    """The store of revisions (application/revisions/ports.py)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, revision: Revision) -> None:
        """Keep a new revision."""
        row = {name: getattr(revision, name) for name in revisions.c.keys()}  # noqa: SIM118 - these are columns, no mapping
        row["definition"] = msgspec.json.encode(revision.definition).decode()
        with self._database.writing() as connection:
            connection.execute(revisions.insert().values(row))

    def activate(self, activation: Activation) -> None:
        """Put a revision in force."""
        newest = select(func.coalesce(func.max(activations.c.sequence), 0)).where(
            activations.c.application == activation.application
        )
        with self._database.writing() as connection:
            sequence = connection.execute(newest).scalar_one() + 1
            row = {name: getattr(activation, name) for name in Activation.__dataclass_fields__}
            connection.execute(activations.insert().values(sequence=sequence, **row))

    def get(self, application: str, number: int) -> Revision | None:
        """Return one revision."""
        return next(iter(self._revisions(_of(application).where(revisions.c.number == number))), None)

    def of_digest(self, application: str, digest: str) -> Revision | None:
        """Return the newest revision with this digest."""
        query = _of(application).where(revisions.c.digest == digest).order_by(revisions.c.number.desc()).limit(1)
        return next(iter(self._revisions(query)), None)

    def newest(self, application: str) -> int:
        """Return the highest number, 0 where there is none."""
        query = select(func.coalesce(func.max(revisions.c.number), 0)).where(revisions.c.application == application)
        with self._database.reading() as connection:
            number: int = connection.execute(query).scalar_one()
        return number

    def active(self, application: str) -> Revision | None:
        """Return the revision in force."""
        return next(iter(self._revisions(_in_force().where(revisions.c.application == application))), None)

    def all_active(self) -> list[Revision]:
        """Return the revision in force of every application, by name."""
        return self._revisions(_in_force().order_by(revisions.c.application))

    def never_active(self) -> list[Revision]:
        """Return the newest revision of every application of which none has been in force yet, by name."""
        query = select(revisions).where(revisions.c.application.not_in(select(activations.c.application)))
        found = self._revisions(query.order_by(revisions.c.application, revisions.c.number))
        return list({one.application: one for one in found}.values())

    def activations(self, application: str) -> list[Activation]:
        """Return what was in force since when, newest first."""
        columns = [activations.c[name] for name in Activation.__dataclass_fields__]
        query = select(*columns).where(activations.c.application == application).order_by(activations.c.sequence.desc())
        with self._database.reading() as connection:
            return [Activation(*row) for row in connection.execute(query)]

    def revisions(self, application: str) -> list[Revision]:
        """Return all revisions, newest first."""
        return self._revisions(_of(application).order_by(revisions.c.number.desc()))

    def _revisions(self, query: Select[Any]) -> list[Revision]:
        with self._database.reading() as connection:
            rows = connection.execute(query).mappings().all()
        return [
            Revision(**{**row, "definition": msgspec.json.decode(row["definition"], type=Definition)}) for row in rows
        ]


def _of(application: str) -> Select[Any]:
    return select(revisions).where(revisions.c.application == application)


def _in_force() -> Select[Any]:
    last = (
        select(activations.c.application, func.max(activations.c.sequence).label("sequence"))
        .group_by(activations.c.application)
        .subquery()
    )
    of_last = and_(activations.c.application == last.c.application, activations.c.sequence == last.c.sequence)
    of_revision = and_(revisions.c.application == activations.c.application, revisions.c.number == activations.c.number)
    return select(revisions).join(activations, of_revision).join(last, of_last)
