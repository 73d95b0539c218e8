"""What a role is limited to: applications by name, and projects, which reach whatever application belongs to them now.

A limit to a project stands among the names of applications as `project:NAME`, which no application can be called. It stays
there when it is worked out, so that a project without applications reaches none, and not all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

_PROJECT = "project:"


def limits(applications: Iterable[str], project: str) -> list[str]:
    """Return the limits to some applications and to a project, either of which may be left out."""
    return [*applications, *([on_project(project)] if project else [])]


def on_project(name: str) -> str:
    """Return the limit to a project."""
    return _PROJECT + name


def is_limited_to_projects(limited: frozenset[str]) -> bool:
    """Return whether some of the limits are to projects."""
    return any(limit.startswith(_PROJECT) for limit in limited)


def reached(limited: frozenset[str], projects: Callable[[], Mapping[str, Iterable[str]]]) -> frozenset[str]:
    """Return the names of the applications that limits reach now; `projects` gives those there are by their project."""
    named = [limit.removeprefix(_PROJECT) for limit in limited if limit.startswith(_PROJECT)]
    if not named:
        return limited
    known = projects()
    return limited.union(*(known.get(name, ()) for name in named))
