"""Retention classes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Make the table of classes, of what is kept under them, and of what was proposed to go."""
    op.create_table(
        "governance_retention",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=160), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.String(length=128), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_governance_retention")),
    )
    op.create_index("ix_governance_retention_name", "governance_retention", ["kind", "name"], unique=False)


def downgrade() -> None:
    """Forget the classes."""
    op.drop_table("governance_retention")
