"""A project: a goal, how its success is measured, and the applications and models that serve it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal, TypeAlias

from tenure.kit.errors import Kind, TenureError

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from tenure.application.projects.measure import Measure, Measured

Period: TypeAlias = Literal["day", "week", "month"]
Better: TypeAlias = Literal["lower", "higher"]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Project:
    """What was said of a project. `measure` is empty where none was said; `better` says which way success is."""

    name: str
    goal: str = ""
    measure: str = ""
    better: Better = "higher"
    owner: str = ""
    at: int = 0
    actor: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Served:
    """One application of a project with its measure, or why it cannot be measured."""

    application: str
    revision: int
    model: str
    outcome: str
    measured: Measured | None
    trouble: str


@dataclass(frozen=True, slots=True)
class Report:
    """A project with what its applications came to."""

    project: Project
    measure: Measure | None
    applications: tuple[Served, ...]

    @property
    def models(self) -> list[str]:
        """Return the models that its applications ask."""
        return sorted({one.model for one in self.applications if one.model})


class UnknownProject(TenureError):
    """Nobody described such a project, and no application names it."""

    code = "unknown-project"
    kind = Kind.NOT_FOUND
    message = "there is no project {project!r}"
    next_step = "describe one: tenure projects set {project} --goal … --measure 'rate(…)' --reason …"


def period_of(moment: int, zone: ZoneInfo, by: Period) -> str:
    """Return the day (2026-11-25), ISO week (2026-W48) or month (2026-11) of UTC microseconds in a time zone."""
    local = (_EPOCH + timedelta(microseconds=moment)).astimezone(zone).date()
    match by:
        case "day":
            return local.isoformat()
        case "week":
            year, week, _ = local.isocalendar()
            return f"{year}-W{week:02}"
        case "month":
            return f"{local:%Y-%m}"
