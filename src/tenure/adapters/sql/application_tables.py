"""The tables of applications: their revisions, which was in force since when, who approved them, what is to come.

Revisions, activations and approvals are never updated or deleted.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Float, ForeignKeyConstraint, Index, Integer, String, Table, Text

from tenure.adapters.sql.metadata import metadata


def _of_revision() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(
        ["application", "number"], ["application_revisions.application", "application_revisions.number"]
    )


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
    _of_revision(),
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

#: who found a revision good enough to answer
approvals = Table(
    "application_approvals",
    metadata,
    Column("application", String(64), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("own_work", Boolean, nullable=False),
    Column("implied", Boolean, nullable=False),
    Column("reason", Text, nullable=False),
    _of_revision(),
)

#: when revisions come into force, and leave it; `state` and `why` alone are changed (application/revisions/life.py)
schedules = Table(
    "application_schedules",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("application", String(64), nullable=False),
    Column("number", Integer, nullable=False),
    Column("starts_at", BigInteger, nullable=False),
    Column("ends_at", BigInteger),
    Column("base", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("role", String(16), nullable=False),
    Column("reason", Text, nullable=False),
    Column("why", Text, nullable=False),
    _of_revision(),
)

#: the revision that is evaluated beside the one in force; one for each application, gone when the trial ends
trials = Table(
    "application_trials",
    metadata,
    Column("application", String(64), primary_key=True),
    Column("number", Integer, nullable=False),
    Column("share", Float, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False),
    _of_revision(),
)

#: what projects are for; the audit trail has what was said of them before
projects = Table(
    "application_projects",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("goal", Text, nullable=False),
    Column("measure", Text, nullable=False),
    Column("better", String(8), nullable=False),
    Column("owner", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False),
)
