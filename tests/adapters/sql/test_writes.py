"""Who looks for changes counts what was changed: a transaction that changed nothing is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.databases import opened

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tenure.adapters.sql.engine import Database


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.processes)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    one = opened(request, tmp_path)
    yield one
    one.close()


def test_only_a_transaction_that_changed_something_counts(database: Database) -> None:
    """Else a draft that is tried while it is written would have every page ask anew, and so try it again."""
    before = database.writes
    with database.writing() as connection:
        assert connection.exec_driver_sql("SELECT 1").scalar_one() == 1
    assert database.writes == before
    with database.writing() as connection:
        connection.exec_driver_sql("CREATE TABLE once (number INTEGER)")
        connection.exec_driver_sql("INSERT INTO once VALUES (1)")
    assert database.writes == before + 1
    with pytest.raises(ZeroDivisionError):
        _fail_after_writing(database)
    assert database.writes == before + 1
    with database.writing() as connection:
        connection.exec_driver_sql("DROP TABLE once")


def _fail_after_writing(database: Database) -> None:
    with database.writing() as connection:
        connection.exec_driver_sql("INSERT INTO once VALUES (2)")
        raise ZeroDivisionError
