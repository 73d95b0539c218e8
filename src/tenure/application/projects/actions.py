"""What is done with projects: describe one, list them, and see whether they do what they are for."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from tenure.application.projects.measure import BadMeasure, Judged, measure, measured
from tenure.application.projects.project import Project, Report, Served, UnknownProject, period_of
from tenure.governance.access import Permission, authorize
from tenure.governance.audit import Event

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tenure.application.projects.measure import Measure, Measured
    from tenure.application.projects.ports import OutcomeLog, ProjectStore
    from tenure.application.projects.project import Better, Period
    from tenure.application.revisions.ports import RevisionStore
    from tenure.application.revisions.revision import Revision
    from tenure.application.revisions.terms import Definition, OutcomeUse
    from tenure.governance.access import Actor
    from tenure.governance.ports import Audit
    from tenure.kit.clock import Clock


class Projects:
    """Collection of actions on projects."""

    def __init__(
        self, store: ProjectStore, revisions: RevisionStore, log: OutcomeLog, audit: Audit, clock: Clock
    ) -> None:
        self._store = store
        self._revisions = revisions
        self._log = log
        self._audit = audit
        self._clock = clock

    def set(
        self, actor: Actor, name: str, *, goal: str, measure_text: str, better: Better, owner: str, reason: str
    ) -> Project:
        """Say what a project is for and how its success is measured; raise `BadMeasure`.

        A measure must fit every application in the project that declares an outcome of its own.
        """
        authorize(actor, Permission.PROJECTS_SET)
        written = measure(measure_text) if measure_text else None
        for revision in self._of(name) if written is not None else []:
            if revision.definition.outcome is not None and written is not None:
                written.over(revision.definition.outcome)
        project = Project(name, goal, str(written or ""), better, owner, self._clock.now(), actor.id, reason)
        with self._audit.transaction():
            before = self._store.all().get(name)
            self._store.save(project)
            self._audit.write(
                Event(Permission.PROJECTS_SET, actor, project.at, name, reason, _facts(before), _facts(project))
            )
        return project

    def found(self, name: str) -> Project | None:
        """Return how a project is described now, for what tells its states apart; nobody is shown it."""
        return self._store.all().get(name)

    def all(self, actor: Actor) -> list[tuple[Project, list[Revision]]]:
        """Return the projects that were described or that an application names, by name, with their applications."""
        authorize(actor, Permission.PROJECTS_LIST)
        described = self._store.all()
        by_name: dict[str, list[Revision]] = {}
        for revision in self._visible(actor):
            by_name.setdefault(revision.definition.project, []).append(revision)
        names = sorted({*by_name, *(() if actor.applications else described)} - {""})
        return [(described.get(name, Project(name)), by_name.get(name, [])) for name in names]

    def show(self, actor: Actor, name: str, by: Period = "week", since: int | None = None) -> Report:
        """Return a project with the measure of its applications by period, revision and version; raise `UnknownProject`."""
        authorize(actor, Permission.PROJECTS_SHOW)
        found = next((one for one in self.all(actor) if one[0].name == name), None)
        if found is None:
            raise UnknownProject(project=name)
        project, revisions = found
        wanted = measure(project.measure) if project.measure else None
        return Report(project, wanted, tuple(self._served(one, wanted, by, since) for one in revisions))

    def _served(self, revision: Revision, wanted: Measure | None, by: Period, since: int | None) -> Served:
        definition = revision.definition
        model = definition.model.name if definition.model else ""
        outcome = definition.outcome
        found, trouble = None, ""
        if wanted is None:
            trouble = "the project has no measure"
        elif outcome is None:
            trouble = "it declares no outcome"
        else:
            try:
                found = self._measured(definition, outcome, wanted, by, since)
            except BadMeasure as error:
                trouble = str(error)
        return Served(revision.application, revision.number, model, outcome.name if outcome else "", found, trouble)

    def _measured(
        self, definition: Definition, outcome: OutcomeUse, wanted: Measure, by: Period, since: int | None
    ) -> Measured:
        part = wanted.over(outcome)
        return measured(part, self._judged(definition, outcome, by, since))

    def _judged(self, definition: Definition, outcome: OutcomeUse, by: Period, since: int | None) -> Iterator[Judged]:
        """Return the decisions that are old enough for their truth to be known."""
        truths = self._log.truths(definition.application, outcome.name)
        matured = self._clock.now() - (outcome.matures_after_us or 0)
        zone = ZoneInfo(definition.time_zone)
        for record in self._log.decided(definition.application, since):
            moment = record.get("event_time")
            at = record["at"] if moment is None else moment
            if at <= matured:
                asked = next((one for one in record.get("predictions", ()) if one["role"] == "served"), None)
                version = f"{asked['model']}/{asked['version']}" if asked else ""
                yield Judged(period_of(at, zone, by), record["revision"], version, truths.get(record["id"]))

    def _of(self, name: str) -> list[Revision]:
        return [one for one in self._revisions.all_active() if one.definition.project == name]

    def _visible(self, actor: Actor) -> list[Revision]:
        scope = actor.applications
        return [one for one in self._revisions.all_active() if not scope or one.application in scope]


def _facts(project: Project | None) -> dict[str, object]:
    if project is None:
        return {}
    return {"goal": project.goal, "measure": project.measure, "better": project.better, "owner": project.owner}
