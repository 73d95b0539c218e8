"""When two profiles differ: how much (PSI), beyond chance or not (chi-squared), and whether a person should hear of it.

No fixed constant does both jobs: with few rows PSI exceeds 0.1 by chance alone, with many a harmless shift becomes
significant. So a signal needs both, and the chance of any signal on a day on which nothing has changed is bounded by
`Thresholds.chance` for each version (Bonferroni over everything that is looked at).

Ten rows about one person are not ten pieces of evidence. Where entities repeat, the live rows count as many times less
as there are rows about each: the first-order correction of Rao and Scott (1981) with the design effect of clusters of
one size whose rows are all alike. It errs towards silence where they are not alike, and towards noise where a few
entities have most of the rows.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import msgspec

from tenure.model.monitoring.profile import (
    Bins,
    Counts,
    comparable,
    missing,
    outside,
    prior_outside,
    rows,
    unreadable,
)

if TYPE_CHECKING:
    import numpy as np

#: a cell of the test is expected to hold at least this many live rows; poorer neighbours are taken together
EXPECTED = 5


class Thresholds(msgspec.Struct, frozen=True):
    """When a difference becomes a signal. Shares are of the rows of a window; `minimum` is its fewest rows.

    Days that hold fewer are taken together until they span `days` days, a week, so that each weekday has its part.
    """

    chance: float = 0.01
    effect: float = 0.1
    missing: float = 0.05
    outside: float = 0.05
    failures: float = 0.05
    minimum: int = 100
    days: int = 7
    quiet: int = 3


DEFAULT = Thresholds()


class Comparison(msgspec.Struct, frozen=True):
    """One column of a window beside the reference.

    `repetition` is how many rows there are about each entity, by which the tests discount the live rows. `psi` is over all bins as defined below; `effect` is over the cells of the test with what chance alone is expected
    to add taken away, never below 0; `chance` is the p-value of the test. Shares are of the window's rows.
    """

    column: str
    rows: int
    repetition: float
    reference_rows: int
    psi: float
    effect: float
    statistic: float
    freedom: int
    chance: float
    missing: float
    reference_missing: float
    missing_chance: float
    outside: float
    outside_chance: float
    unreadable: int


class Signal(msgspec.Struct, frozen=True):
    """Something in one window that a person should hear of: what kind, in which column, and on what evidence."""

    kind: str
    column: str
    evidence: dict[str, Any]


def psi(reference: Counts, live: Counts) -> float:
    """Return the population stability index of two counts over the same cells.

    PSI = Σ (rᵢ - cᵢ) · ln(rᵢ / cᵢ) over shares r of the reference and c of the live rows (Siddiqi, Credit Risk
    Scorecards, 2006; the symmetric Kullback-Leibler divergence of Jeffreys). Zero shares are filled on each side alone
    and not renormalised, as Evidently 0.7 does: with 0.0001, or with a millionth of the smallest share that is not zero
    where that share is 0.0001 or less. An empty side gives 0.
    """
    import numpy as np

    if not sum(reference) or not sum(live):
        return 0.0
    r, c = _filled(reference), _filled(live)
    return float(np.sum((r - c) * np.log(r / c)))


def _filled(counts: Counts) -> np.ndarray[Any, np.dtype[np.float64]]:
    import numpy as np

    shares = np.asarray(counts, dtype=np.float64) / sum(counts)
    least = shares[shares > 0].min()
    shares[shares == 0] = least / 1e6 if least <= 1e-4 else 1e-4
    return shares


def coarse(reference: Counts, live_rows: float, *, ordered: bool) -> list[list[int]]:
    """Return groups of cells that are expected to hold `EXPECTED` live rows each, from the reference alone.

    The live counts must not decide, or the test would be chosen by its own result. Intervals are grouped with their
    neighbours; categories with the next rarer ones.
    """
    order = range(len(reference)) if ordered else sorted(range(len(reference)), key=lambda i: (-reference[i], i))
    needed = EXPECTED * max(sum(reference), 1) / max(live_rows, 1)
    groups: list[list[int]] = [[]]
    for index in order:
        if sum(reference[i] for i in groups[-1]) >= needed:
            groups.append([])
        groups[-1].append(index)
    if len(groups) > 1 and sum(reference[i] for i in groups[-1]) < needed:
        last = groups.pop()
        groups[-1].extend(last)
    return groups


def grouped(counts: Counts, groups: list[list[int]]) -> Counts:
    """Return the counts of groups of cells."""
    return tuple(sum(counts[index] for index in group) for group in groups)


def effect_of(reference: Counts, live: Counts, repetition: float = 1.0) -> float:
    """Return PSI less what chance alone adds to it on average, not below 0.

    With nothing changed PSI is about (1/n + 1/m) times a chi-squared variable of B - 1 degrees of freedom (Yurdakul,
    Statistical Properties of the Population Stability Index, 2018), so (B - 1)(1/n + 1/m) is taken away.
    """
    n, m = sum(reference), sum(live) / repetition
    if not n or not m:
        return 0.0
    return max(0.0, psi(reference, live) - (len(reference) - 1) * (1 / n + 1 / m))


def chi_squared(reference: Counts, live: Counts, repetition: float = 1.0) -> tuple[float, int, float]:
    """Return statistic, degrees of freedom and p-value of Pearson's test that both counts come from one distribution.

    The reference is a sample too, so this is the test of homogeneity of a 2 x B table, not of fit to fixed shares.
    """
    import numpy as np
    from scipy.special import chdtrc

    table = np.asarray([reference, live], dtype=np.float64)
    table[1] /= repetition
    table = table[:, table.sum(axis=0) > 0]
    freedom = table.shape[1] - 1
    if freedom < 1 or not table.sum(axis=1).all():
        return 0.0, 0, 1.0
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    statistic = float(((table - expected) ** 2 / expected).sum())
    return statistic, freedom, float(chdtrc(freedom, statistic))


def compare(bins: Bins, reference: Counts, live: Counts, repetition: float = 1.0) -> Comparison:
    """Return how one column of a window stands beside the reference."""
    known, now = comparable(bins, reference), comparable(bins, live)
    groups = coarse(known, sum(now) / repetition, ordered=bins.kind == "number")
    few, few_now = grouped(known, groups), grouped(now, groups)
    statistic, freedom, chance = chi_squared(few, few_now, repetition)
    n, gone, away = rows(live), missing(live), outside(bins, live)
    apart = int(n / repetition)
    return Comparison(
        column=bins.name,
        rows=n,
        repetition=repetition,
        reference_rows=rows(reference),
        psi=psi(known, now),
        effect=effect_of(few, few_now, repetition),
        statistic=statistic,
        freedom=freedom,
        chance=chance,
        missing=gone / n if n else 0.0,
        reference_missing=missing(reference) / max(rows(reference), 1),
        missing_chance=fisher(int(gone / repetition), apart, missing(reference), rows(reference)),
        outside=away / n if n else 0.0,
        outside_chance=beta_binomial(int(away / repetition), apart, *prior_outside(bins, reference)),
        unreadable=unreadable(live),
    )


def fisher(times: int, n: int, before: int, m: int) -> float:
    """Return Fisher's exact one-sided p-value: how likely at least `times` of n rows, beside `before` of m, by chance."""
    import numpy as np

    if times <= 0 or not m:
        return 1.0
    both = times + before
    k = np.arange(times, min(n, both) + 1, dtype=np.float64)
    log = _log_choose(n, k) + _log_choose(m, both - k) - _log_choose(n + m, np.asarray([both], dtype=np.float64))
    return float(min(1.0, np.exp(log).sum()))


