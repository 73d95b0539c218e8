"""Monitoring over a log and a real database: what is reported, what is alerted, and that working again changes nothing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from tests.databases import opened
from tests.monitoring.simulated import START, STRETCH, Credit, Loans, Log, Trail, decision, outcome, rows, score

from tenure.adapters.sql.engine import Database
from tenure.adapters.sql.metadata import metadata
from tenure.adapters.sql.monitoring import SqlMonitoring
from tenure.contract.records import FeatureRead
from tenure.governance.access import Actor, Forbidden, Role, local_actor
from tenure.kit.clock import DAY, SECOND, FixedClock
from tenure.model.monitoring import actions
from tenure.model.monitoring.actions import Monitoring
from tenure.model.monitoring.alert import State, UnknownAlert
from tenure.model.monitoring.observation import Facts
from tenure.model.version import VersionRef

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tenure.model.monitoring.report import Report

V1 = VersionRef("credit", 1)
KIM = local_actor("kim")
PER_DAY = 120


class World:
    """Everything that monitoring needs, over a database in a folder."""

    def __init__(
        self,
        folder: Path,
        facts: Facts | None = None,
        without: frozenset[int] = frozenset(),
        database: Database | None = None,
    ) -> None:
        self.log, self.trail = Log(), Trail()
        self.clock = FixedClock(START)
        self.versions = Credit(without)
        if database is None:
            database = Database(folder / "control.db")
            with database.writing() as connection:
                metadata.create_all(connection)
        self.database = database
        self.store = SqlMonitoring(database)
        self.monitoring = Monitoring(self.log, Loans(facts), self.versions, self.store, self.trail, self.clock)

    def day(self, number: int, *, shift: float = 0.0, n: int = PER_DAY, **how: Any) -> None:
        """Let one day of decisions arrive, and the clock reach its end."""
        for index, row in enumerate(rows(n, seed=number, shift=shift)):
            at = START + number * DAY + index * SECOND
            self.log.add(decision(number * 10_000 + index, at, row, **how))
        self.clock.at = START + (number + 1) * DAY - SECOND


@pytest.fixture(params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path, database=opened(request, tmp_path))
    yield world
    world.database.close()


def as_bytes(value: Any) -> bytes:
    return msgspec.json.Encoder(order="deterministic").encode(value)


def test_days_without_change_raise_nothing_and_drift_is_alerted_once_with_its_numbers(world: World) -> None:
    for number in range(3):
        world.day(number)
    assert world.monitoring.tick().opened == []
    for number in range(3, 6):
        world.day(number, shift=0.5)
        world.monitoring.tick()
    drift, of_score = sorted(world.monitoring.alerts(KIM), key=lambda alert: alert.kind)
    assert (drift.kind, drift.column, drift.state, drift.windows) == ("drift", "income", State.OPEN, 3)
    assert (of_score.kind, of_score.column) == ("score drift", "output.score")
    assert drift.evidence["effect"] >= 0.1
    assert drift.evidence["chance"] <= drift.evidence["chance_bound"]
    assert sum(live for _, live in drift.evidence["cells"].values()) == PER_DAY


def test_an_alert_resolves_after_three_quiet_days(world: World) -> None:
    world.day(0, shift=0.5)
    assert len(world.monitoring.tick().opened) == 2
    for number in range(1, 4):
        world.day(number)
    assert len(world.monitoring.tick().resolved) == 2


def test_working_the_log_out_again_from_nothing_gives_the_same_bytes(world: World, tmp_path: Path) -> None:
    for number in range(4):
        world.day(number, shift=number / 6)
        world.monitoring.tick()
    (tmp_path / "fresh").mkdir()
    fresh = World(tmp_path / "fresh")
    fresh.log.records, fresh.clock.at = list(reversed(world.log.records)), world.clock.at
    before, after = (one.monitoring.report(KIM, V1) for one in (world, fresh))
    assert as_bytes(msgspec.structs.replace(before, alerts=[])) == as_bytes(msgspec.structs.replace(after, alerts=[]))
    assert alerts_of(before) == alerts_of(after)
    assert len(alerts_of(before)) == 2


def alerts_of(report: Report) -> list[tuple[str, str, Any]]:
    return sorted((alert.kind, alert.column, alert.evidence) for alert in report.alerts)


def test_a_tick_reads_nothing_that_was_counted_before(world: World) -> None:
    for number in range(5):
        world.day(number)
    world.monitoring.tick()
    world.log.reads = 0
    world.day(5)
    world.monitoring.tick()
    assert world.log.reads == PER_DAY
    assert world.monitoring.tick().decisions == 0
    assert world.monitoring.report(KIM, V1).whole.decisions == 6 * PER_DAY


def test_much_that_waits_is_counted_in_several_ticks_and_judged_in_the_last(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "AT_ONCE", 2 * STRETCH)
    world.day(0, shift=0.5, n=5 * STRETCH)
    ticks = [world.monitoring.tick() for _ in range(3)]
    assert [(one.decisions, one.is_behind, len(one.opened)) for one in ticks] == [
        (2 * STRETCH, True, 0),
        (2 * STRETCH, True, 0),
        (STRETCH, False, 2),
    ]


def test_a_report_counts_what_a_tick_in_another_thread_counts_too_once(world: World) -> None:
    world.day(0, n=10 * STRETCH)
    with ThreadPoolExecutor(4) as pool:
        reports = list(pool.map(lambda _: world.monitoring.report(KIM, V1).whole.decisions, range(8)))
    assert set(reports) == {10 * STRETCH}


def test_a_log_that_is_shorter_than_what_was_counted_is_counted_anew(world: World) -> None:
    """As after a home was set up from a backup and its tables were not."""
    world.day(0, n=3 * STRETCH)
    world.monitoring.tick()
    del world.log.records[STRETCH:]
    assert world.monitoring.report(KIM, V1).whole.decisions == STRETCH


def test_a_record_that_arrives_late_counts_for_the_day_it_is_about(world: World) -> None:
    world.day(0, n=10)
    world.monitoring.tick()
    world.clock.at = START + 5 * DAY
    world.log.add(decision(99, START + 5 * DAY - SECOND, rows(1, 1)[0], event_time=START + SECOND))
    assert {day.day: day.decisions for day in world.monitoring.report(KIM, V1).days} == {"2023-11-15": 11}


def test_a_day_is_the_applications_own(tmp_path: Path) -> None:
    world = World(tmp_path, Facts("loans", "credit", "Pacific/Auckland"))
    world.log.add(decision(1, START + 20 * 3600 * SECOND, rows(1, 1)[0]))
    world.clock.at = START + DAY
    assert [day.day for day in world.monitoring.report(KIM, V1).days] == ["2023-11-16"]


def test_the_report_says_who_answered_how_fast_and_what_failed(world: World) -> None:
    some = rows(10, 1)
    for index, row in enumerate(some):
        at = START + index
        if index < 2:
            world.log.add(decision(index, at, row, by="rule"))
        elif index == 2:
            world.log.add(decision(index, at, row, by="fallback", failure="timeout"))
        else:
            world.log.add(decision(index, at, row))
    world.clock.at = START + DAY
    (day,) = world.monitoring.report(KIM, V1).days
    assert (day.decisions, day.asked, day.failures) == (10, 8, {"timeout": 1})
    assert day.decided_by == {"model": 0.7, "rule": 0.2, "fallback": 0.1}
    assert day.p50_us is not None
    assert 900 <= day.p50_us <= 1020


def test_a_shadow_is_profiled_without_counting_as_an_answer(world: World) -> None:
    world.day(0, version=2, role="shadow")
    whole = world.monitoring.report(KIM, VersionRef("credit", 2)).whole
    assert (whole.decisions, whole.shadows, whole.asked) == (0, PER_DAY, PER_DAY)


def test_a_default_put_in_for_a_missing_feature_counts_as_missing(world: World) -> None:
    row = {"inquiries": 1, "state": "CA"}
    read = FeatureRead("customer", "7", {"income": 0.0}, defaulted=("income",))
    record = decision(1, START, {**row, "income": 1.0}, features=[read])
    world.log.add(msgspec.structs.replace(record, request=row))
    world.clock.at = START + DAY
    report = world.monitoring.report(KIM, V1)
    assert next(column for column in report.columns if column.column == "income").missing == 1.0


def test_values_of_another_type_are_alerted_as_broken_and_the_other_columns_are_still_watched(world: World) -> None:
    world.day(0, shift=0.5)
    for record in world.log.records[:5]:
        record["request"]["inquiries"] = "three"
    world.monitoring.tick()
    found = {(alert.kind, alert.column) for alert in world.monitoring.alerts(KIM)}
    assert {("broken", "inquiries"), ("drift", "income")} <= found


def test_a_reference_that_cannot_be_read_is_an_alert_and_the_volume_is_still_counted(tmp_path: Path) -> None:
    world = World(tmp_path, without=frozenset({1}))
    world.day(0)
    (alert,) = world.monitoring.tick().opened
    assert (alert.kind, alert.column) == ("broken", "reference")
    assert "no reference sample" in alert.evidence["error"]
    assert world.monitoring.report(KIM, V1).whole.decisions == PER_DAY
    world.versions.without = frozenset()
    assert [one.id for one in world.monitoring.tick().resolved] == [alert.id]
    report = world.monitoring.report(KIM, V1)
    assert report.columns != []
    counts = {one.column: (sum(one.reference), sum(one.live)) for one in report.distributions}
    assert counts == {one.column: (one.reference_rows, one.rows) for one in report.columns}, "nothing is missing here"
    assert all(len(one.cells) == len(one.live) for one in report.distributions)


def test_realised_performance_counts_the_latest_truth_and_says_how_much_is_known(world: World) -> None:
    world.day(0)
    world.clock.at += 3 * DAY
    some = rows(PER_DAY, seed=0)
    for index, row in enumerate(some[:60]):
        world.log.add(outcome(index, value=score(row) < 0.5, at=START + DAY + index))
        world.log.add(outcome(index, value=score(row) >= 0.5, at=START + 2 * DAY + index))
    report = world.monitoring.report(KIM, V1)
    (found,) = report.performance
    assert (found.task, found.matured, found.labelled) == ("binary", PER_DAY, 60)
    assert found.measures["auc"] == 1.0
    assert any("50% of the 120 matured decisions" in caveat for caveat in report.caveats)
    assert report.stated == {"auc": 0.8}


def test_days_can_be_chosen(world: World) -> None:
    for number in range(3):
        world.day(number)
    report = world.monitoring.report(KIM, V1, since="2023-11-16", until="2023-11-16")
    assert (report.first_day, report.last_day, report.whole.decisions) == ("2023-11-16", "2023-11-16", PER_DAY)


def test_a_version_never_asked_has_an_empty_report(world: World) -> None:
    report = world.monitoring.report(KIM, VersionRef("credit", 9))
    assert (report.days, report.whole.decisions, report.alerts) == ([], 0, [])


def test_acknowledging_is_audited_and_needs_the_permission(world: World) -> None:
    world.day(0, shift=0.5)
    (alert, _) = world.monitoring.tick().opened
    viewer = Actor("t1", Role.VIEWER)
    assert len(world.monitoring.alerts(viewer, "credit", State.OPEN)) == 2
    with pytest.raises(Forbidden):
        world.monitoring.acknowledge(viewer, alert.id)
    assert world.monitoring.acknowledge(KIM, alert.id, "a campaign").state is State.ACKNOWLEDGED
    (event,) = world.trail.events
    assert (event.permission, event.reason, event.before["state"]) == ("alerts:ack", "a campaign", "open")
    with pytest.raises(UnknownAlert):
        world.monitoring.acknowledge(KIM, "nothing")
    with pytest.raises(Forbidden):
        world.monitoring.report(Actor("t2", Role.CALLER), V1)


def test_quiet_days_are_judged_together_by_the_week_and_a_busy_day_alone(world: World) -> None:
    for number in range(9):
        world.day(number, n=20)
    world.day(9)
    windows = world.monitoring.report(KIM, V1).windows
    assert [(one.first_day, one.last_day, one.rows) for one in windows] == [
        ("2023-11-15", "2023-11-21", 140),
        ("2023-11-22", "2023-11-24", 40 + PER_DAY),
    ]
