"""One row against one baseline row, piece by piece: which mixtures of both are asked, and what each input added.

Standard library alone, Python 3.7 syntax. The server's own way, which explains any version of any age, is
`accountability/shapley.py`; both follow the same definition.
"""

from __future__ import annotations

import math
import random
from typing import Sequence


class Game:
    """The mixtures of two rows' pieces; `rows` are the row bytes to be scored, the baseline's own first."""

    def __init__(self, row: Sequence[bytes], other: Sequence[bytes], pairs: int, dice: random.Random) -> None:
        self._count = len(row)
        #: inputs that differ; the others take no part, and get exactly 0
        self._players = [nth for nth in range(len(row)) if row[nth] != other[nth]]
        few = len(self._players)
        self._walks: list[list[int]] = []
        if pairs:
            for _ in range(pairs):
                # Sorting by `random()` keeps the same order in every Python version; `shuffle` promises that less.
                walk = sorted(range(few), key=lambda _: dice.random())
                self._walks += [walk, walk[::-1]]
            masks = {mask for walk in self._walks for mask in _masks(walk)} or {0}
        else:
            masks = set(range(1 << few))
        self._masks = sorted(masks)
        self.rows = [
            b"".join([row[nth] if nth in taken else other[nth] for nth in range(len(row))])
            for taken in map(self._taken, self._masks)
        ]

    def _taken(self, mask: int) -> set[int]:
        return {player for nth, player in enumerate(self._players) if mask >> nth & 1}

    def parts(self, scores: Sequence[float]) -> list[float]:
        """Return what each input of the row added, given the scores of `rows`."""
        known = dict(zip(self._masks, scores))
        gains = self._along(known) if self._walks else self._of_all_sets(known)
        parts = [0.0] * self._count
        for player, gain in zip(self._players, gains):
            parts[player] = gain
        return parts

    def _along(self, known: dict[int, float]) -> list[float]:
        gains: list[list[float]] = [[] for _ in self._players]
        for walk in self._walks:
            masks = _masks(walk)
            for nth, before, after in zip(walk, masks, masks[1:]):
                gains[nth].append(known[after] - known[before])
        return [math.fsum(own) / len(self._walks) for own in gains]

    def _of_all_sets(self, known: dict[int, float]) -> list[float]:
        few = len(self._players)
        choose = [1.0]
        for size in range(1, few):
            choose.append(choose[-1] * (few - size) / size)
        found = []
        for nth in range(few):
            bit = 1 << nth
            found.append(
                math.fsum(
                    (known[mask | bit] - known[mask]) / (few * choose[bin(mask).count("1")])
                    for mask in range(1 << few)
                    if not mask & bit
                )
            )
        return found


def _masks(walk: Sequence[int]) -> list[int]:
    masks = [0]
    for nth in walk:
        masks.append(masks[-1] | 1 << nth)
    return masks
