"""Projects: described, listed, measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from tenure.app import wire
from tenure.app.calls.moments import moment
from tenure.app.states import etag
from tenure.application.projects.measure import number
from tenure.model.version import parse_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tenure.app.control import Control
    from tenure.application.projects.measure import Value
    from tenure.application.projects.project import Project, Report, Served
    from tenure.application.revisions.revision import Revision
    from tenure.governance.access import Actor


def projects(control: Control, actor: Actor, _: wire.ListProjects) -> list[wire.ProjectAnswer]:
    """List projects."""
    return [wire.ProjectAnswer(**_facts(control, *found)) for found in control.projects.all(actor)]


def set_project(control: Control, actor: Actor, given: wire.SetProject) -> wire.ProjectAnswer:
    """Say what a project is for."""
    control.projects.set(
        actor,
        parse_name(given.project),
        goal=given.goal,
        measure_text=given.measure,
        better=given.better,
        owner=given.owner,
        reason=given.reason,
    )
    found = next(one for one in control.projects.all(actor) if one[0].name == given.project)
    return wire.ProjectAnswer(**_facts(control, *found))


def show(control: Control, actor: Actor, given: wire.ShowProject) -> wire.ProjectDetail:
    """Show a project with its measure."""
    since = moment(given.since, control.clock.now())
    found = control.projects.show(actor, given.project, given.by, since)
    return wire.ProjectDetail(
        **_described(control, found.project),
        applications=[one.application for one in found.applications],
        models=found.models,
        measured=[_application(found, one) for one in found.applications],
    )


def _facts(control: Control, project: Project, revisions: list[Revision]) -> dict[str, Any]:
    models = sorted({use.name for one in revisions for use in one.definition.uses})
    return _described(control, project) | {"applications": [one.application for one in revisions], "models": models}


def _described(control: Control, project: Project) -> dict[str, Any]:
    return {
        "project": project.name,
        "goal": project.goal,
        "measure": project.measure,
        "better": project.better,
        "owner": project.owner,
        "url": control.url(f"/applications?project={quote(project.name)}"),
        # One that applications only name was described by nobody yet.
        "etag": etag(project) if project.at else "",
    }


def _application(report: Report, one: Served) -> wire.ProjectApplication:
    measured = one.measured
    aggregate = report.measure.aggregate if report.measure else ""

    def rows(values: Mapping[Any, Value]) -> list[wire.MeasuredAnswer]:
        return [_measured(str(key), values[key], aggregate) for key in sorted(values)]

    return wire.ProjectApplication(
        application=one.application,
        revision=one.revision,
        model=one.model,
        outcome=one.outcome,
        trouble=one.trouble,
        whole=_measured("", measured.whole, aggregate) if measured else None,
        periods=rows(measured.by_period) if measured else [],
        revisions=rows(measured.by_revision) if measured else [],
        versions=rows(measured.by_version) if measured else [],
    )


def _measured(key: str, value: Value, aggregate: str) -> wire.MeasuredAnswer:
    found = number(aggregate, value)
    return wire.MeasuredAnswer(key=key, decisions=value.decisions, labelled=value.labelled, value=found)
