"""Figures over a span of time, and the beat of the home."""

from __future__ import annotations

from tenure.app.wire.shared import Input, Output


class ShowFigures(Input, frozen=True):
    """A span (`since` and `until` are an age as 7d or a moment; the last day unless said) in so many steps, 500 at most."""

    application: str = ""
    since: str = ""
    until: str = ""
    steps: int = 48


class CountedAnswer(Output, frozen=True):
    """What was decided from `at` for one step. Times are arrival to durable record; None where nothing was decided."""

    at: str
    decisions: int
    decided_by: dict[str, int]
    pending: int
    p50_us: int | None
    p95_us: int | None


class ApplicationFigures(Output, frozen=True):
    """One application: all of the span as one, and step by step; how often each version answered and each rule fired."""

    application: str
    whole: CountedAnswer
    steps: list[CountedAnswer]
    models: dict[str, int]
    revisions: dict[str, int]
    rules: dict[str, int]


class ChangeMark(Output, frozen=True):
    """A change that may have moved the figures."""

    at: str
    action: str
    target: str
    actor: str
    reason: str


class FiguresAnswer(Output, frozen=True):
    """The figures of every application that decided anything, busiest first, and the changes, newest first."""

    since: str
    until: str
    step_seconds: float
    applications: list[ApplicationFigures]
    changes: list[ChangeMark]
