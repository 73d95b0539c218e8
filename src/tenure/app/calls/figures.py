"""Figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenure.app import wire
from tenure.app.calls.known import known_as
from tenure.app.calls.moments import moment
from tenure.application.decisions.figures import Counted
from tenure.kit.clock import iso

if TYPE_CHECKING:
    from tenure.app.control import Control
    from tenure.application.decisions.figures import ApplicationFigures, Span
    from tenure.governance.access import Actor

_NOTHING = Counted(0, {}, 0, None, None)


def figures(control: Control, actor: Actor, given: wire.ShowFigures) -> wire.FiguresAnswer:
    """Count."""
    now = control.clock.now()
    span, found, changes = control.figures.show(
        actor, given.application, moment(given.since, now), moment(given.until, now), given.steps
    )
    name = known_as(control)
    return wire.FiguresAnswer(
        since=iso(span.since),
        until=iso(span.until),
        step_seconds=span.step / 1e6,
        applications=[_application(one, span) for one in found],
        changes=[
            wire.ChangeMark(
                at=iso(one.at), action=one.action, target=one.target, actor=name(one.actor), reason=one.reason
            )
            for one in changes
        ],
    )


def _application(figures: ApplicationFigures, span: Span) -> wire.ApplicationFigures:
    starts = range(span.since, span.until, span.step)
    return wire.ApplicationFigures(
        application=figures.application,
        whole=_counted(span.since, figures.whole),
        steps=[_counted(start, figures.steps.get(number, _NOTHING)) for number, start in enumerate(starts)],
        models=figures.models,
        revisions={str(number): count for number, count in figures.revisions.items()},
        rules=figures.rules,
    )


def _counted(at: int, one: Counted) -> wire.CountedAnswer:
    return wire.CountedAnswer(
        at=iso(at),
        decisions=one.decisions,
        decided_by=one.decided_by,
        pending=one.pending,
        p50_us=one.p50_us,
        p95_us=one.p95_us,
    )
