from collections.abc import Iterator
from pathlib import Path

import pytest

from tenure.adapters.sql.audit import SqlAudit
from tenure.adapters.sql.engine import Database
from tests.databases import opened


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty control database, of either kind."""
    database = opened(request, tmp_path)
    yield database
    database.close()


@pytest.fixture
def audit(database: Database, tmp_path: Path) -> SqlAudit:
    return SqlAudit(database, tmp_path / "audit.head")
