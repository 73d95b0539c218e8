"""The metadata with every table in it: importing the modules of tables is what fills it."""

from __future__ import annotations

from tenure.adapters.sql import application_tables, monitoring_tables, people_tables, tables
from tenure.adapters.sql.metadata import metadata

__all__ = ["application_tables", "metadata", "monitoring_tables", "people_tables", "tables"]
