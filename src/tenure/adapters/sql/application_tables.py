"""The tables of applications: their revisions, and which of them was in force since when. Nothing is updated or deleted."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKeyConstraint, Index, Integer, String, Table, Text

from tenure.adapters.sql.metadata import metadata

revisions = Table(
    "application_revisions",
    metadata,
    Column("application", String(64), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("source", Text, nullable=False),
    Column("digest", String(71), nullable=False),
    Column("definition", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False),
)

activations = Table(
    "application_activations",
    metadata,
    Column("application", String(64), primary_key=True),
    #: counts from 1 for each application; the highest is in force
    Column("sequence", Integer, primary_key=True, autoincrement=False),
    Column("number", Integer, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False),
    ForeignKeyConstraint(
        ["application", "number"], ["application_revisions.application", "application_revisions.number"]
    ),
    Index("ix_application_activations_application_at", "application", "at"),
)

#: results of back-tests, found by the digest of the definition that was tried, whether it was ever applied or not
backtests = Table(
    "application_backtests",
    metadata,
    Column("sequence", Integer, primary_key=True, autoincrement=True),
    Column("application", String(64), nullable=False),
    Column("digest", String(71), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("result", Text, nullable=False),
    Index("ix_application_backtests_application_digest", "application", "digest"),
)
