"""Control databases for tests, of either kind: each test has one of its own, with all tables and no rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenure.adapters.sql.engine import Database
from tenure.adapters.sql.every_table import metadata
from tenure.adapters.sql.upgrade import upgrade

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.postgres import Postgres

_migrated: dict[int, str] = {}


def opened(request: pytest.FixtureRequest, folder: Path) -> Database:
    """Return the database that a fixture's parameter names: `sqlite` or `postgresql`."""
    if request.param == "sqlite":
        database = Database(folder / "control.db")
        upgrade(database, folder / "backups", 1)
        return database
    server: Postgres = request.getfixturevalue("postgres")
    # Emptied and not made anew: a database takes PostgreSQL much longer than a test takes us.
    if id(server) not in _migrated:
        _migrated[id(server)] = server.fresh()
    database = Database(folder / "control.db", _migrated[id(server)])
    upgrade(database, folder / "backups", 1)
    with database.writing() as connection:
        names = ", ".join(table.name for table in metadata.sorted_tables)
        connection.exec_driver_sql(f"TRUNCATE {names} RESTART IDENTITY")
    return database
