"""Decisions on their way out: SQL over the documented views, exports that go on where they ended, training sets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from tenure.governance.access import Permission, authorize
from tenure.governance.audit import Event
from tenure.kit.errors import Kind, TenureError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tenure.governance.access import Actor
    from tenure.governance.ports import Audit
    from tenure.kit.clock import Clock

#: what a training set may be made with
PARTS = ("features", "outcomes")


class UnknownPart(TenureError):
    """A training set has no such part."""

    code = "unknown-part"
    kind = Kind.BAD_INPUT
    message = "{part!r} cannot be exported with"
    next_step = "use --with features, --with outcomes, or --with features,outcomes"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to export: records from leaf `after` on, made or told since a moment, of one application or of all."""

    after: int = 0
    since: int | None = None
    application: str = ""


@dataclass(frozen=True, slots=True)
class Written:
    """One table as a Parquet file."""

    name: str
    rows: int
    content: bytes


@dataclass(frozen=True, slots=True)
class Portion:
    """The tables of the leaves [first, ending); `more` when the log goes on after them."""

    first: int
    ending: int
    more: bool
    tables: tuple[Written, ...]


@dataclass(frozen=True, slots=True)
class Rows:
    """What a query gives: the columns with their types, the rows as plain values, and whether there were more."""

    columns: tuple[tuple[str, str], ...]
    rows: list[list[Any]]
    more: bool


class Tables(Protocol):
    """The log as tables."""

    def ask(self, sql: str, limit: int) -> Rows:
        """Return at most `limit` rows of one SELECT over the views."""

    def portion(self, wanted: Wanted) -> Portion:
        """Return every view's rows of the next records in the log's order."""

    def training(self, wanted: Wanted, parts: Sequence[str]) -> Portion:
        """Return the next decisions as rows to train with (`PARTS`), a table for each application."""


class DataOut:
    """Collection of actions that give data out; each is written in the audit trail, for what left cannot come back."""

    def __init__(self, tables: Tables, audit: Audit, clock: Clock) -> None:
        self._tables = tables
        self._audit = audit
        self._clock = clock

    def sql(self, actor: Actor, query: str, limit: int) -> Rows:
        """Return the rows of one SELECT over all applications."""
        authorize(actor, Permission.SQL)
        found = self._tables.ask(query, limit)
        self._note(actor, Permission.SQL, {"query": query, "rows": len(found.rows)})
        return found

    def export(self, actor: Actor, wanted: Wanted, parts: Sequence[str] = ()) -> Portion:
        """Return the next portion of an export: the views, or with `parts` the training set."""
        authorize(actor, Permission.DECISIONS_EXPORT, wanted.application or None)
        for part in parts:
            if part not in PARTS:
                raise UnknownPart(part=part)
        found = self._portion(wanted, parts)
        facts = {"first": found.first, "ending": found.ending, "with": list(parts), "application": wanted.application}
        self._note(actor, Permission.DECISIONS_EXPORT, facts)
        return found

    def _portion(self, wanted: Wanted, parts: Sequence[str]) -> Portion:
        if parts:
            return self._tables.training(wanted, parts)
        return self._tables.portion(wanted)

    def _note(self, actor: Actor, permission: Permission, facts: dict[str, Any]) -> None:
        with self._audit.transaction():
            self._audit.write(Event(permission, actor, self._clock.now(), "decisions", after=facts))
