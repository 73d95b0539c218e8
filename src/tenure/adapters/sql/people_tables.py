"""The tables of accounts, their sessions and sign-in links, and of requests under a key. Times are UTC microseconds."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, String, Table, Text

from tenure.adapters.sql.metadata import metadata

#: never removed, because the audit trail speaks of the names; `password` is an argon2id hash or empty
governance_user = Table(
    "governance_user",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("role", String(16), nullable=False),
    Column("applications", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("created_by", String(128), nullable=False),
    Column("password", String(256), nullable=False),
    Column("disabled_at", BigInteger),
)

#: `digest` is the sha256 of the secret in the cookie; `subject` the actor whose rights it has
governance_session = Table(
    "governance_session",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("subject", String(128), nullable=False, index=True),
    Column("began_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
)

#: links that sign somebody in once; `digest` is the sha256 of the code in the link
governance_link = Table(
    "governance_link",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("subject", String(128), nullable=False),
    Column("made_at", BigInteger, nullable=False),
    Column("made_by", String(128), nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("used_at", BigInteger),
)

#: governance/repeating.py; `key` and `request` are keyed hashes, `answer` is sealed
governance_request = Table(
    "governance_request",
    metadata,
    Column("actor", String(128), primary_key=True),
    Column("key", String(64), primary_key=True),
    Column("request", String(64), nullable=False),
    Column("at", BigInteger, nullable=False, index=True),
    Column("run", String(64), nullable=False),
    Column("event", BigInteger),
    Column("answer", Text),
)
