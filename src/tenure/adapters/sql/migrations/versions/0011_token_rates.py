"""How often a token may ask."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Give every token a rate; the empty one is none."""
    op.add_column("governance_token", sa.Column("rate", sa.String(16), nullable=False, server_default=""))


def downgrade() -> None:
    """Forget the rates."""
    op.drop_column("governance_token", "rate")
