"""When a process that died is started again: soon at first, ever later while it keeps dying."""

from __future__ import annotations

from dataclasses import dataclass, replace

#: a process that lived this long has shown that it can
FORGIVEN_AFTER = 30.0
#: after so many deaths in a row it is called broken, and tried only once a minute
BROKEN_AFTER = 8
_FIRST = 0.05
_LONGEST = 10.0
_BROKEN = 60.0


@dataclass(frozen=True, slots=True)
class Restarts:
    """The deaths of one process: all of them, and those in a row without a long life between."""

    total: int = 0
    in_a_row: int = 0

    @property
    def broken(self) -> bool:
        """Return whether it dies again and again."""
        return self.in_a_row >= BROKEN_AFTER

    @property
    def pause(self) -> float:
        """Return the seconds to wait before the next try: 0, then doubling from 0.1, at most 10; once a minute when broken."""
        if self.broken:
            return _BROKEN
        return 0.0 if self.in_a_row <= 1 else min(_LONGEST, _FIRST * 2 ** (self.in_a_row - 1))


def after_death(restarts: Restarts, lived: float) -> Restarts:
    """Return the count after one more death of a process that was ready for `lived` seconds."""
    in_a_row = 1 if lived >= FORGIVEN_AFTER else restarts.in_a_row + 1
    return replace(restarts, total=restarts.total + 1, in_a_row=in_a_row)
