"""The tables of monitoring: profiles and the watermark can be worked out again, alerts carry what people did."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text

from tenure.adapters.sql.metadata import metadata

#: one row per version, day and UTC day of arrival; `profile` is JSON (model/monitoring/profile.py)
profiles = Table(
    "model_profile",
    metadata,
    Column("model", Text, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("day", Text, primary_key=True),
    Column("arrived", Text, primary_key=True),
    Column("yardstick", Text, nullable=False),
    Column("profile", Text, nullable=False),
    Index("ix_model_profile_arrived", "arrived"),
)

#: one row: up to which leaf the log has been counted
watermarks = Table(
    "model_monitoring",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("watermark", BigInteger, nullable=False),
)

#: one row per alert; `column_name` is empty where an alert is about no column; `alert` is the whole of it as JSON
alerts = Table(
    "model_alert",
    metadata,
    Column("id", Text, primary_key=True),
    Column("model", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("column_name", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("opened_at", BigInteger, nullable=False),
    Column("alert", Text, nullable=False),
    Index("ix_model_alert_version", "model", "version"),
)

#: each row is the whole record as JSON, beside what it is found by
webhooks = Table(
    "model_webhook", metadata, Column("id", Text, primary_key=True), Column("record", Text, nullable=False)
)
silences = Table(
    "model_silence", metadata, Column("id", Text, primary_key=True), Column("record", Text, nullable=False)
)
deliveries = Table(
    "model_delivery",
    metadata,
    Column("id", Text, primary_key=True),
    Column("webhook", Text, nullable=False),
    Column("alert", Text, nullable=False),
    Column("what", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("record", Text, nullable=False),
    Index("ux_model_delivery_once", "webhook", "alert", "what", unique=True),
)
