"""The migration chain: it makes exactly the tables the stores use, keeps a backup, and refuses a newer home."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from tenure.adapters.sql.engine import Database, DatabaseInUse, UnusableDatabase
from tenure.adapters.sql.every_table import metadata
from tenure.adapters.sql.holds import SqlHolds
from tenure.adapters.sql.upgrade import (
    HEAD,
    NewerHome,
    UnknownMigration,
    config,
    copy_to,
    downgrade,
    rehearse,
    revision,
    upgrade,
)
from tenure.app import databases
from tenure.settings import Home
from tests.postgres import Postgres


def test_the_chain_makes_exactly_the_tables_of_the_stores(tmp_path: Path) -> None:
    database = Database(tmp_path / "control.db")
    assert upgrade(database, tmp_path / "backups", 1) is None, "nothing was there to back up"
    with database.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    assert revision(database) == HEAD == ScriptDirectory.from_config(config()).get_current_head()
    database.close()


def test_no_foreign_key_leads_from_one_life_to_the_other() -> None:
    for table in metadata.tables.values():
        life = table.name.partition("_")[0]
        assert {key.column.table.name.partition("_")[0] for key in table.foreign_keys} <= {life}


def test_an_upgrade_keeps_a_backup_of_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database = Database(tmp_path / "control.db")
    upgrade(database, tmp_path / "backups", 1)
    with database.writing() as connection:
        connection.execute(text("INSERT INTO governance_setting VALUES ('policy', 'four-eyes')"))
    monkeypatch.setattr("tenure.adapters.sql.upgrade.HEAD", "9998")
    copy = upgrade(database, tmp_path / "backups", 2)
    database.close()
    assert copy is not None
    with closing(sqlite3.connect(copy)) as backup:
        assert backup.execute("SELECT value FROM governance_setting").fetchall() == [("four-eyes",)]


def test_a_home_of_a_newer_tenure_is_refused_untouched(tmp_path: Path) -> None:
    database = Database(tmp_path / "control.db")
    upgrade(database, tmp_path / "backups", 1)
    with database.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(NewerHome, match="9999"):
        upgrade(database, tmp_path / "backups", 2)
    assert revision(database) == "9999"
    database.close()


def test_a_migration_that_is_killed_leaves_no_table_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database = Database(tmp_path / "control.db")

    def killed(connection: object) -> None:
        _run(connection)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    from tenure.adapters.sql import upgrade as upgrading

    _run = upgrading._run
    monkeypatch.setattr(upgrading, "_run", killed)
    with pytest.raises(KeyboardInterrupt):
        upgrade(database, tmp_path / "backups", 1)
    with database.reading() as connection:
        assert inspect(connection).get_table_names() == []
    database.close()


def test_readers_neither_wait_for_a_writer_nor_see_what_is_not_committed(tmp_path: Path) -> None:
    database = Database(tmp_path / "control.db")
    upgrade(database, tmp_path / "backups", 1)
    seen: list[int] = []

    def read() -> None:
        with database.reading() as connection:
            seen.append(connection.execute(text("SELECT count(*) FROM governance_setting")).scalar_one())

    with database.writing() as connection:
        connection.execute(text("INSERT INTO governance_setting VALUES ('policy', 'open')"))
        reader = threading.Thread(target=read)
        reader.start()
        reader.join(60)
        with database.reading() as own:
            assert own.execute(text("SELECT count(*) FROM governance_setting")).scalar_one() == 1
    read()
    assert seen == [0, 1]
    database.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database without any table, of either kind."""
    url = "" if request.param == "sqlite" else request.getfixturevalue("postgres").fresh()
    database = Database(tmp_path / "control.db", url)
    yield database
    database.close()


def _tables(database: Database) -> list[str]:
    with database.reading() as connection:
        return sorted(inspect(connection).get_table_names())


def test_the_chain_leads_up_down_and_up_again_on_either_kind(empty: Database, tmp_path: Path) -> None:
    upgrade(empty, tmp_path / "backups", 1)
    for step in sorted((one.revision for one in ScriptDirectory.from_config(config()).walk_revisions()), reverse=True):
        downgrade(empty, step, tmp_path / "backups", 2 + int(step))
        assert revision(empty) == step
    upgrade(empty, tmp_path / "backups", 100)
    with empty.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    assert set(metadata.tables) < set(_tables(empty))


def test_a_rehearsal_tells_what_would_be_done_and_does_nothing(empty: Database, tmp_path: Path) -> None:
    assert len(rehearse(empty)) == int(HEAD)
    assert _tables(empty) == []
    upgrade(empty, tmp_path / "backups", 1)
    assert rehearse(empty) == []
    downgrade(empty, "0003", tmp_path / "backups", 2)
    assert rehearse(empty)[0].startswith("0004")
    assert revision(empty) == "0003"
    for wrong in ("0009", "none", HEAD):
        with pytest.raises(UnknownMigration):
            downgrade(empty, wrong, tmp_path / "backups", 3)


def test_a_copy_of_either_kind_is_a_whole_sqlite_database(empty: Database, tmp_path: Path) -> None:
    upgrade(empty, tmp_path / "backups", 1)
    with empty.writing() as connection:
        connection.execute(text("INSERT INTO governance_setting VALUES ('policy', 'four-eyes')"))
    copy_to(empty, tmp_path / "copy.db")
    copy = Database(tmp_path / "copy.db")
    assert revision(copy) == HEAD
    with copy.reading() as connection:
        assert connection.execute(text("SELECT value FROM governance_setting")).scalar_one() == "four-eyes"
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    copy.close()


def test_a_home_moves_into_postgresql_and_numbers_go_on(tmp_path: Path, postgres: Postgres) -> None:
    home = Home(tmp_path)
    old = Database(home.control_db)
    upgrade(old, tmp_path / "backups", 1)
    for target in ("churn/1", "churn/2"):
        SqlHolds(old).add(target, "asked for", 1, "ada")
    old.close()
    url = postgres.fresh()
    moved = databases.opened(home, url, 5)
    SqlHolds(moved).add("churn/3", "asked for", 2, "ada")
    assert [hold.target for hold in SqlHolds(moved).open()] == ["churn/1", "churn/2", "churn/3"]
    with pytest.raises(DatabaseInUse):
        Database(tmp_path / "other.db", url)
    moved.close()
    assert not home.control_db.exists(), "nobody may take it for the present one"
    for other in (None, postgres.fresh()):
        with pytest.raises(databases.OtherDatabase):
            databases.opened(home, other, 6)
    again = databases.opened(home, url, 7)
    assert len(SqlHolds(again).open()) == 3
    again.close()


@pytest.mark.parametrize(
    "url", ["mysql://x/y", "postgresql://x/y", "nonsense", "postgresql+psycopg://u@/x?host=/nowhere"]
)
def test_a_database_that_cannot_be_used_is_named_without_its_password(tmp_path: Path, url: str) -> None:
    with pytest.raises(UnusableDatabase) as refusal:
        Database(tmp_path / "x.db", url.replace("u@", "u:secret@"))
    assert "secret" not in str(refusal.value)
