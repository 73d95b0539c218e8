"""Projects in the control database."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from sqlalchemy import select

from tenure.adapters.sql.application_tables import projects
from tenure.application.projects.project import Project

if TYPE_CHECKING:
    from tenure.adapters.sql.engine import Database


class SqlProjects:
    """The store of projects (application/projects/ports.py)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> dict[str, Project]:
        """Return every project that was described, by name."""
        with self._database.reading() as connection:
            rows = connection.execute(select(projects).order_by(projects.c.name)).mappings().all()
        return {row["name"]: Project(**row) for row in rows}

    def save(self, project: Project) -> None:
        """Keep what is said of a project, in the place of what was said before."""
        with self._database.writing() as connection:
            connection.execute(projects.delete().where(projects.c.name == project.name))
            connection.execute(projects.insert().values(asdict(project)))
