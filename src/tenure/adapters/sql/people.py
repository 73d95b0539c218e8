"""Accounts, sessions and sign-in links in the control database."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from tenure.adapters.sql.people_tables import governance_link, governance_session, governance_user
from tenure.governance.access import Role
from tenure.governance.people import User
from tenure.governance.sessions import Session, SignInLink
from tenure.kit.clock import DAY

if TYPE_CHECKING:
    from sqlalchemy import Row

    from tenure.adapters.sql.engine import Database

#: The audit trail remembers who signed in; the rows themselves are of no use once they open nothing.
_FORGOTTEN_AFTER = 30 * DAY


class SqlUsers:
    """The accounts by name (governance/ports.py)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, user: User) -> None:
        """Keep a new account."""
        with self._database.writing() as connection:
            connection.execute(governance_user.insert().values(**_columns(user)))

    def save(self, user: User) -> None:
        """Keep the account's new state."""
        with self._database.writing() as connection:
            update = governance_user.update().where(governance_user.c.name == user.name)
            connection.execute(update.values(**_columns(user)))

    def get(self, name: str) -> User | None:
        """Return the account of this name."""
        with self._database.reading() as connection:
            row = connection.execute(select(governance_user).where(governance_user.c.name == name)).first()
        return _user(row) if row else None

    def all(self) -> list[User]:
        """Return all accounts ever made, by name."""
        with self._database.reading() as connection:
            return [_user(row) for row in connection.execute(select(governance_user).order_by(governance_user.c.name))]


class SqlSessions:
    """The sessions and the links (governance/ports.py)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, session: Session) -> None:
        """Keep a new session, and forget those that were over long ago."""
        old = session.began_at - _FORGOTTEN_AFTER
        with self._database.writing() as connection:
            connection.execute(governance_session.delete().where(governance_session.c.expires_at < old))
            connection.execute(governance_session.insert().values(**asdict(session)))

    def save(self, session: Session) -> None:
        """Keep the session's new state."""
        with self._database.writing() as connection:
            update = governance_session.update().where(governance_session.c.id == session.id)
            connection.execute(update.values(**asdict(session)))

    def get(self, session_id: str) -> Session | None:
        """Return the session of this id."""
        return self._one(governance_session.c.id == session_id)

    def by_digest(self, digest: str) -> Session | None:
        """Return the session whose secret has this sha256 (hex)."""
        return self._one(governance_session.c.digest == digest)

    def open(self, now: int) -> list[Session]:
        """Return the sessions that are not over, oldest first."""
        columns = governance_session.c
        query = select(governance_session).where(columns.ended_at.is_(None), columns.expires_at > now)
        with self._database.reading() as connection:
            rows = connection.execute(query.order_by(columns.began_at, columns.id))
            return [Session(**row._mapping) for row in rows]  # noqa: SLF001 - SQLAlchemy's public name

    def end_all(self, subject: str, now: int) -> None:
        """End every open session of a subject."""
        columns = governance_session.c
        update = governance_session.update().where(columns.subject == subject, columns.ended_at.is_(None))
        with self._database.writing() as connection:
            connection.execute(update.values(ended_at=now))

    def add_link(self, link: SignInLink) -> None:
        """Keep a new link, and forget those that were over long ago."""
        old = link.made_at - _FORGOTTEN_AFTER
        with self._database.writing() as connection:
            connection.execute(governance_link.delete().where(governance_link.c.expires_at < old))
            connection.execute(governance_link.insert().values(**asdict(link)))

    def link(self, digest: str) -> SignInLink | None:
        """Return the link whose code has this sha256 (hex)."""
        with self._database.reading() as connection:
            row = connection.execute(select(governance_link).where(governance_link.c.digest == digest)).first()
        return SignInLink(**row._mapping) if row else None  # noqa: SLF001 - SQLAlchemy's public name

    def save_link(self, link: SignInLink) -> None:
        """Keep the link's new state."""
        with self._database.writing() as connection:
            update = governance_link.update().where(governance_link.c.digest == link.digest)
            connection.execute(update.values(**asdict(link)))

    def _one(self, condition: Any) -> Session | None:
        with self._database.reading() as connection:
            row = connection.execute(select(governance_session).where(condition)).first()
        return Session(**row._mapping) if row else None  # noqa: SLF001 - SQLAlchemy's public name


def _columns(user: User) -> dict[str, Any]:
    return asdict(user) | {"role": user.role.value, "applications": json.dumps(sorted(user.applications))}


def _user(row: Row[Any]) -> User:
    columns = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for the row as a mapping
    columns["role"] = Role(columns["role"])
    columns["applications"] = frozenset(json.loads(columns["applications"]))
    return User(**columns)
