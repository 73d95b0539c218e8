"""A version asked for many old decisions, any of which may end its worker: that one is found, the others get their answers."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from contextlib import AbstractContextManager

    from tenure.accountability.ports import Asked
    from tenure.contract.predictor import Prediction

    #: the rows of some decisions by their ids, and whether reasons are told with them
    Group = tuple[Mapping[str, Mapping[str, Any]], bool]

#: how many workers may end before what is left is given up: a dozen find one decision among thousands
MOST_ENDS = 40
#: a worker that hangs was waited for so long that it counts as so many
_HANGING = 10
_LOST = frozenset({"unavailable", "timeout"})


class Again:
    """What a version says now, by decision; `hello` is what its first worker said of the machine."""

    def __init__(self, start: Callable[[], AbstractContextManager[Asked]]) -> None:
        self._start = start
        self._ends = 0
        self.hello: dict[str, Any] = {}
        self.predictions: dict[str, Prediction] = {}

    def ask(self, groups: Iterable[Group]) -> None:
        """Fill in `predictions`, starting a new worker wherever one ends; raise what keeps the first one from starting.

        A group in which a worker ended is asked again by halves, so that in the end a decision that ends it is alone.
        """
        waiting = deque(group for group in groups if group[0])
        while waiting and self._ends < MOST_ENDS:
            with self._start() as asked:
                self.hello = self.hello or asked.hello
                lost: list[Group] | None = None
                while waiting and lost is None:
                    lost = self._asked(asked, waiting.popleft())
                waiting.extendleft(reversed(lost or ()))
        for rows, _ in waiting:
            self._note(rows, f"given up after {self._ends} workers had ended")

    def _asked(self, asked: Asked, group: Group) -> list[Group] | None:
        """Ask for one group; where the worker ended at it, return what is to be asked of another one, else None."""
        rows, reasons = group
        said = asked.predict(list(rows.values()), reasons=reasons)
        self.predictions |= zip(rows, said, strict=True)
        failures = {name: one.failure for name, one in zip(rows, said, strict=True) if one.failure in _LOST}
        if not failures:
            return None
        self._ends += _HANGING if "timeout" in failures.values() else 1
        if len(rows) == 1:
            self._note(rows, "asked for this decision alone")
            return []
        left = {name: rows[name] for name in failures}
        half = (len(left) + 1) // 2
        names = list(left)
        return [({name: left[name] for name in part}, reasons) for part in (names[:half], names[half:]) if part]

    def _note(self, rows: Iterable[str], when: str) -> None:
        for name in rows:
            one = self.predictions[name]
            self.predictions[name] = msgspec.structs.replace(one, error=f"{one.error} ({when})")
