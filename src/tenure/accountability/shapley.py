"""Shapley values of one row against fixed reference rows, from nothing but the model's answers to rows.

The value of a set of inputs is the mean score over the reference rows when these inputs are taken from the row that is
explained and all others from the reference row (the interventional, or marginal, game: Janzing et al. 2020; Lundberg
and Lee 2017). The contributions add up to the row's score minus the mean score of the reference rows. Inputs in which
row and reference row are equal take no part in that reference row's game, so they cost nothing and get exactly 0.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeAlias

from tenure.contract.additivity import SCORE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from tenure.contract.additivity import Precision, Scale

    Row: TypeAlias = Mapping[str, Any]
    #: the scores of rows, asked in bulk
    Scores: TypeAlias = Callable[[Sequence[Row]], Sequence[float]]

#: up to so many inputs every set of them is asked
MOST_ENUMERATED = 12
#: seeded sets that are tried for each reference row before a score is called a sum of its inputs
_TRIED = 16


@dataclass(frozen=True, slots=True)
class Attribution:
    """What each input added to the baseline; `error` is the standard error of each, empty where nothing was sampled."""

    baseline: float
    contributions: dict[str, float]
    rows: int
    error: dict[str, float]


@dataclass(frozen=True, slots=True)
class Game:
    """The row against one reference row: which inputs differ, and the scores of the sets of them that were asked.

    A set is a bit mask over `players`; 0 is the reference row itself, all bits the row that is explained.
    """

    players: tuple[str, ...]
    scores: dict[int, float]

    @property
    def full(self) -> int:
        """Return the mask of the explained row."""
        return (1 << len(self.players)) - 1


def enumerated(score: Scores, row: Row, reference: Sequence[Row]) -> list[Game]:
    """Return the games of all reference rows with the scores of every set of inputs: 2 to the power of players each."""
    return _played(score, row, reference, lambda players: range(1 << len(players)))


def exact(games: Sequence[Game], names: Iterable[str]) -> Attribution:
    """Return the Shapley values of enumerated games, by the definition (Shapley 1953)."""
    return _mean([_by_definition(game) for game in games], games, names)


def sampled(
    score: Scores, row: Row, reference: Sequence[Row], names: Iterable[str], seed: int, pairs: int
) -> Attribution:
    """Return estimates from `pairs` seeded orders of the inputs for each reference row, each also walked backwards.

    Every walk goes from a reference row to the explained row, so the contributions add up exactly; walking an order
    both ways (antithetic pairs: Mitchell et al. 2022) halves the error of most models. The standard error is that of
    the mean over pairs, for these reference rows.
    """
    randoms = random.Random(seed)  # noqa: S311 - a seeded sample, not a secret
    orders = [[_order(_players(row, one), randoms) for _ in range(pairs)] for one in reference]
    walks = [[walk for order in of_row for walk in (order, order[::-1])] for of_row in orders]
    nth = iter(walks)
    games = _played(score, row, reference, lambda _: sorted({mask for walk in next(nth) for mask in _masks(walk)}))
    parts = [
        [_walked(game, of_row[at : at + 2]) for at in range(0, len(of_row), 2)]
        for game, of_row in zip(games, walks, strict=True)
    ]
    found = _mean([_averaged(of_row) for of_row in parts], games, names)
    return Attribution(found.baseline, found.contributions, found.rows, _errors(parts, found.contributions))


def tried(score: Scores, row: Row, reference: Sequence[Row], seed: int) -> list[Game]:
    """Return games with the sets that show whether a score is a sum: all of one input, all but one, and some seeded."""
    randoms = random.Random(seed)  # noqa: S311 - a seeded sample, not a secret

    def masks(players: Sequence[str]) -> list[int]:
        full = (1 << len(players)) - 1
        single = [1 << nth for nth in range(len(players))]
        return sorted(
            {0, full, *single, *(full ^ one for one in single), *(randoms.randrange(full + 1) for _ in range(_TRIED))}
        )

    return _played(score, row, reference, masks)


def additive(games: Sequence[Game], names: Iterable[str], scale: Scale, precision: Precision) -> Attribution | None:
    """Return the closed form where the score is, on the scale, a sum over the inputs; None where a set asked says no.

    Of a sum, an input's Shapley value is what it changes by itself, whatever the others are.
    """
    values = []
    for game in games:
        alone = _alone(game, scale, precision)
        if alone is None:
            return None
        values.append(alone)
    return _mean(values, games, names, scale)


# ---- asking


def _players(row: Row, reference: Row) -> tuple[str, ...]:
    # By their text: a NaN is equal to itself, and 0.0 is not -0.0, which a model can tell apart.
    return tuple(name for name in row if repr(row[name]) != repr(reference[name]))


def _played(
    score: Scores, row: Row, reference: Sequence[Row], masks_of: Callable[[tuple[str, ...]], Iterable[int]]
) -> list[Game]:
    """Ask all sets of all games in one go; the explained row itself only once."""
    plans = [(players, [*masks_of(players)]) for players in (_players(row, one) for one in reference)]
    asked: list[Row] = [row]
    for one, (players, masks) in zip(reference, plans, strict=True):
        full = (1 << len(players)) - 1
        asked += [_mixed(row, one, players, mask) for mask in masks if mask != full]
    scores = iter(score(asked))
    own = next(scores)
    games = []
    for players, masks in plans:
        full = (1 << len(players)) - 1
        games.append(Game(players, {full: own} | {mask: next(scores) for mask in masks if mask != full}))
    return games


def _mixed(row: Row, reference: Row, players: Sequence[str], mask: int) -> Row:
    taken = {name: row[name] for nth, name in enumerate(players) if mask >> nth & 1}
    return {**reference, **taken}


# ---- reckoning


def _by_definition(game: Game) -> dict[str, float]:
    count = len(game.players)
    weight = [1.0 / (count * math.comb(count - 1, size)) for size in range(count)]
    sizes = [mask.bit_count() for mask in range(1 << count)]
    values = {}
    for nth, name in enumerate(game.players):
        bit = 1 << nth
        gains = (
            weight[sizes[mask]] * (game.scores[mask | bit] - game.scores[mask])
            for mask in range(1 << count)
            if not mask & bit
        )
        values[name] = math.fsum(gains)
    return values


def _order(players: Sequence[str], randoms: random.Random) -> list[int]:
    # Sorting by `random()` keeps the same order in every Python version; `shuffle` promises that less.
    return sorted(range(len(players)), key=lambda _: randoms.random())


def _masks(walk: Sequence[int]) -> list[int]:
    masks = [0]
    for nth in walk:
        masks.append(masks[-1] | 1 << nth)
    return masks


def _walked(game: Game, walks: Sequence[Sequence[int]]) -> dict[str, float]:
    """Return what each input added, on average over the walks."""
    gains: dict[str, list[float]] = {name: [] for name in game.players}
    for walk in walks:
        for nth, (before, after) in zip(walk, pairwise(_masks(walk)), strict=True):
            gains[game.players[nth]].append(game.scores[after] - game.scores[before])
    return {name: math.fsum(found) / len(walks) for name, found in gains.items()}


def _averaged(parts: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {name: math.fsum(part[name] for part in parts) / len(parts) for name in parts[0]}


def _mean(
    values: Sequence[Mapping[str, float]],
    games: Sequence[Game],
    names: Iterable[str],
    scale: Scale = SCORE,
) -> Attribution:
    """Return the mean over the reference rows; an input that is equal in a row adds nothing there."""
    contributions = {name: math.fsum(value.get(name, 0.0) for value in values) / len(values) for name in names}
    baseline = math.fsum(scale.to(game.scores[0]) for game in games) / len(games)
    rows = 1 + sum(len(game.scores) - 1 for game in games)
    return Attribution(baseline, contributions, rows, {})


def _errors(parts: Sequence[Sequence[Mapping[str, float]]], names: Iterable[str]) -> dict[str, float]:
    """Return the standard error of the mean over all reference rows, from how much the pairs of each differ."""
    return {
        name: math.sqrt(math.fsum(_variance([pair.get(name, 0.0) for pair in of_row]) for of_row in parts)) / len(parts)
        for name in names
    }


def _variance(values: Sequence[float]) -> float:
    """Return the variance of the mean of some values; of fewer than two nothing is known and 0 is returned."""
    if len(values) < 2:
        return 0.0
    mean = math.fsum(values) / len(values)
    return math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1) / len(values)


def _alone(game: Game, scale: Scale, precision: Precision) -> dict[str, float] | None:
    """Return what each input changes by itself if these changes explain every set that was asked."""
    try:
        linked = {mask: scale.to(value) for mask, value in game.scores.items()}
        slack = max(precision.slack(scale, value) for value in game.scores.values())
    except ValueError:
        return None
    alone = {name: linked[game.full] - linked[game.full ^ (1 << nth)] for nth, name in enumerate(game.players)}
    allowed = precision.tolerance * max(abs(value) for value in linked.values()) + slack * (1 + len(alone))
    for mask, value in linked.items():
        told = linked[0] + math.fsum(one for nth, one in enumerate(alone.values()) if mask >> nth & 1)
        if not abs(value - told) <= allowed:
            return None
    return alone
