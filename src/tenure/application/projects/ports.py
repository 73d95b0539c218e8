"""What projects need from outside: where they are kept, the revisions in force, and the decision log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tenure.application.projects.project import Project


class ProjectStore(Protocol):
    """Where projects are kept; what writes runs inside `Audit.transaction()`."""

    def all(self) -> dict[str, Project]:
        """Return every project that was described, by name."""

    def save(self, project: Project) -> None:
        """Keep what is said of a project, in the place of what was said before."""


class OutcomeLog(Protocol):
    """The decision log, decoded; see `contract/records.py` for what a record holds."""

    def decided(self, application: str, since: int | None) -> Iterable[Mapping[str, Any]]:
        """Return the decision records of an application that arrived since a moment, in any order."""

    def truths(self, application: str, outcome: str) -> Mapping[str, Any]:
        """Return the latest truth by decision id."""
