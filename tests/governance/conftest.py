from collections.abc import Iterator
from pathlib import Path

import pytest

from tenure.adapters.sql.audit import SqlAudit
from tenure.adapters.sql.engine import Database
from tenure.adapters.sql.upgrade import upgrade


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(tmp_path / "control.db")
    upgrade(database, tmp_path / "backups", 1)
    yield database
    database.close()


@pytest.fixture
def audit(database: Database, tmp_path: Path) -> SqlAudit:
    return SqlAudit(database, tmp_path / "audit.head")
