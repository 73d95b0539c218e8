"""Who writes in the SQLite file takes turns with all others: nobody is told that it is locked, however long it takes."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from sqlalchemy.exc import IntegrityError

from tenure.adapters.sql.engine import Database
from tenure.adapters.sql.tables import governance_setting
from tenure.adapters.sql.upgrade import upgrade
from tenure.adapters.sqlite import turns_file

if TYPE_CHECKING:
    from pathlib import Path


def _note(database: Database, name: str) -> None:
    with database.writing() as connection:
        connection.execute(governance_setting.insert().values(name=name, value=""))


def test_who_waits_to_write_waits_as_long_as_another_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tenure.adapters.sql.engine._BUSY_MS", 1)
    one, other = Database(tmp_path / "control.db"), Database(tmp_path / "control.db")
    upgrade(one, tmp_path / "backups", 1)
    waiting = threading.Thread(target=_note, args=(other, "second"))
    with one.writing() as connection:
        connection.execute(governance_setting.insert().values(name="first", value=""))
        waiting.start()
        # SQLite would have given up long before.
        waiting.join(0.1)
        assert waiting.is_alive()
    waiting.join()
    with one.reading() as connection:
        assert set(connection.execute(governance_setting.select()).scalars()) >= {"first", "second"}
    one.close()
    other.close()


def test_a_turn_ends_when_what_was_written_fails(tmp_path: Path) -> None:
    one, other = Database(tmp_path / "control.db"), Database(tmp_path / "control.db")
    upgrade(one, tmp_path / "backups", 1)
    _note(one, "a")
    with pytest.raises(IntegrityError):
        _note(one, "a")
    _note(other, "b")
    one.close()
    other.close()
    assert turns_file(tmp_path / "control.db").stat().st_size == 0
