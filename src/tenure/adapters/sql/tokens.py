"""Tokens and the home's policy in the control database."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from tenure.adapters.sql.tables import governance_setting, governance_token
from tenure.governance.access import Role
from tenure.governance.approvals import Policy
from tenure.governance.tokens import Token

if TYPE_CHECKING:
    from sqlalchemy import Row

    from tenure.adapters.sql.engine import Database


class SqlTokens:
    """The tokens, by id and by the digest of their text (governance/ports.py)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, token: Token) -> None:
        """Keep a new token."""
        with self._database.writing() as connection:
            connection.execute(governance_token.insert().values(**_columns(token)))

    def save(self, token: Token) -> None:
        """Keep the token's new state."""
        with self._database.writing() as connection:
            update = governance_token.update().where(governance_token.c.id == token.id)
            connection.execute(update.values(**_columns(token)))

    def get(self, token_id: str) -> Token | None:
        """Return the token of this id."""
        return self._one(governance_token.c.id == token_id)

    def by_digest(self, digest: str) -> Token | None:
        """Return the token whose text has this sha256 (hex)."""
        return self._one(governance_token.c.digest == digest)

    def all(self) -> list[Token]:
        """Return all tokens ever made, oldest first."""
        query = select(governance_token).order_by(governance_token.c.created_at, governance_token.c.id)
        with self._database.reading() as connection:
            return [_token(row) for row in connection.execute(query)]

    def _one(self, condition: Any) -> Token | None:
        with self._database.reading() as connection:
            row = connection.execute(select(governance_token).where(condition)).first()
        return _token(row) if row else None


class SqlPolicy:
    """The home's policy (governance/ports.py); `open` until somebody sets another."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self) -> Policy:
        """Return the policy in force."""
        query = select(governance_setting.c.value).where(governance_setting.c.name == "policy")
        with self._database.reading() as connection:
            return Policy(connection.execute(query).scalar() or Policy.OPEN)

    def set(self, policy: Policy) -> None:
        """Keep the policy from now on."""
        with self._database.writing() as connection:
            connection.execute(governance_setting.delete().where(governance_setting.c.name == "policy"))
            connection.execute(governance_setting.insert().values(name="policy", value=policy.value))


def _columns(token: Token) -> dict[str, Any]:
    return asdict(token) | {"role": token.role.value, "applications": json.dumps(sorted(token.applications))}


def _token(row: Row[Any]) -> Token:
    columns = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for the row as a mapping
    columns["role"] = Role(columns["role"])
    columns["applications"] = frozenset(json.loads(columns["applications"]))
    return Token(**columns)
