"""Figures over a span of the log. Only typed columns are read, so a day of a long log costs little."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tenure.application.decisions.figures import ApplicationFigures, Counted

if TYPE_CHECKING:
    from tenure.application.decisions.figures import Span

#: by step, and with a step of NULL over all of them
_STEPS = """
SELECT application, step, count(*), histogram(coalesce(decided_by, 'model')), count_if(status = 'pending_review'),
       quantile_disc(elapsed_us, 0.5), quantile_disc(elapsed_us, 0.95)
FROM (SELECT *, (epoch_us(moment) - $since) // $step AS step FROM log
      WHERE kind IN ('decision', 'prediction') AND moment < make_timestamp($until))
GROUP BY GROUPING SETS ((application), (application, step))
"""
_SERVED = """
SELECT application, revision, model, version, count(*) FROM log
WHERE kind IN ('decision', 'prediction') AND moment < make_timestamp($until) GROUP BY ALL
"""
_RULES = """
SELECT application, rule, count(*)
FROM (SELECT application, unnest(rules) AS rule FROM log WHERE kind = 'decision' AND moment < make_timestamp($until))
GROUP BY ALL
"""


def counted(connection: Any, span: Span) -> list[ApplicationFigures]:
    """Return the figures of every application in the connection's log, those that decided most first."""
    found: dict[str, ApplicationFigures] = {}
    until = {"until": span.until}
    for name, step, decisions, decided_by, pending, p50, p95 in connection.execute(
        _STEPS, until | {"since": span.since, "step": span.step}
    ).fetchall():
        figures = found.setdefault(name, ApplicationFigures(name))
        one = Counted(decisions, dict(decided_by), pending, p50, p95)
        if step is None:
            figures.whole = one
        else:
            figures.steps[step] = one
    for name, revision, model, version, count in connection.execute(_SERVED, until).fetchall():
        _add(found[name].revisions, revision, count)
        _add(found[name].models, f"{model}/{version}" if model else None, count)
    for name, rule, count in connection.execute(_RULES, until).fetchall():
        found[name].rules[rule] = count
    return sorted(found.values(), key=lambda one: -one.whole.decisions)


def _add(counts: dict[Any, int], name: Any, count: int) -> None:
    if name is not None:
        counts[name] = counts.get(name, 0) + count
