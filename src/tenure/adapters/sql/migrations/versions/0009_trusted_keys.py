"""Keys whose packages may run what their author wrote."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Make the table of trusted keys."""
    op.create_table(
        "governance_trusted_key",
        sa.Column("key", sa.String(length=16), nullable=False),
        sa.Column("public", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("added_at", sa.BigInteger(), nullable=False),
        sa.Column("added_by", sa.String(length=128), nullable=False),
        sa.Column("removed_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_governance_trusted_key")),
    )


def downgrade() -> None:
    """Drop the table and all that is in it."""
    op.drop_table("governance_trusted_key")
