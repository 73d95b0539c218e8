"""Results of back-tests."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the table of results."""
    op.create_table(
        "application_backtests",
        sa.Column("sequence", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("application", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=71), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_application_backtests")),
    )
    op.create_index(
        "ix_application_backtests_application_digest", "application_backtests", ["application", "digest"], unique=False
    )


def downgrade() -> None:
    """Remove the table of results."""
    op.drop_table("application_backtests")
