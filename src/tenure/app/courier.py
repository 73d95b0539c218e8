"""Sends notices beside the work of control: a receiver that does not answer must hold up nothing."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_LOG = logging.getLogger("tenure.control")
#: one attempt may take so long
_SECONDS = 15.0


class Courier:
    """Runs one job at a time in a thread of its own."""

    def __init__(self, job: Callable[[], object]) -> None:
        self._job = job
        self._thread: threading.Thread | None = None

    def go(self) -> None:
        """Begin the job unless it is still under way."""
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._attempt, name="courier", daemon=True)
            self._thread.start()

    def wait(self) -> None:
        """Return when the job has ended, or took too long."""
        if self._thread is not None:
            self._thread.join(_SECONDS)

    def _attempt(self) -> None:
        try:
            self._job()
        except Exception:  # noqa: BLE001 - the boundary of a job
            _LOG.exception("notices of alerts could not be sent; it is tried again")
