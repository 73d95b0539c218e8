"""An alert is opened once, stays while the thing is wrong, and is over after enough quiet windows."""

from __future__ import annotations

import itertools

import pytest

from tenure.model.monitoring.alert import Alert, AlertIsOver, State, Window, acknowledged, episodes, reconciled
from tenure.model.monitoring.drift import Signal

DRIFT = Signal("drift", "income", {"psi": 0.4})


def windows(pattern: str) -> list[Window]:
    """Return a window per letter: x has the signal, . has not."""
    return [
        Window(f"2026-01-{day:02d}", f"2026-01-{day:02d}", 100, (DRIFT,) if letter == "x" else ())
        for day, letter in enumerate(pattern, 1)
    ]


def told(pattern: str, stored: list[Alert] | None = None, now: int = 1) -> list[Alert]:
    ids = (f"A{now}-{number}" for number in itertools.count())
    return reconciled("credit", 1, episodes(windows(pattern), 3), stored or [], now, ids)


def test_an_alert_is_opened_once_and_not_repeated_while_it_is_open() -> None:
    (alert,) = told("..xxx")
    assert (alert.state, alert.first_day, alert.last_day, alert.windows) == (State.OPEN, "2026-01-03", "2026-01-05", 3)
    (again,) = told("..xxxx", [alert], now=2)
    assert (again.id, again.windows, again.opened_at) == (alert.id, 4, 1)
    assert told("..xxxx", [again], now=3) == []


def test_two_quiet_windows_do_not_end_an_alert_and_three_do() -> None:
    assert told("x..")[0].state is State.OPEN
    assert told("x..x..")[0].windows == 2
    assert told("x...")[0].state is State.RESOLVED


def test_the_same_thing_wrong_again_after_it_was_over_is_a_new_alert() -> None:
    first, second = told("x...xx")
    assert (first.state, second.state) == (State.RESOLVED, State.OPEN)
    assert first.id != second.id


def test_what_a_person_noted_stays_when_windows_are_worked_out_again() -> None:
    (alert,) = told("x")
    seen = acknowledged(alert, "local:kim", "known campaign", 5)
    (after,) = told("xx", [seen], now=6)
    assert (after.state, after.acknowledged_by, after.note) == (State.ACKNOWLEDGED, "local:kim", "known campaign")
    (over,) = told("xx...", [after], now=7)
    assert (over.state, over.resolved_at) == (State.RESOLVED, 7)


def test_late_records_that_make_an_alert_untrue_resolve_it() -> None:
    stored = told("x")
    (after,) = told(".", stored, now=4)
    assert (after.id, after.state) == (stored[0].id, State.RESOLVED)


def test_late_records_that_make_a_quiet_window_bad_take_a_resolved_alert_up_again() -> None:
    stored = told("x...")
    (after,) = told("x..x", stored, now=4)
    assert (after.id, after.state, after.resolved_at) == (stored[0].id, State.OPEN, None)


def test_an_alert_that_is_over_cannot_be_acknowledged() -> None:
    (alert,) = told("x...")
    with pytest.raises(AlertIsOver, match="is resolved; it may become: nothing"):
        acknowledged(alert, "local:kim", "", 9)
