"""How often signing in may fail: counted for a name, and for an address, over the last minutes."""

from __future__ import annotations

import threading
from collections import deque

from tenure.governance.sessions import TooManyAttempts
from tenure.kit.clock import SECOND

WINDOW = 5 * 60 * SECOND
#: of one name from one address; of one address whatever the name; of one name from anywhere
MOST_TOGETHER, MOST_OF_ADDRESS, MOST_OF_NAME = 5, 30, 50
_MOST_KEYS = 10_000


class Attempts:
    """Failed attempts of the last five minutes. Kept in memory: starting anew forgives, and costs an attacker nothing less."""

    def __init__(self) -> None:
        self._failed: dict[tuple[str, ...], deque[int]] = {}
        self._lock = threading.Lock()

    def refuse_too_many(self, name: str, address: str, now: int) -> None:
        """Raise `TooManyAttempts` if the next attempt must wait."""
        with self._lock:
            for key, most in _limits(name, address):
                times = self._recent(key, now)
                if len(times) >= most:
                    raise TooManyAttempts(retry_after=(times[-most] + WINDOW - now) // SECOND + 1)

    def failed(self, name: str, address: str, now: int) -> None:
        """Count one."""
        with self._lock:
            if len(self._failed) > _MOST_KEYS:
                self._forget_old(now)
            for key, _ in _limits(name, address):
                self._failed.setdefault(key, deque()).append(now)

    def _recent(self, key: tuple[str, ...], now: int) -> deque[int]:
        times = self._failed.get(key, deque())
        while times and times[0] <= now - WINDOW:
            times.popleft()
        return times

    def _forget_old(self, now: int) -> None:
        self._failed = {key: times for key, times in self._failed.items() if self._recent(key, now)}


def _limits(name: str, address: str) -> tuple[tuple[tuple[str, ...], int], ...]:
    of_address = (("address", address), MOST_OF_ADDRESS)
    # Whoever tries tokens and links names nobody, and must not lock out everybody else who names nobody.
    if not name:
        return (of_address,)
    return ((("both", name, address), MOST_TOGETHER), of_address, (("name", name), MOST_OF_NAME))
