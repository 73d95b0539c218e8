"""Waiting for facts: whoever waits names a condition, whoever changes something says so."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Changes:
    """Conditions over the supervisor's state, looked at again after every change.

    A condition is looked at, never an event remembered, so no order of deaths and arrivals can lose a wake-up.
    """

    def __init__(self) -> None:
        self._waiting: set[asyncio.Future[None]] = set()

    def happened(self) -> None:
        """Have every waiter look again."""
        waiting, self._waiting = self._waiting, set()
        for waiter in waiting:
            if not waiter.done():
                waiter.set_result(None)

    async def until(self, holds: Callable[[], bool], seconds: float | None = None) -> bool:
        """Return True as soon as the condition holds, False when `seconds` have passed before."""
        try:
            async with asyncio.timeout(seconds):
                while not holds():
                    waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                    self._waiting.add(waiter)
                    await waiter
        except TimeoutError:
            return holds()
        return True
