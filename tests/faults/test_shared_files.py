"""Eight processes that work in the same database files: nobody is told that one is locked, and nothing is lost."""

from __future__ import annotations

import multiprocessing
import os
import sqlite3
import time
from typing import TYPE_CHECKING

import pytest

from tenure.adapters.decision_log.claims import Claims, Done, Reserved
from tenure.adapters.decision_log.persons import Persons
from tenure.adapters.sql.engine import Database
from tenure.adapters.sql.tables import governance_setting
from tenure.adapters.sql.upgrade import upgrade
from tenure.kit.clock import SystemClock

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.processes

PROCESSES = 8
KEY = b"k" * 32


def _work(folder: Path, number: int, seconds: float) -> int:
    """Reserve and settle keys, name persons, write settings, until the time is over; return how many rounds."""
    claims = Claims(folder / "claims.db", clock=SystemClock())
    persons = Persons(folder / "persons.db", KEY, clock=SystemClock())
    database = Database(folder / "control.db")
    rounds, until = 0, time.monotonic() + seconds
    while time.monotonic() < until or rounds < 3:
        rounds += 1
        key = f"{number}-{rounds}"
        assert claims.reserve("offers", key, "body", key, f"gateway-{number}") == Reserved()
        claims.finish("offers", key, key.encode())
        pseudonym = persons.pseudonym(f"person-{rounds % 50}")
        persons.encrypt(pseudonym, {"email": key})
        with database.writing() as connection:
            connection.execute(governance_setting.insert().values(name=key, value=key))
    for part in (claims, persons, database):
        part.close()
    return rounds


def together(folder: Path, seconds: float) -> None:
    database = Database(folder / "control.db")
    upgrade(database, folder / "backups", 1)
    database.close()
    context = multiprocessing.get_context("forkserver")
    # What all of them need is loaded once.
    context.set_forkserver_preload([__name__])
    with context.Pool(PROCESSES) as pool:
        rounds = pool.starmap(_work, [(folder, number, seconds) for number in range(PROCESSES)])
    with sqlite3.connect(folder / "control.db") as connection:
        kept = connection.execute("SELECT count(*) FROM governance_setting WHERE name LIKE '%-%'").fetchone()[0]
    assert kept == sum(rounds), "a write was acknowledged and is not there"
    claims = Claims(folder / "claims.db", clock=SystemClock())
    for number, count in enumerate(rounds):
        last = f"{number}-{count}"
        assert claims.reserve("offers", last, "body", "other", "gateway-9") == Done(last.encode())
    claims.close()


def test_eight_processes_work_in_the_same_files_for_a_moment(tmp_path: Path) -> None:
    together(tmp_path, 0.5)


@pytest.mark.soak
def test_eight_processes_work_in_the_same_files_for_an_hour(tmp_path: Path) -> None:
    together(tmp_path, float(os.environ.get("SOAK_SECONDS", "3600")))
