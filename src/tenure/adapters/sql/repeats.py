"""Requests that came under an Idempotency-Key, in the control database."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from tenure.adapters.sql.people_tables import governance_request
from tenure.governance.repeating import Kept

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from tenure.adapters.sql.engine import Database


class SqlRepeats:
    """Where requests are remembered (governance/repeating.py)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def transaction(self) -> AbstractContextManager[object]:
        """Begin or join the write transaction."""
        return self._database.writing()

    def get(self, actor: str, key: str) -> Kept | None:
        """Return what is remembered of an actor's key."""
        with self._database.reading() as connection:
            row = connection.execute(select(governance_request).where(_is(actor, key))).first()
        return Kept(**row._mapping) if row else None  # noqa: SLF001 - SQLAlchemy's public name

    def put(self, kept: Kept) -> None:
        """Remember a request in the place of what was there."""
        with self._database.writing() as connection:
            connection.execute(governance_request.delete().where(_is(kept.actor, kept.key)))
            connection.execute(governance_request.insert().values(**asdict(kept)))

    def answered(self, actor: str, key: str, answer: str) -> None:
        """Keep the sealed answer."""
        with self._database.writing() as connection:
            connection.execute(governance_request.update().where(_is(actor, key)).values(answer=answer))

    def drop(self, actor: str, key: str) -> None:
        """Forget a request."""
        with self._database.writing() as connection:
            connection.execute(governance_request.delete().where(_is(actor, key)))

    def forget(self, before: int) -> None:
        """Forget the requests that came before a moment."""
        with self._database.writing() as connection:
            connection.execute(governance_request.delete().where(governance_request.c.at < before))


def _is(actor: str, key: str) -> Any:
    return (governance_request.c.actor == actor) & (governance_request.c.key == key)
