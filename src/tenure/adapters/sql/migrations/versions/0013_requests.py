"""Requests that came under an Idempotency-Key, and names of tokens."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Make their table; give every token a name, the empty one."""
    op.create_table(
        "governance_request",
        sa.Column("actor", sa.String(128), nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("request", sa.String(64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("run", sa.String(64), nullable=False),
        sa.Column("event", sa.BigInteger()),
        sa.Column("answer", sa.Text()),
        sa.PrimaryKeyConstraint("actor", "key", name=op.f("pk_governance_request")),
    )
    op.create_index(op.f("ix_governance_request_at"), "governance_request", ["at"])
    op.add_column("governance_token", sa.Column("name", sa.String(64), nullable=False, server_default=""))


def downgrade() -> None:
    """Forget the names and the requests."""
    op.drop_column("governance_token", "name")
    op.drop_table("governance_request")
