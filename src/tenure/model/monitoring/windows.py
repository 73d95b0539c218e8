"""Windows: whole days taken together until they hold enough rows to judge, then judged column by column."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from tenure.model.monitoring.alert import Window
from tenure.model.monitoring.drift import Comparison, Signal, Thresholds, compare, failure_signal, signals_of
from tenure.model.monitoring.profile import Bins, Profile, Yardstick, comparable, merged

if TYPE_CHECKING:
    from collections.abc import Mapping

#: questions asked of a column: has it moved, are more values missing, are more outside the reference
QUESTIONS = 3


def windows_of(days: Mapping[str, Profile], yardstick: Yardstick | None, thresholds: Thresholds) -> list[Window]:
    """Return the judged windows of a version, oldest first, from its days' profiles.

    A day on which the version was asked `thresholds.minimum` times is a window of its own. Quieter days are taken
    together until there are as many rows and the days span a week. Days at the end that are too few yet are no window,
    unless they show something broken.
    """
    found = []
    first, held = "", Profile()
    for day, profile in sorted(days.items()):
        first = first or day
        held = merged(held, profile)
        spans = (date.fromisoformat(day) - date.fromisoformat(first)).days + 1
        if profile.asked >= thresholds.minimum or (held.asked >= thresholds.minimum and spans >= thresholds.days):
            found.append(Window(first, day, held.asked, tuple(judged(held, yardstick, thresholds))))
            first, held = "", Profile()
    if first and (signals := judged(held, yardstick, thresholds)):
        found.append(Window(first, max(days), held.asked, tuple(signals)))
    return found


def judged(profile: Profile, yardstick: Yardstick | None, thresholds: Thresholds) -> list[Signal]:
    """Return the signals of one window; what cannot be calculated is a signal itself and stops nothing else."""
    failing = failure_signal(profile.asked, profile.failures, thresholds)
    signals = [failing] if failing else []
    if yardstick is None:
        return signals
    found, broken = comparisons(profile, yardstick)
    looks = QUESTIONS * len(yardstick.bins)
    cells = {one.column: cells_of(yardstick.bins[one.column], yardstick, profile) for one in found}
    return [*signals, *broken, *signals_of(found, thresholds, looks, cells)]


def comparisons(profile: Profile, yardstick: Yardstick) -> tuple[list[Comparison], list[Signal]]:
    """Return each watched column beside the reference, and a signal for each that could not be compared."""
    found, broken = [], []
    repetition = profile.repetition
    for name, counts in profile.columns.items():
        try:
            found.append(compare(yardstick.bins[name], yardstick.reference[name], counts, repetition))
        except Exception as error:  # noqa: BLE001  one bad column never stops the rest; it is told as broken
            broken.append(Signal("broken", name, {"how": "the comparison failed", "error": repr(error)}))
    return found, broken


def cells_of(bins: Bins, yardstick: Yardstick, profile: Profile) -> dict[str, list[int]]:
    """Return by cell the reference rows and the live rows, so that a person can work the numbers out again."""
    before = comparable(bins, yardstick.reference[bins.name])
    now = comparable(bins, profile.columns[bins.name])
    return {name: [r, c] for name, r, c in zip(bins.names, before, now, strict=True)}
