"""A version's process is begun before the home is open: only where it may and can be, and it is the one that answers."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from tenure.adapters.sql.endings import SqlKept
from tenure.adapters.sql.glance import glance
from tenure.app import ahead, packaging
from tenure.app.actions import named
from tenure.app.control import Control
from tenure.app.locking import HomeInUse, HomeLock
from tenure.entrypoints.cli.caller import in_process
from tenure.governance.access import local_actor
from tenure.kit.clock import FixedClock
from tenure.model.lifecycle import Stage
from tenure.model.version import AliasRef, VersionRef, parse_ref
from tenure.settings import Home, Workshop
from tests.app.plain_model import packaged

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.processes
ADA = local_actor("ada")
ROW = {"a": 1.0, "b": 2.0}
ONE = VersionRef("plain", 1)


@pytest.fixture(scope="module")
def home(workshop: Workshop, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home with plain/1 and plain/2, nothing of it running."""
    home = Home(tmp_path_factory.mktemp("ahead") / "home")
    with Control.open(home, FixedClock()) as control:
        for weight in (2.0, 3.0):
            do(control, "versions:register", package=str(packaged(workshop, weight)))
    return home


def do(control: Control, action: str, /, **given: Any) -> Any:
    return control.perform(action, ADA, msgspec.convert(given, named(action).input))


@pytest.mark.parametrize(("ref", "score"), [("plain/1", 6.0), ("plain/2", 9.0)])
def test_who_runs_a_version_is_answered_by_the_process_that_was_begun_first(
    home: Home, ref: str, score: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    def started(*_: Any) -> Any:
        raise AssertionError("another process was started")

    monkeypatch.setattr(packaging, "started", started)
    with in_process(home, ref) as tenure:
        found = tenure.call("versions:run", model="plain", version=ref[-1], rows=[ROW])
    assert found["outputs"] == [{"score": score}]
    assert found["seconds"]["restore"] == 0


def test_another_version_than_the_one_begun_gets_a_process_of_its_own(home: Home) -> None:
    with in_process(home, "plain/1") as tenure:
        found = tenure.call("versions:run", model="plain", version="2", rows=[ROW])
    assert found["outputs"] == [{"score": 9.0}]


@pytest.mark.parametrize("ref", ["plain/3", "plain@champion", "churn/1", "churn@champion"])
def test_of_what_is_not_there_nothing_is_begun_and_whoever_opens_the_home_says_what_is_wrong(
    home: Home, ref: str
) -> None:
    with ahead.begun(home, parse_ref(ref)) as begun:
        assert begun is None


def test_nothing_is_begun_in_a_home_that_is_empty_or_can_run_it_only_after_work(home: Home, tmp_path: Path) -> None:
    with ahead.begun(Home(tmp_path), ONE) as begun:
        assert begun is None
    for cache in (home.packages, home.environments):
        cache.rename(away := cache.with_name("away"))
        with ahead.begun(home, ONE) as begun:
            assert begun is None
        away.rename(cache)


def test_nothing_is_begun_of_a_package_that_was_changed(home: Home) -> None:
    seen = glance(home.control_db, ONE)
    assert seen is not None
    file = home.packages / seen.digest.removeprefix("sha256:") / "code/plain.py"
    before = file.read_bytes()
    file.write_bytes(before + b"\n")
    with ahead.begun(home, ONE) as begun:
        assert begun is None
    file.write_bytes(before)


def test_a_process_that_nobody_took_ends_with_the_block_though_it_was_still_loading(home: Home) -> None:
    running: list[subprocess.Popen[bytes]] = []

    class Seen(subprocess.Popen[bytes]):
        def __init__(self, *given: Any, **options: Any) -> None:
            super().__init__(*given, **options)
            running.append(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(subprocess, "Popen", Seen)
        with ahead.begun(home, ONE) as begun:
            assert begun is not None
    assert [one.returncode is not None for one in running] == [True]


def test_a_home_in_use_is_refused_before_anything_is_begun(home: Home) -> None:
    held = HomeLock(home)
    with pytest.raises(HomeInUse), in_process(home, "plain/1"):
        pass
    held.close()
    with in_process(home, "plain/1"):
        pass


def test_what_is_seen_at_a_glance_is_what_the_stores_say(home: Home) -> None:
    with Control.open(home, publishes=False) as control:
        kept, trusted = SqlKept(control._database), frozenset(one.key for one in do(control, "trust:list"))
        for ref in kept.all():
            seen = glance(home.control_db, ref)
            assert seen is not None
            assert (seen.ref, seen.digest, seen.trusted) == (ref, kept.get(ref).digest, trusted)
        with control._database.writing() as connection:
            connection.exec_driver_sql("INSERT INTO model_alias VALUES ('plain', 'champion', 2)")
            connection.exec_driver_sql(f"UPDATE model_version SET stage = '{Stage.DESTROYED.value}' WHERE number = 1")
    assert glance(home.control_db, AliasRef("plain", "champion")) == glance(home.control_db, VersionRef("plain", 2))
    assert glance(home.control_db, ONE) is None


def test_it_takes_nothing_that_is_slow_to_import() -> None:
    code = (
        "import sys, tenure.app.ahead, tenure.app.locking;"
        "print([m for m in ('sqlalchemy','alembic','litestar','pyarrow','duckdb','numpy','yaml','asyncio') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
