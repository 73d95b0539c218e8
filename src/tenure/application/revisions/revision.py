"""A revision: one definition of an application, numbered from 1 and never changed; and what differs between two."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tenure.application.revisions.terms import Definition, plain
from tenure.kit.errors import Kind, TenureError

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Revision:
    """The text as written, with its digest, and the definition that it was checked to mean. Times are UTC microseconds."""

    application: str
    number: int
    source: str
    digest: str
    definition: Definition
    at: int
    actor: str
    reason: str

    @property
    def ref(self) -> str:
        """Return what the revision is called."""
        return f"{self.application}/{self.number}"


@dataclass(frozen=True, slots=True)
class Activation:
    """From when a revision was the one in force, who made it so, and why."""

    application: str
    number: int
    at: int
    actor: str
    reason: str


@dataclass(frozen=True, slots=True)
class Change:
    """One place in which two definitions differ; None means that one of them does not have it."""

    what: str
    before: Any
    after: Any


class NameOfModel(TenureError):
    """An application cannot be called as a model is."""

    code = "name-of-a-model"
    kind = Kind.CONFLICT
    message = "{name} is the name of a model; applications and models share their names"
    next_step = "take another name, as {name}-offers"


class NoVersionYet(TenureError):
    """The model has no version that could say what it is asked."""

    code = "no-version-yet"
    kind = Kind.CONFLICT
    message = "{model} points to no version yet"
    next_step = "deploy one first (`tenure versions` lists models), or leave --model out"


class UnknownApplication(TenureError):
    """No such application."""

    code = "unknown-application"
    kind = Kind.NOT_FOUND
    message = "there is no application {application!r}"
    next_step = "make one: tenure init {application} --model MODEL@champion"


class UnknownRevision(TenureError):
    """The application has no such revision."""

    code = "unknown-revision"
    kind = Kind.NOT_FOUND
    message = "{application} has no revision {number}; its newest is {newest}"
    next_step = "see `tenure history {application}`"


class StaleBase(TenureError):
    """Another revision came into force since the change was begun."""

    code = "stale-base"
    kind = Kind.CONFLICT
    message = (
        "the change is based on revision {base}, but {application}/{active} is in force, applied by {actor}: {reason}"
    )
    next_step = "look at `tenure diff {application}/{base} {application}/{active}`, then apply again"


class NothingBefore(TenureError):
    """There is no revision to go back to."""

    code = "no-earlier-revision"
    kind = Kind.CONFLICT
    message = "{application} had no other revision in force before {number}"
    next_step = "name one: tenure rollback {application} --to N --reason …"


class AlreadyActive(TenureError):
    """The revision is in force."""

    code = "already-active"
    kind = Kind.CONFLICT
    message = "{application}/{number} is in force already"
    next_step = "see `tenure history {application}`"


def changes(before: Definition | None, after: Definition) -> list[Change]:
    """Return every place in which two definitions differ; rules are compared by their ids, fields by their names."""
    was, now = {} if before is None else plain(before), plain(after)
    old, new = _told(was, now), _told(now, was)
    paths = [*old, *(path for path in new if path not in old)]
    return [Change(path, old.get(path), new.get(path)) for path in paths if old.get(path) != new.get(path)]


def _told(data: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Return what stands at each place of plain data, so that it can be compared with other such data."""
    rest = {key: value for key, value in data.items() if key != "tests"}
    return dict(_leaves(_keyed(rest))) | _tests_apart(data.get("tests", []), other.get("tests", []))


def _tests_apart(tests: list[Any], others: list[Any]) -> dict[str, Any]:
    """Return tests by their places: as many as there are others each by what it says, else those whole that are no other."""
    numbered = {f"tests.{number}": test for number, test in enumerate(tests, 1)}
    if len(tests) == len(others):
        return dict(_leaves(numbered))
    return {place: test for place, test in numbered.items() if test not in others}


def _keyed(data: dict[str, Any]) -> dict[str, Any]:
    """Return plain data whose lists of named parts are mappings, with their order told apart."""
    names = {"rules": "id", "request": "name", "features": "view"}
    keyed = {key: {part[name]: _rows_apart(part) for part in data[key]} for key, name in names.items() if key in data}
    order = {"rules (order)": [rule["id"] for rule in data.get("rules", ())]}
    return {key: keyed.get(key, value) for key, value in data.items()} | order


def _rows_apart(part: dict[str, Any]) -> dict[str, Any]:
    """Return a rule whose table is a mapping of its rows, so that a changed cell is not a changed table."""
    if "table" not in part:
        return part
    table = {key: value for key, value in part["table"].items() if key != "lines"}
    rows = {f"row {number}": " | ".join(row) for number, row in enumerate(table["rows"], 1)}
    return part | {"table": table | {"rows": rows}}


def _leaves(part: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(part, dict) and part:
        for key, value in part.items():
            yield from _leaves(value, f"{path}.{key}" if path else key)
    else:
        yield path, part
