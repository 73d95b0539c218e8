"""How much was decided, by whom, how fast: figures over a span of time, counted from the log, with the changes beside them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from tenure.governance.access import Permission, authorize

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from tenure.governance.access import Actor
    from tenure.governance.audit import Entry
    from tenure.governance.ports import AuditLog
    from tenure.kit.clock import Clock

DAY = 86_400_000_000
MOST_STEPS = 500
_MOST_CHANGES = 1000

#: what may change how requests are answered
CHANGES = frozenset(
    {
        Permission.APPLICATIONS_APPLY,
        Permission.APPLICATIONS_ROLLBACK,
        Permission.VERSIONS_DEPLOY,
        Permission.VERSIONS_PROMOTE,
        Permission.VERSIONS_DECOMMISSION,
        Permission.MODELS_ROLLBACK,
        Permission.FEATURES_INGEST,
    }
)


@dataclass(frozen=True, slots=True)
class Span:
    """From `since` to `until` (UTC microseconds) in steps of `step`."""

    since: int
    until: int
    step: int


@dataclass(frozen=True, slots=True)
class Counted:
    """What was decided within one step, or within all; times are arrival to durable record, in microseconds."""

    decisions: int
    decided_by: dict[str, int]
    pending: int
    p50_us: int | None
    p95_us: int | None


@dataclass(slots=True)
class ApplicationFigures:
    """One application's figures; `steps` has only those in which something was decided, by their number from 0.

    `models` counts by the version whose output was used, `rules` how often each fired.
    """

    application: str
    whole: Counted = Counted(0, {}, 0, None, None)
    steps: dict[int, Counted] = field(default_factory=dict)
    models: dict[str, int] = field(default_factory=dict)
    revisions: dict[int, int] = field(default_factory=dict)
    rules: dict[str, int] = field(default_factory=dict)


class Counting(Protocol):
    """The log, for who counts."""

    def figures(self, span: Span, application: str) -> list[ApplicationFigures]:
        """Return the figures of one application, or of all that decided anything in the span."""


class Figures:
    """Collection of the actions that count; they read, and leave no trace."""

    def __init__(self, counting: Counting, audit: AuditLog, clock: Clock) -> None:
        self._counting = counting
        self._audit = audit
        self._clock = clock

    def show(
        self, actor: Actor, application: str, since: int | None, until: int | None, steps: int
    ) -> tuple[Span, list[ApplicationFigures], list[Entry]]:
        """Return the figures and, newest first, the changes that may have moved them; the last day unless said otherwise."""
        authorize(actor, Permission.DECISIONS_FIGURES, application or None)
        span = span_of(since, until, steps, self._clock.now())
        found = self._counting.figures(span, application)
        names = {name for one in found for name in named_in(one)} | {application} if application else None
        return span, found, changes(self._audit.newest(_MOST_CHANGES), span, names)


def span_of(since: int | None, until: int | None, steps: int, now: int) -> Span:
    """Return the span in whole steps, as many as asked for within reason."""
    end = now if until is None else until
    start = end - DAY if since is None else min(since, end - 1)
    count = min(max(1, steps), MOST_STEPS)
    return Span(start, end, -(-(end - start) // count))


def named_in(figures: ApplicationFigures) -> set[str]:
    """Return the application and the models that answered for it."""
    return {figures.application, *(ref.partition("/")[0] for ref in figures.models)}


def changes(entries: Sequence[Entry], span: Span, names: Collection[str] | None) -> list[Entry]:
    """Return the changes within the span, of these names or of all."""
    return [entry for entry in _within(entries, span) if names is None or entry.target.partition("/")[0] in names]


def _within(entries: Iterable[Entry], span: Span) -> list[Entry]:
    return [entry for entry in entries if entry.action in CHANGES and span.since <= entry.at < span.until]
