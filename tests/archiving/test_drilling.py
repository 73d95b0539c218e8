"""When drills come by themselves: what was not proven for long, and all that an earlier Tenure has proven."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from tenure.adapters.sql.engine import Database
from tenure.adapters.sql.releases import upgraded_at
from tenure.adapters.sql.upgrade import upgrade
from tenure.app.drilling import Drilling
from tenure.kit.clock import DAY, FixedClock
from tenure.model.archiving.proof import Drilled
from tenure.model.version import VersionRef

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tenure.model.archiving.actions import Archives

NOW = 1000 * DAY


class Tried:
    """Environments and when each was tried last; those named in `broken` fail."""

    def __init__(self, tried: dict[str, int], broken: str = "") -> None:
        self.tried, self.broken = tried, broken
        self.drilled: list[str] = []

    def drill_next(self, _: Any, before: int) -> Drilled | None:
        oldest = min(self.tried, key=lambda name: self.tried[name])
        if self.tried[oldest] >= before:
            return None
        self.drilled.append(oldest)
        self.tried[oldest] = NOW
        return Drilled(VersionRef(oldest, 1), oldest, {"failed": "other bits"} if oldest == self.broken else {})


def drilled(archives: Tried, days: int, upgraded: int) -> list[str]:
    drilling = Drilling(cast("Archives", archives), FixedClock(NOW), days, upgraded)
    drilling.tick()
    drilling.wait()
    return archives.drilled


def test_one_at_a_time_of_what_was_not_proven_for_long() -> None:
    assert drilled(Tried({"a": NOW - 40 * DAY, "b": NOW - 31 * DAY, "c": NOW - DAY}), 30, 0) == ["a"]
    assert drilled(Tried({"c": NOW - DAY}), 30, 0) == []


def test_after_an_upgrade_all_that_was_proven_before_it_and_no_more(caplog: pytest.LogCaptureFixture) -> None:
    tried = Tried({"a": NOW - 3 * DAY, "b": NOW - 2 * DAY, "c": NOW - 10}, broken="b")
    assert drilled(tried, 30, NOW - 100) == ["a", "b"]
    assert "the restore of b/1 failed in a drill: other bits" in caplog.text
    assert drilled(Tried({"a": NOW - 3 * DAY}), 0, NOW - 100) == [], "0 days: never"


def test_a_home_knows_since_when_another_tenure_works_in_it(tmp_path: Path) -> None:
    database = Database(tmp_path / "control.db")
    upgrade(database, tmp_path / "backups", 1)
    assert upgraded_at(database, "1.0", 10) == 0, "a new home was never upgraded"
    assert upgraded_at(database, "1.0", 20) == 0
    assert upgraded_at(database, "1.1", 30) == 30
    assert upgraded_at(database, "1.1", 40) == 30
    assert upgraded_at(database, "1.0", 50) == 50, "going back is a change too"
    database.close()
