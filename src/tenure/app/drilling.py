"""Restore drills by themselves: one environment at a time, beside everything else and behind it."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from typing import TYPE_CHECKING

from tenure.governance.access import Actor, Role
from tenure.kit.clock import DAY

if TYPE_CHECKING:
    from tenure.kit.clock import Clock
    from tenure.model.archiving.actions import Archives
    from tenure.model.archiving.proof import Drilled

_LOG = logging.getLogger("tenure.control")
_NICE = 15
#: who drills when nobody asked for it
SCHEDULE = Actor("schedule", Role.AUDITOR, kind="local")


class Drilling:
    """Drills what was not proven for `days`, in a thread of low priority, which its workers inherit.

    After an upgrade of Tenure (`upgraded_at`, 0: none) what was proven by the one before is due at once, one after the
    other: the golden rows are run again by the software that answers now.
    """

    def __init__(self, archives: Archives, clock: Clock, days: int, upgraded_at: int = 0) -> None:
        self._archives, self._clock, self._days = archives, clock, days
        self._upgraded_at = upgraded_at
        self._thread: threading.Thread | None = None

    def tick(self) -> None:
        """Begin the next drill that is due, unless one is under way."""
        if self._days and (self._thread is None or not self._thread.is_alive()):
            self._thread = threading.Thread(target=self._drill, name="drill", daemon=True)
            self._thread.start()

    def wait(self) -> None:
        """Return when no drill is under way."""
        if self._thread is not None:
            self._thread.join()

    def _drill(self) -> None:
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
        try:
            while self._told(self._archives.drill_next(SCHEDULE, self._upgraded_at)):
                pass
            self._told(self._archives.drill_next(SCHEDULE, self._clock.now() - self._days * DAY))
        except Exception:  # noqa: BLE001 - the boundary of a job
            _LOG.exception("a restore drill could not be done; it is tried again")

    def _told(self, done: Drilled | None) -> bool:
        """Say what went wrong in a drill; return whether there was one."""
        if done is not None and not done.ok:
            _LOG.error("the restore of %s failed in a drill: %s", done.ref, done.body["failed"])
        return done is not None
