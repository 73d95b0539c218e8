"""Approvals, schedules and trials of revisions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_OF_REVISION = ["application_revisions.application", "application_revisions.number"]


def upgrade() -> None:
    """Make the three tables."""
    op.create_table(
        "application_approvals",
        sa.Column("application", sa.String(length=64), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("own_work", sa.Boolean(), nullable=False),
        sa.Column("implied", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["application", "number"],
            _OF_REVISION,
            name=op.f("fk_application_approvals_application_application_revisions"),
        ),
        sa.PrimaryKeyConstraint("application", "number", name=op.f("pk_application_approvals")),
    )
    op.create_table(
        "application_schedules",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("application", sa.String(length=64), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("starts_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=True),
        sa.Column("base", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["application", "number"],
            _OF_REVISION,
            name=op.f("fk_application_schedules_application_application_revisions"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_application_schedules")),
    )
    op.create_table(
        "application_trials",
        sa.Column("application", sa.String(length=64), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("share", sa.Float(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["application", "number"],
            _OF_REVISION,
            name=op.f("fk_application_trials_application_application_revisions"),
        ),
        sa.PrimaryKeyConstraint("application", name=op.f("pk_application_trials")),
    )


def downgrade() -> None:
    """Drop the three tables."""
    for table in ("application_trials", "application_schedules", "application_approvals"):
        op.drop_table(table)
