"""Every table of the first Tenure: the applications', the models', governance's."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make every table."""
    op.create_table(
        "application_revisions",
        sa.Column("application", sa.String(length=64), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=71), nullable=False),
        sa.Column("definition", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("application", "number", name=op.f("pk_application_revisions")),
    )
    op.create_table(
        "governance_audit",
        sa.Column(
            "sequence", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.String(length=128), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("target", sa.String(length=160), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("request", sa.String(length=64), nullable=False),
        sa.Column("before", sa.Text(), nullable=False),
        sa.Column("after", sa.Text(), nullable=False),
        sa.Column("previous", sa.String(length=71), nullable=False),
        sa.Column("digest", sa.String(length=71), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_governance_audit")),
    )
    op.create_index(op.f("ix_governance_audit_target"), "governance_audit", ["target"], unique=False)
    op.create_table(
        "governance_setting",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_governance_setting")),
    )
    op.create_table(
        "governance_token",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("applications", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.String(length=128), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_governance_token")),
        sa.UniqueConstraint("digest", name=op.f("uq_governance_token_digest")),
    )
    op.create_table(
        "model_alert",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("column_name", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("alert", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_model_alert")),
    )
    op.create_index("ix_model_alert_version", "model_alert", ["model", "version"], unique=False)
    op.create_table(
        "model_model",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.String(length=128), nullable=False),
        sa.Column("last_number", sa.Integer(), nullable=False),
        sa.Column("changes", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_model_model")),
    )
    op.create_table(
        "model_monitoring",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("watermark", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_model_monitoring")),
    )
    op.create_table(
        "model_profile",
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("arrived", sa.Text(), nullable=False),
        sa.Column("yardstick", sa.Text(), nullable=False),
        sa.Column("profile", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("model", "version", "day", "arrived", name=op.f("pk_model_profile")),
    )
    op.create_index("ix_model_profile_arrived", "model_profile", ["arrived"], unique=False)
    op.create_table(
        "model_served",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("model", sa.String(length=64), nullable=False),
        sa.Column("alias", sa.String(length=32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.String(length=128), nullable=False),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_model_served")),
    )
    op.create_index("ix_model_served_at", "model_served", ["model", "alias", "at"], unique=False)
    op.create_table(
        "application_activations",
        sa.Column("application", sa.String(length=64), nullable=False),
        sa.Column("sequence", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["application", "number"],
            ["application_revisions.application", "application_revisions.number"],
            name=op.f("fk_application_activations_application_application_revisions"),
        ),
        sa.PrimaryKeyConstraint("application", "sequence", name=op.f("pk_application_activations")),
    )
    op.create_index(
        "ix_application_activations_application_at", "application_activations", ["application", "at"], unique=False
    )
    op.create_table(
        "model_version",
        sa.Column("model", sa.String(length=64), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=71), nullable=False),
        sa.Column("draft", sa.String(length=71), nullable=False),
        sa.Column("environment", sa.String(length=71), nullable=False),
        sa.Column("stage", sa.String(length=16), nullable=False),
        sa.Column("registered_at", sa.BigInteger(), nullable=False),
        sa.Column("registered_by", sa.String(length=128), nullable=False),
        sa.Column("manifest", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["model"], ["model_model.name"], name=op.f("fk_model_version_model_model_model")),
        sa.PrimaryKeyConstraint("model", "number", name=op.f("pk_model_version")),
        sa.UniqueConstraint("digest", name=op.f("uq_model_version_digest")),
    )
    op.create_index(op.f("ix_model_version_draft"), "model_version", ["draft"], unique=False)
    op.create_table(
        "model_alias",
        sa.Column("model", sa.String(length=64), nullable=False),
        sa.Column("alias", sa.String(length=32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["model", "number"],
            ["model_version.model", "model_version.number"],
            name=op.f("fk_model_alias_model_model_version"),
        ),
        sa.PrimaryKeyConstraint("model", "alias", name=op.f("pk_model_alias")),
    )
    op.create_table(
        "model_attestation",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("model", sa.String(length=64), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.String(length=128), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["model", "number"],
            ["model_version.model", "model_version.number"],
            name=op.f("fk_model_attestation_model_model_version"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_model_attestation")),
    )
    op.create_table(
        "model_deployment",
        sa.Column("model", sa.String(length=64), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["model", "number"],
            ["model_version.model", "model_version.number"],
            name=op.f("fk_model_deployment_model_model_version"),
        ),
        sa.PrimaryKeyConstraint("model", "number", name=op.f("pk_model_deployment")),
    )


def downgrade() -> None:
    """Drop every table and all that is in them."""
    op.drop_table("model_deployment")
    op.drop_table("model_attestation")
    op.drop_table("model_alias")
    op.drop_index(op.f("ix_model_version_draft"), table_name="model_version")
    op.drop_table("model_version")
    op.drop_index("ix_application_activations_application_at", table_name="application_activations")
    op.drop_table("application_activations")
    op.drop_index("ix_model_served_at", table_name="model_served")
    op.drop_table("model_served")
    op.drop_index("ix_model_profile_arrived", table_name="model_profile")
    op.drop_table("model_profile")
    op.drop_table("model_monitoring")
    op.drop_table("model_model")
    op.drop_index("ix_model_alert_version", table_name="model_alert")
    op.drop_table("model_alert")
    op.drop_table("governance_token")
    op.drop_table("governance_setting")
    op.drop_index(op.f("ix_governance_audit_target"), table_name="governance_audit")
    op.drop_table("governance_audit")
    op.drop_table("application_revisions")
