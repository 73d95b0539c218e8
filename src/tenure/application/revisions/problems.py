"""What is wrong with a definition: each problem with its place, and all of them in one error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from tenure.kit.errors import Kind, TenureError

Path: TypeAlias = tuple[str | int, ...]
Places: TypeAlias = Mapping[Path, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem: the path of keys to it, what is wrong, and lines that would cure it.

    `at` is the character inside an expression; `line` and `column` count from 1 and are 0 where the place is unknown.
    `file` is the table's file that they count in, empty for the definition's own.
    """

    path: Path
    why: str
    at: int | None = None
    add: str = ""
    line: int = 0
    column: int = 0
    file: str = ""

    @property
    def where(self) -> str:
        """Return the path as people write it: `rules[0].when`."""
        text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.path)
        return text.removeprefix(".")

    def __str__(self) -> str:
        place = f"{self.file} line {self.line}, column {self.column}: ".lstrip() if self.line else ""
        subject = f"{self.where}: " if self.path else ""
        cure = "\n    add:\n" + "\n".join(f"      {line}" for line in self.add.splitlines()) if self.add else ""
        return f"{place}{subject}{self.why}{cure}"

    def facts(self) -> dict[str, Any]:
        """Return the problem for a machine."""
        return {"path": self.where, "line": self.line, "column": self.column, "why": self.why, "add": self.add} | (
            {"file": self.file} if self.file else {}
        )


class BrokenDefinition(TenureError):
    """The definition is refused; `problems` lists everything that was found, not just the first."""

    code = "broken-definition"
    kind = Kind.BAD_INPUT
    message = "the definition is refused:\n{listed}"
    next_step = "correct the file and try again; `tenure apply FILE --dry-run` changes nothing"


def refusal(problems: list[Problem]) -> BrokenDefinition:
    """Return the error that lists the problems in the order of the file."""
    ordered = sorted(problems, key=lambda problem: (problem.file, problem.line, problem.column))
    listed = "\n".join(f"  {problem}" for problem in ordered)
    return BrokenDefinition(listed=listed, problems=[problem.facts() for problem in ordered])


def located(problems: list[Problem], places: Places) -> list[Problem]:
    """Return the problems with their lines: a path that the file does not have gets the place of its nearest parent."""
    return [_located(problem, places) for problem in problems]


def _located(problem: Problem, places: Places) -> Problem:
    if problem.file:
        return problem
    path = problem.path
    while path and path not in places:
        path = path[:-1]
    line, column = places.get(path, (1, 1))
    offset = problem.at if problem.at is not None and path == problem.path else 0
    return replace(problem, line=line, column=column + offset)
