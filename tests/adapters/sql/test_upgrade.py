"""The migration chain: it makes exactly the tables the stores use, keeps a backup, and refuses a newer home."""

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from tenure.adapters.sql.engine import Database
from tenure.adapters.sql.every_table import metadata
from tenure.adapters.sql.upgrade import HEAD, NewerHome, config, revision, upgrade


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
        reader.join(5)
        with database.reading() as own:
            assert own.execute(text("SELECT count(*) FROM governance_setting")).scalar_one() == 1
    read()
    assert seen == [0, 1]
    database.close()
