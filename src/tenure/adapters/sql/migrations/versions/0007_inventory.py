"""What officers say of models."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Make the table of the inventory."""
    op.create_table(
        "governance_inventory",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("model", sa.String(length=64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.String(length=128), nullable=False),
        sa.Column("entry", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_governance_inventory")),
    )
    op.create_index("ix_governance_inventory_model", "governance_inventory", ["model"], unique=False)


def downgrade() -> None:
    """Forget the inventory."""
    op.drop_table("governance_inventory")
