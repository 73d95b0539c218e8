"""What each input contributed to scores just computed, by the way that sealing proved for this model (its *plan*).

Always told against rows sealed with the package, whose digest the plan names, or (native) against the rows that the
trees were grown on. Nothing here is believed: whoever asked adds the parts up and compares them with the score served.
What cannot be told is told as NaN, which adds up to nothing.
"""

from __future__ import annotations

import hashlib
import math
import random
import struct
from typing import Any, Callable, Sequence

from . import shapley
from .columns import Codec, read_columns

#: a way from a score to what adds up
SCALES: dict[str, Callable[[float], float]] = {"score": float}
#: rows that explain within a decision, at most
MOST_ROWS = 32
#: rows of Shapley values in one decision, about; and the most inputs for which every set of them is asked
BUDGET = 512
_FEW = 5


def log_odds(probability: float) -> float:
    """Return the log-odds of a probability; raise `ValueError` for 0, 1 and everything outside."""
    if not 0.0 < probability < 1.0:
        raise ValueError(probability)
    return math.log(probability) - math.log1p(-probability)


SCALES["log-odds"] = log_odds


def order_of(digest: str, count: int) -> list[int]:
    """Return the places of a sample's rows in the order in which they explain: one that nobody chose, for ever the same.

    It is that of sha256(digest of the sample's file, place).
    """
    return sorted(range(count), key=lambda place: hashlib.sha256(("%s %d" % (digest, place)).encode()).hexdigest())


def baseline_rows(content: bytes, digest: str, inputs: Codec, most: int) -> list[bytes]:
    """Return the row bytes of the inputs of up to `most` rows of a sealed columns file."""
    fields, count, body = read_columns(content)
    sample = Codec(fields).unpack(count, body)
    return [inputs.pack_row(sample[place]) for place in order_of(digest, count)[:most]]


class Reasoner:
    """Explains rows by a plan. `scores` gives many rows' scores in the model's own batch form, on the plan's scale."""

    def __init__(
        self,
        plan: dict[str, Any],
        inputs: Codec,
        scores: Callable[[Sequence[bytes]], list[float]],
        baseline: Sequence[bytes],
        native: Callable[[bytes], dict[str, Any]] | None,
    ) -> None:
        self.plan, self._inputs, self._native = plan, inputs, native
        self._pack = struct.Struct("<%dd" % (1 + len(inputs.columns))).pack
        self._told: Any = None
        if plan["method"] == "closed_form":
            self._told = ClosedForm(inputs, scores, baseline)
        elif plan["method"] in ("exact_shapley", "sampled_shapley"):
            self._told = Sampled(inputs, scores, baseline, plan)

    def explain(self, rows: Sequence[bytes]) -> list[bytes]:
        """Return for each row the base and the part of each input, as little-endian doubles."""
        if self._told is None:
            return [self._pack(*self._by_library(row)) for row in rows]
        groups = [list(rows)] if self.plan.get("together") else [[row] for row in rows]
        return [self._pack(*one) for group in groups for one in self._told.explain(group)]

    def untold(self, count: int) -> list[bytes]:
        """Return what stands for so many rows where nothing could be told."""
        return [self._pack(*nothing(self._inputs))] * count

    def _by_library(self, row: bytes) -> list[float]:
        assert self._native is not None
        try:
            told = self._native(row)
        except Exception:
            # A library that fails to explain must not take the score with it, which is right.
            return nothing(self._inputs)
        return [told["base"], *[told["parts"].get(name, math.nan) for name in self._inputs.names]]


def nothing(inputs: Codec) -> list[float]:
    """Return what is told where nothing can be."""
    return [math.nan] * (1 + len(inputs.columns))


class ClosedForm:
    """Of a score that is a sum over its inputs, each input's part is what it changes by itself: one row more for each.

    Every row is compared with one *anchor* of the baseline; what the baseline's own rows differ from it was worked out
    at loading. So the parts are those against the mean of the baseline.
    """

    def __init__(self, inputs: Codec, scores: Callable[[Sequence[bytes]], list[float]], rows: Sequence[bytes]) -> None:
        self._inputs, self._scores = inputs, scores
        found = scores(rows)
        # The score nearest the middle, where a probability says most about its log-odds.
        middle = sorted(found)[len(found) // 2]
        self._anchor = inputs.pieces(rows[found.index(middle)])
        changes = self._changes(list(rows))
        self._mean = [math.fsum(column) / len(rows) for column in zip(*changes)]
        self._base = math.fsum(found) / len(rows)

    def explain(self, rows: Sequence[bytes]) -> list[list[float]]:
        """Return base and parts of each row."""
        return [
            [self._base, *[change - mean for change, mean in zip(changes, self._mean)]]
            for changes in self._changes(rows)
        ]

    def _changes(self, rows: Sequence[bytes]) -> list[list[float]]:
        """Return for each row what each of its inputs changes, set beside the anchor's."""
        asked: list[bytes] = []
        plans = []
        for row in rows:
            pieces = self._inputs.pieces(row)
            differ = [nth for nth, piece in enumerate(pieces) if piece != self._anchor[nth]]
            plans.append(differ)
            asked.append(row)
            asked += [b"".join([*pieces[:nth], self._anchor[nth], *pieces[nth + 1 :]]) for nth in differ]
        scores = iter(self._scores(asked))
        found = []
        for differ in plans:
            own = next(scores)
            changes = [0.0] * len(self._anchor)
            for nth in differ:
                changes[nth] = own - next(scores)
            found.append(changes)
        return found


class Sampled:
    """Shapley values against the baseline's rows: of every set of a few inputs, else along seeded orders of them."""

    def __init__(
        self,
        inputs: Codec,
        scores: Callable[[Sequence[bytes]], list[float]],
        rows: Sequence[bytes],
        plan: dict[str, Any],
    ) -> None:
        self._inputs, self._scores = inputs, scores
        self._rows = [inputs.pieces(row) for row in rows]
        self._pairs = 0 if plan["method"] == "exact_shapley" else int(plan["pairs"])
        self._digest = plan["baseline"].encode()

    def explain(self, rows: Sequence[bytes]) -> list[list[float]]:
        """Return base and parts of each row."""
        games = []
        asked: list[bytes] = []
        for row in rows:
            seed = int.from_bytes(hashlib.sha256(self._digest + row).digest()[:8], "big")
            dice = random.Random(seed)
            pieces = self._inputs.pieces(row)
            for other in self._rows:
                game = shapley.Game(pieces, other, self._pairs, dice)
                games.append(game)
                asked += game.rows
        scores = self._scores(asked)
        found, at, count = [], 0, len(self._rows)
        for start in range(0, len(games), count):
            base: list[float] = []
            parts: list[list[float]] = []
            for game in games[start : start + count]:
                own = scores[at : at + len(game.rows)]
                at += len(game.rows)
                base.append(own[0])
                parts.append(game.parts(own))
            means = [math.fsum(column) / count for column in zip(*parts)]
            found.append([math.fsum(base) / count, *means])
        return found


def fitting(inputs: int, rows: int) -> tuple[str, int, int]:
    """Return how Shapley values of so many inputs are asked for within a decision: (method, rows, pairs of orders)."""
    if inputs <= _FEW:
        return "exact_shapley", max(1, min(rows, BUDGET >> inputs)), 0
    used = max(1, min(rows, MOST_ROWS, BUDGET // (2 * inputs)))
    return "sampled_shapley", used, max(1, BUDGET // (2 * inputs * used))
