"""Projects over real tables: what was said is kept and audited, and the measure is that of the applications one may see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tenure.adapters.sql.projects import SqlProjects
from tenure.application.projects.actions import Projects
from tenure.application.projects.measure import BadMeasure, number
from tenure.application.projects.project import UnknownProject
from tenure.governance.access import Actor, Forbidden, Role
from tenure.kit.clock import DAY
from tests.application.revisions.test_life import ADA, Office

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

TEXT = """\
application: {name}
project: retention
request: {{amount: float}}
rules: []
default: {{answer: {{ok: false}}}}
outcome: {{name: {outcome}, type: bool, matures_after: 2d}}
"""


class Log:
    """Ten decisions of every application: five too young to be judged, and truths about all."""

    def __init__(self, now: int) -> None:
        self._now = now

    def decided(self, application: str, since: int | None) -> Iterable[Mapping[str, Any]]:
        for n in range(10):
            yield {"id": f"{application}-{n}", "at": self._now - n * DAY // 2, "revision": 1, "predictions": []}

    def truths(self, application: str, outcome: str) -> Mapping[str, Any]:
        return {f"{application}-{n}": n % 2 == 0 for n in range(10) if n != 9}


@pytest.fixture
def projects(tmp_path: Path) -> tuple[Projects, Office]:
    office = Office(tmp_path)
    for name, outcome in (("offers", "left"), ("calls", "stayed")):
        office.applications.apply(ADA, TEXT.format(name=name, outcome=outcome), "first")
    log = Log(office.clock.now())
    return Projects(SqlProjects(office.database), office.store, log, office.audit, office.clock), office


def _set(projects: Projects, actor: Actor = ADA, measure: str = "") -> None:
    projects.set(actor, "retention", goal="keep them", measure_text=measure, better="lower", owner="crm", reason="plan")


def test_a_project_that_only_applications_name_is_listed_and_one_that_nobody_knows_is_not(
    projects: tuple[Projects, Office],
) -> None:
    actions, _ = projects
    ((project, revisions),) = actions.all(ADA)
    assert (project.name, project.goal, [one.application for one in revisions]) == (
        "retention",
        "",
        ["calls", "offers"],
    )
    assert {one.trouble for one in actions.show(ADA, "retention").applications} == {"the project has no measure"}
    with pytest.raises(UnknownProject):
        actions.show(ADA, "growth")


def test_a_measure_that_an_application_cannot_give_is_refused_when_it_is_said(
    projects: tuple[Projects, Office],
) -> None:
    actions, office = projects
    with pytest.raises(BadMeasure, match="left"):
        _set(actions, measure="rate(left)")
    _set(actions, measure="")
    entry = list(office.audit.entries())[-1]
    assert (entry.action, entry.target, entry.reason) == ("projects:set", "retention", "plan")


def test_the_measure_counts_decisions_old_enough_by_revision_and_over_time(projects: tuple[Projects, Office]) -> None:
    actions, office = projects
    office.applications.apply(ADA, TEXT.format(name="calls", outcome="left"), "the same outcome")
    _set(actions, measure="rate(left)")
    found = actions.show(ADA, "retention", "day")
    assert found.measure is not None
    offers = next(one for one in found.applications if one.application == "offers")
    assert offers.measured is not None
    # Of ten half-days those from the fourth on are two days old; the truth about the last is not known.
    assert (offers.measured.whole.decisions, offers.measured.whole.labelled) == (6, 5)
    assert number("rate", offers.measured.whole) == pytest.approx(3 / 5)
    assert list(offers.measured.by_revision) == [1]
    assert sum(one.decisions for one in offers.measured.by_period.values()) == 6


def test_who_is_limited_to_an_application_sees_its_part_alone_and_a_viewer_sets_nothing(
    projects: tuple[Projects, Office],
) -> None:
    actions, _ = projects
    limited = Actor("t", Role.VIEWER, frozenset({"offers"}))
    assert [one.application for one in actions.show(limited, "retention").applications] == ["offers"]
    with pytest.raises(Forbidden):
        _set(actions, limited)
