"""What is wrong with a table as a whole: values for which no row holds, or two; rows that can never count.

Every combination of parts is looked at, column by column, but a set of rows that was met at a column before is not
followed again, so that the work follows the table's structure and not the number of combinations.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tenure.application.rules.axes import Axis

MOST_STEPS = 400_000
MOST_FOUND = 20


@dataclass(slots=True)
class Coverage:
    """What was found: places without a row, pairs of rows that both hold with a place, and rows that are never first.

    A place has the words of one part for each column. `whole` is false when the table was too tangled to look through.
    """

    gaps: list[tuple[str, ...]] = field(default_factory=list)
    overlaps: dict[tuple[int, int], tuple[str, ...]] = field(default_factory=dict)
    unreachable: list[int] = field(default_factory=list)
    whole: bool = True


def covered(axes: Sequence[Axis], count: int) -> Coverage:
    """Return what is wrong with a table of `count` rows."""
    search = _Search(axes)
    search.follow(0, (1 << count) - 1, ())
    search.found.unreachable = [row for row in range(count) if not search.firsts >> row & 1]
    return search.found


class _Search:
    """Walks over the columns with the set of rows that still hold."""

    def __init__(self, axes: Sequence[Axis]) -> None:
        self.found = Coverage()
        self.firsts = 0
        self._axes = axes
        self._met: set[tuple[int, int]] = set()
        self._steps = 0

    def follow(self, column: int, rows: int, path: tuple[str, ...]) -> None:
        if column == len(self._axes):
            self._end(rows, path)
            return
        for part in self._axes[column].parts:
            self._steps += 1
            if self._steps > MOST_STEPS:
                self.found.whole = False
                return
            left = rows & part.rows
            if not left:
                self._gap((*path, part.words))
            elif (column, left) not in self._met:
                self._met.add((column, left))
                self.follow(column + 1, left, (*path, part.words))

    def _end(self, rows: int, path: tuple[str, ...]) -> None:
        first = rows & -rows
        self.firsts |= first
        second = (rows ^ first) & -(rows ^ first)
        if second and len(self.found.overlaps) < MOST_FOUND:
            self.found.overlaps.setdefault((first.bit_length() - 1, second.bit_length() - 1), path)

    def _gap(self, path: tuple[str, ...]) -> None:
        if len(self.found.gaps) < MOST_FOUND:
            self.found.gaps.append(path)