def _log_choose(n: int, k: np.ndarray[Any, np.dtype[np.float64]]) -> Any:
    from scipy.special import gammaln

    return gammaln(n + 1.0) - gammaln(k + 1.0) - gammaln(n - k + 1.0)


def beta_binomial(times: int, n: int, a: int, b: int) -> float:
    """Return how likely at least `times` of n rows are when each row's probability is itself drawn from Beta(a, b)."""
    import numpy as np
    from scipy.special import betaln

    if times <= 0:
        return 1.0
    k = np.arange(times, n + 1, dtype=np.float64)
    log = _log_choose(n, k) + betaln(k + a, n - k + b) - betaln(a, b)
    return float(min(1.0, np.exp(log).sum()))


def signals_of(found: list[Comparison], thresholds: Thresholds, looks: int, shares: dict[str, Any]) -> list[Signal]:
    """Return the signals of one window from its comparisons; `shares` are each column's cells, for the evidence.

    `looks` is how many questions are asked of a window: three of each watched column. Each may be answered "signal" by
    chance with probability `chance / looks` at most.
    """
    signals = []
    bound = thresholds.chance / max(looks, 1)
    for c in found:
        evidence = msgspec.to_builtins(c) | {"chance_bound": bound, "cells": shares.get(c.column, {})}
        if c.unreadable:
            how = f"{c.unreadable} of {c.rows} rows hold a value of another type than the column's"
            signals.append(Signal("broken", c.column, evidence | {"how": how}))
        if c.rows < thresholds.minimum:
            continue
        kind = "score drift" if c.column.startswith("output.") else "drift"
        if c.chance <= bound and c.effect >= thresholds.effect:
            signals.append(Signal(kind, c.column, evidence | {"how": _how(thresholds)}))
        if c.missing_chance <= bound and c.missing - c.reference_missing >= thresholds.missing:
            signals.append(Signal("missing", c.column, evidence | {"how": _SHARE.format(what="have no value")}))
        if c.outside_chance <= bound and c.outside >= thresholds.outside:
            signals.append(Signal("outside", c.column, evidence | {"how": _SHARE.format(what="lie outside it")}))
    return signals


_SHARE = "more rows than in the reference {what}: exact test and a least share"


def _how(thresholds: Thresholds) -> str:
    return (
        f"PSI less its bias (B-1)(1/n+1/m) is at least {thresholds.effect:g} and Pearson's chi-squared test of "
        f"homogeneity is significant at {thresholds.chance:g} shared out over all looks (Bonferroni)"
    )


def failure_signal(asked: int, failures: dict[str, int], thresholds: Thresholds) -> Signal | None:
    """Return a signal when the version gave no output for too large a share of the rows it was asked about."""
    failed = sum(failures.values())
    if (
        not asked
        or failed / asked < thresholds.failures
        or failed < math.ceil(thresholds.minimum * thresholds.failures)
    ):
        return None
    how = f"at least {thresholds.failures:.0%} of the questions got no output"
    return Signal("failures", "", {"asked": asked, "failed": failed, "by_kind": failures, "how": how})
