"""Alerts: one for each (version, kind, column) from its first bad window until enough quiet ones have passed.

The whole course of alerts follows from the windows' signals alone, so working a day out again, with records that came
late, changes alerts to what they would have been. Only what a person does (acknowledge) is kept beside.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any

import msgspec

from tenure.kit.errors import Kind, TenureError
from tenure.model.monitoring.drift import Signal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class State(enum.StrEnum):
    """Where an alert stands."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


MOVES: dict[State, frozenset[State]] = {
    State.OPEN: frozenset({State.ACKNOWLEDGED, State.RESOLVED}),
    State.ACKNOWLEDGED: frozenset({State.RESOLVED}),
    State.RESOLVED: frozenset(),
}


class UnknownAlert(TenureError):
    """There is no alert of that id."""

    code = "unknown-alert"
    kind = Kind.NOT_FOUND
    message = "there is no alert {id!r}"
    next_step = "see `tenure alerts` for those there are"


class AlertIsOver(TenureError):
    """The alert is in a state in which it cannot be acknowledged."""

    code = "alert-is-over"
    kind = Kind.CONFLICT
    message = "alert {id} is {state}; it may become: {legal}"
    next_step = "nothing needs to be done about it"


class Window(msgspec.Struct, frozen=True):
    """Whole days that were judged together: enough of them to hold the fewest rows that a test needs."""

    first_day: str
    last_day: str
    rows: int
    signals: tuple[Signal, ...]


class Episode(msgspec.Struct, frozen=True):
    """One stretch of windows in which one thing kept being wrong; `resolved_day` is None while it still is."""

    kind: str
    column: str
    first_day: str
    last_day: str
    windows: int
    resolved_day: str | None
    #: that of the latest bad window
    evidence: dict[str, Any]


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """What a person is told. Moments are UTC microseconds, days the application's own."""

    id: str
    model: str
    version: int
    kind: str
    column: str
    state: State
    opened_at: int
    first_day: str
    last_day: str
    windows: int
    evidence: dict[str, Any]
    acknowledged_by: str | None = None
    acknowledged_at: int | None = None
    note: str = ""
    resolved_at: int | None = None


def episodes(windows: Sequence[Window], quiet: int) -> list[Episode]:
    """Return the episodes of all (kind, column) in the order they began; `quiet` windows without a signal end one."""
    found: list[Episode] = []
    for kind, column in sorted({(signal.kind, signal.column) for window in windows for signal in window.signals}):
        found.extend(_episodes_of(kind, column, windows, quiet))
    return sorted(found, key=lambda episode: (episode.first_day, episode.kind, episode.column))


def _episodes_of(kind: str, column: str, windows: Iterable[Window], quiet: int) -> list[Episode]:
    found: list[Episode] = []
    silent = 0
    for window in windows:
        evidence = next((s.evidence for s in window.signals if (s.kind, s.column) == (kind, column)), None)
        going_on = bool(found) and found[-1].resolved_day is None
        if evidence is not None:
            silent = 0
            evidence = evidence | {"first_day": window.first_day, "last_day": window.last_day}
            if going_on:
                found[-1] = msgspec.structs.replace(
                    found[-1], last_day=window.last_day, windows=found[-1].windows + 1, evidence=evidence
                )
            else:
                found.append(Episode(kind, column, window.first_day, window.last_day, 1, None, evidence))
        elif going_on:
            silent += 1
            if silent >= quiet:
                found[-1] = msgspec.structs.replace(found[-1], resolved_day=window.last_day)
    return found


def reconciled(
    model: str, version: int, found: Sequence[Episode], stored: Sequence[Alert], now: int, new_ids: Iterable[str]
) -> list[Alert]:
    """Return the alerts that must be saved so that the stored ones tell the episodes found; unchanged ones are left out.

    An episode continues a stored alert of the same kind and column whose days it overlaps; no other is opened for it.
    A stored alert that no episode bears out any more, because late records changed its days, is resolved.
    """
    ids = iter(new_ids)
    left = {alert.id: alert for alert in stored}
    changed = []
    for episode in found:
        before = next((alert for alert in left.values() if _overlap(alert, episode)), None)
        if before is not None:
            del left[before.id]
        alert = _opened(model, version, episode, now, next(ids)) if before is None else before
        after = _following(alert, episode, now)
        if after != before:
            changed.append(after)
    changed.extend(_resolved(alert, now) for alert in left.values() if alert.state is not State.RESOLVED)
    return changed


def _overlap(alert: Alert, episode: Episode) -> bool:
    same = (alert.kind, alert.column) == (episode.kind, episode.column)
    return same and alert.first_day <= episode.last_day and episode.first_day <= alert.last_day


def _opened(model: str, version: int, episode: Episode, now: int, new_id: str) -> Alert:
    return Alert(
        id=new_id,
        model=model,
        version=version,
        kind=episode.kind,
        column=episode.column,
        state=State.OPEN,
        opened_at=now,
        first_day=episode.first_day,
        last_day=episode.last_day,
        windows=episode.windows,
        evidence=episode.evidence,
    )


def _following(alert: Alert, episode: Episode, now: int) -> Alert:
    alert = msgspec.structs.replace(
        alert,
        first_day=episode.first_day,
        last_day=episode.last_day,
        windows=episode.windows,
        evidence=episode.evidence,
    )
    if episode.resolved_day is not None and alert.state is not State.RESOLVED:
        return _resolved(alert, now)
    if episode.resolved_day is None and alert.state is State.RESOLVED:
        # Late records made the quiet windows bad after all: the alert was never over.
        state = State.OPEN if alert.acknowledged_at is None else State.ACKNOWLEDGED
        return msgspec.structs.replace(alert, state=state, resolved_at=None)
    return alert


def _resolved(alert: Alert, now: int) -> Alert:
    return msgspec.structs.replace(alert, state=State.RESOLVED, resolved_at=now)


def acknowledged(alert: Alert, by: str, note: str, now: int) -> Alert:
    """Return the alert as seen by a person; raise `AlertIsOver` when it is not open."""
    if State.ACKNOWLEDGED not in MOVES[alert.state]:
        legal = ", ".join(sorted(MOVES[alert.state])) or "nothing"
        raise AlertIsOver(id=alert.id, state=alert.state.value, legal=legal)
    return msgspec.structs.replace(alert, state=State.ACKNOWLEDGED, acknowledged_by=by, acknowledged_at=now, note=note)
