"""What takes its time just now, and how far it is: told by `status`, so that whoever waits sees it move."""

from __future__ import annotations

import itertools
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass(slots=True)
class Work:
    """One action under way on a target: so many of all are done."""

    action: str
    target: str
    total: int
    done: int = 0


class Working:
    """All that is under way in this process; several threads may count."""

    def __init__(self) -> None:
        self._numbers = itertools.count()
        self._under_way: dict[int, Work] = {}

    @contextmanager
    def counting(self, action: str, target: str, total: int) -> Iterator[Callable[[int], None]]:
        """Tell of an action for as long as the block lasts; the given function adds to what is done."""
        number, work = next(self._numbers), Work(action, target, total)

        def add(done: int) -> None:
            work.done += done

        self._under_way[number] = work
        try:
            yield add
        finally:
            del self._under_way[number]

    def now(self) -> list[Work]:
        """Return what is under way, what began last at the end."""
        return list(self._under_way.values())
