"""Projects: what applications and models are for, and whether they do it."""

from __future__ import annotations

from typing import Literal

from tenure.app.wire.shared import Input, Listing, Output


class SetProject(Input, frozen=True, kw_only=True):
    """What a project is for; `measure` is over the outcome, as rate(left == false), and `better` the way of success."""

    project: str
    goal: str
    measure: str = ""
    better: Literal["lower", "higher"] = "higher"
    owner: str = ""
    reason: str = ""


class ListProjects(Listing, frozen=True):
    """Which projects to list: those whose name contains `name`, those of an owner."""

    name: str = ""
    owner: str = ""


class ShowProject(Input, frozen=True):
    """One project, its measure `by` day, week or month of the application's time zone, over decisions since a moment."""

    project: str
    by: Literal["day", "week", "month"] = "week"
    since: str = ""


class ProjectAnswer(Output, frozen=True):
    """One project; an application belongs to it by `project: NAME` in its file."""

    project: str
    goal: str
    measure: str
    better: str
    owner: str
    applications: list[str]
    models: list[str]
    url: str
    #: of this state of its description, for If-Match; empty while there is none
    etag: str


class MeasuredAnswer(Output, frozen=True):
    """The measure over some decisions: `decisions` are old enough for their truth, of `labelled` it is known."""

    key: str
    decisions: int
    labelled: int
    value: float | None


class ProjectApplication(Output, frozen=True):
    """One application's part; `trouble` says why it cannot be measured. Periods are in order of time."""

    application: str
    revision: int
    model: str
    outcome: str
    trouble: str
    whole: MeasuredAnswer | None
    periods: list[MeasuredAnswer]
    revisions: list[MeasuredAnswer]
    versions: list[MeasuredAnswer]


class ProjectDetail(ProjectAnswer, frozen=True):
    """One project with its measure over time, by revision and by version, for each of its applications."""

    measured: list[ProjectApplication]
