"""The report on one version over some days: every number that monitoring has, and what it cannot say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from tenure.model.monitoring.alert import Alert, Window
from tenure.model.monitoring.drift import Comparison, Signal, Thresholds
from tenure.model.monitoring.performance import Performance
from tenure.model.monitoring.profile import (
    Profile,
    Yardstick,
    comparable,
    latency_quantile,
    missing,
    outside,
    rows,
    total,
    unreadable,
)
from tenure.model.monitoring.windows import comparisons

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Day(msgspec.Struct, frozen=True):
    """One day of a version. `decided_by` are shares; `missing` and `outside` are shares of the input values.

    Latency is arrival to durable record, in microseconds, to the next bin edge (12 % apart); None without answers.
    """

    day: str
    decisions: int
    shadows: int
    asked: int
    decided_by: dict[str, float]
    failures: dict[str, int]
    p50_us: int | None
    p95_us: int | None
    missing: float
    outside: float
    unreadable: int


class Distribution(msgspec.Struct, frozen=True):
    """One watched column's cells, in their order: how many reference rows and how many live rows each holds."""

    column: str
    kind: Literal["number", "category"]
    cells: list[str]
    reference: list[int]
    live: list[int]


class DayPerformance(msgspec.Struct, frozen=True):
    """The realised performance of one day's decisions."""

    day: str
    performance: Performance


class Report(msgspec.Struct, frozen=True):
    """What is known of a version from `first_day` to `last_day`; days are the applications' own.

    `whole` is all days as one; `columns` compares all of them with the reference; `windows` are what alerts are made
    of. `stated` are the metrics its author gave when packaging. `caveats` are sentences. `distributions` are the counts
    that `columns` were computed from.
    """

    model: str
    version: int
    first_day: str
    last_day: str
    made_at: int
    whole: Day
    days: list[Day]
    columns: list[Comparison]
    broken: list[Signal]
    windows: list[Window]
    performance: list[Performance]
    performance_by_day: list[DayPerformance]
    stated: dict[str, float]
    alerts: list[Alert]
    unwatched: dict[str, str]
    thresholds: Thresholds
    caveats: list[str]
    distributions: list[Distribution] = []


def day_report(day: str, profile: Profile, yardstick: Yardstick | None) -> Day:
    """Return the numbers of one day (or of several days together) from its profile."""
    inputs = yardstick.inputs if yardstick else {}
    counted = [(bins, profile.columns[name]) for name, bins in inputs.items() if name in profile.columns]
    values = sum(rows(counts) for _, counts in counted)
    return Day(
        day=day,
        decisions=profile.decisions,
        shadows=profile.shadows,
        asked=profile.asked,
        decided_by={who: times / profile.decisions for who, times in profile.decided_by.items()},
        failures=dict(profile.failures),
        p50_us=latency_quantile(profile.latency, 0.50),
        p95_us=latency_quantile(profile.latency, 0.95),
        missing=sum(missing(counts) for _, counts in counted) / max(values, 1),
        outside=sum(outside(bins, counts) for bins, counts in counted) / max(values, 1),
        unreadable=sum(unreadable(counts) for _, counts in counted),
    )


def report(
    model: str,
    version: int,
    made_at: int,
    days: Mapping[str, Profile],
    yardstick: Yardstick | None,
    windows: Sequence[Window],
    performance: Sequence[Performance],
    performance_by_day: Sequence[DayPerformance],
    stated: Mapping[str, float],
    alerts: Sequence[Alert],
    thresholds: Thresholds,
) -> Report:
    """Return the report on the given days of one version."""
    whole = total(days.values())
    columns, broken = comparisons(whole, yardstick) if yardstick else ([], [])
    first, last = min(days, default=""), max(days, default="")
    return Report(
        model=model,
        version=version,
        first_day=first,
        last_day=last,
        made_at=made_at,
        whole=day_report("", whole, yardstick),
        days=[day_report(day, profile, yardstick) for day, profile in sorted(days.items())],
        columns=columns,
        broken=broken,
        windows=[one for one in windows if first <= one.last_day and one.first_day <= last],
        performance=list(performance),
        performance_by_day=list(performance_by_day),
        stated=dict(stated),
        alerts=[one for one in alerts if first <= one.last_day and one.first_day <= last],
        unwatched=dict(yardstick.unwatched) if yardstick else {},
        thresholds=thresholds,
        caveats=caveats(whole, yardstick, performance, thresholds),
        distributions=distributions(whole, yardstick) if yardstick else [],
    )


def distributions(profile: Profile, yardstick: Yardstick) -> list[Distribution]:
    """Return the counts of each watched column beside its reference; one that cannot be compared has none."""
    found = []
    for name, counts in profile.columns.items():
        bins, known = yardstick.bins.get(name), yardstick.reference.get(name)
        if bins is None or known is None or len(counts) != len(known):
            continue
        before, now = comparable(bins, known), comparable(bins, counts)
        found.append(Distribution(name, bins.kind, list(bins.names), list(before), list(now)))
    return found


def caveats(
    whole: Profile, yardstick: Yardstick | None, performance: Sequence[Performance], thresholds: Thresholds
) -> list[str]:
    """Return what the report cannot say, each as a sentence."""
    said = []
    if yardstick is None:
        said.append("the version's reference sample cannot be read, so its inputs and outputs are not compared")
    if whole.asked < thresholds.minimum:
        said.append(f"it was asked {whole.asked} times; drift is judged from {thresholds.minimum} on")
    said.extend(
        f"the truth is known for {one.matured_share:.0%} of the {one.matured} matured decisions of {one.application}"
        for one in performance
        if one.labelled < one.matured
    )
    if whole.repetition > 1.05:
        said.append(f"there are {whole.repetition:.1f} rows about each entity, so drift is judged as from fewer rows")
    if whole.anonymous:
        said.append("the application names no entity, so its rows are taken as independent of each other")
    return said
