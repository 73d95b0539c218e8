"""All rows of one control database into another one with the same tables, of the same kind or not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Integer, MetaData, func, select, text

if TYPE_CHECKING:
    from sqlalchemy import Connection, Table

_AT_ONCE = 1000
_CHAIN = "alembic_version"


def fill(source: Connection, target: Connection) -> int:
    """Copy every row into tables that are empty; numbers given from now on go on after those copied. Return how many."""
    tables = MetaData()
    tables.reflect(target, only=lambda name, _: name != _CHAIN)
    copied = sum(_copy(table, source, target) for table in tables.sorted_tables)
    if target.dialect.name == "postgresql":
        for table in tables.sorted_tables:
            _go_on_numbering(table, target)
    return copied


def _copy(table: Table, source: Connection, target: Connection) -> int:
    copied = 0
    for rows in source.execute(select(table)).mappings().partitions(_AT_ONCE):
        target.execute(table.insert(), [dict(row) for row in rows])
        copied += len(rows)
    return copied


def _go_on_numbering(table: Table, target: Connection) -> None:
    for column in table.primary_key:
        if isinstance(column.type, Integer) and column.server_default is not None:
            last = target.execute(select(func.max(column))).scalar() or 0
            target.execute(
                text("SELECT setval(pg_get_serial_sequence(:table, :column), :last, :used)"),
                {"table": table.name, "column": column.name, "last": max(last, 1), "used": last > 0},
            )
