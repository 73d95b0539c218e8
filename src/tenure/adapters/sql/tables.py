"""The tables of the model's life (`model_*`) and of governance (`governance_*`). Times are UTC microseconds."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, ForeignKey, ForeignKeyConstraint, Index, Integer, String, Table, Text

from tenure.adapters.sql.metadata import metadata

#: `last_number` was the last number given, so that none is used twice; `changes` counts every change of the model,
#: and a change that was decided on an older count is refused.
model_model = Table(
    "model_model",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("created_at", BigInteger, nullable=False),
    Column("created_by", String(128), nullable=False),
    Column("last_number", Integer, nullable=False),
    Column("changes", Integer, nullable=False),
)

#: `draft` is the digest of the package as it was handed in, which differs from `digest` when registering completed it.
model_version = Table(
    "model_version",
    metadata,
    Column("model", String(64), ForeignKey("model_model.name"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("digest", String(71), nullable=False, unique=True),
    Column("draft", String(71), nullable=False, index=True),
    Column("environment", String(71), nullable=False),
    Column("stage", String(16), nullable=False),
    Column("registered_at", BigInteger, nullable=False),
    Column("registered_by", String(128), nullable=False),
    Column("manifest", Text, nullable=False),
)

model_alias = Table(
    "model_alias",
    metadata,
    Column("model", String(64), primary_key=True),
    Column("alias", String(32), primary_key=True),
    Column("number", Integer, nullable=False),
    ForeignKeyConstraint(["model", "number"], ["model_version.model", "model_version.number"]),
)

#: one row per version in service; `role` is one of model/deployment/fleet.py, `share` a canary's part of the traffic
model_deployment = Table(
    "model_deployment",
    metadata,
    Column("model", String(64), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("role", String(16), nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("share", Float, nullable=False, server_default="0"),
    ForeignKeyConstraint(["model", "number"], ["model_version.model", "model_version.number"]),
)

#: what an alias pointed to from `at` on, until the next row of the same alias (number 0: to nothing); never changed
model_served = Table(
    "model_served",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("model", String(64), nullable=False),
    Column("alias", String(32), nullable=False),
    Column("number", Integer, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("actor", String(128), nullable=False),
    Column("action", String(64), nullable=False),
    Column("reason", Text, nullable=False),
    Index("ix_model_served_at", "model", "alias", "at"),
)

#: what was said about a version after it was sealed; never changed. `kind`: seal, approval, archive, restore, tombstone,
#: attachment
model_attestation = Table(
    "model_attestation",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("model", String(64), nullable=False),
    Column("number", Integer, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("actor", String(128), nullable=False),
    Column("body", Text, nullable=False),
    ForeignKeyConstraint(["model", "number"], ["model_version.model", "model_version.number"]),
)

governance_token = Table(
    "governance_token",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("role", String(16), nullable=False),
    Column("applications", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("created_by", String(128), nullable=False),
    Column("expires_at", BigInteger),
    Column("revoked_at", BigInteger),
    Column("rate", String(16), nullable=False, server_default=""),
    Column("name", String(64), nullable=False, server_default=""),
)

#: the chain of governance/audit.py; rows are only ever added
governance_audit = Table(
    "governance_audit",
    metadata,
    Column("sequence", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("actor", String(128), nullable=False),
    Column("role", String(16), nullable=False),
    Column("action", String(64), nullable=False),
    Column("target", String(160), nullable=False, index=True),
    Column("reason", Text, nullable=False),
    Column("request", String(64), nullable=False),
    Column("before", Text, nullable=False),
    Column("after", Text, nullable=False),
    Column("previous", String(71), nullable=False),
    Column("digest", String(71), nullable=False),
)

#: settings of the home that an action changes: `policy`
governance_setting = Table(
    "governance_setting",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("value", Text, nullable=False),
)

#: what officers say of models, whether they are served here or not; rows are only ever added, the newest holds
governance_inventory = Table(
    "governance_inventory",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("model", String(64), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("actor", String(128), nullable=False),
    Column("entry", Text, nullable=False),
    Index("ix_governance_inventory_model", "model"),
)

#: retention classes, what is kept under them, what was proposed to go (governance/retention.py), every state of it
governance_retention = Table(
    "governance_retention",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("kind", String(16), nullable=False),
    Column("name", String(160), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("actor", String(128), nullable=False),
    Column("body", Text, nullable=False),
    Index("ix_governance_retention_name", "kind", "name"),
)

#: legal holds, never removed; a hold without `released_at` is in force. `target` is written as governance/holds.py says
governance_hold = Table(
    "governance_hold",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("target", String(160), nullable=False, index=True),
    Column("reason", Text, nullable=False),
    Column("placed_at", BigInteger, nullable=False),
    Column("placed_by", String(128), nullable=False),
    Column("released_at", BigInteger),
    Column("released_by", String(128), nullable=False),
)

#: keys whose packages may run what their author wrote; one that is trusted no more stays, so that it is not trusted again by itself
governance_trusted_key = Table(
    "governance_trusted_key",
    metadata,
    Column("key", String(16), primary_key=True),
    Column("public", String(64), nullable=False),
    Column("name", String(128), nullable=False),
    Column("added_at", BigInteger, nullable=False),
    Column("added_by", String(128), nullable=False),
    Column("removed_at", BigInteger),
)
