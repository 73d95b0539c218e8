"""A canary's share of the traffic."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Give every deployment a share, which only a canary's is not 0."""
    op.add_column("model_deployment", sa.Column("share", sa.Float(), nullable=False, server_default="0"))


def downgrade() -> None:
    """Forget the shares."""
    op.drop_column("model_deployment", "share")
