"""How decisions got along with what feature views gave: cheap enough to be always on."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from tenure.serving import freshness

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tenure.adapters.features.store import SqliteFeatures
    from tenure.contract.records import FeatureRead
    from tenure.serving.freshness import Freshness


class FeatureCounts:
    """Counts by view since the process began: reads, those in which a default stood in, those that left a gap.

    `read_as` says what the store found (`value`, `stale`, `nothing`).
    """

    def __init__(self, read_as: Mapping[tuple[str, str], int]) -> None:
        self.read_as = read_as
        self.defaulted: defaultdict[str, int] = defaultdict(int)
        self.missing: defaultdict[str, int] = defaultdict(int)

    def saw(self, reads: Sequence[FeatureRead]) -> None:
        """Take note of what one decision used."""
        for read in reads:
            if read.defaulted:
                self.defaulted[read.view] += 1
            if None in read.values.values():
                self.missing[read.view] += 1


class FreshnessNote:
    """Control's note of how fresh the views are, for gateways that must not count millions of keys themselves."""

    def __init__(self, views: SqliteFeatures, file: Path) -> None:
        self._views = views
        self._file = file

    def tick(self) -> None:
        """Count anew."""
        freshness.write(self._file, {name: self._of(name) for name in self._views.views()})

    def _of(self, view: str) -> Freshness:
        held = self._views.held(view)
        return freshness.Freshness(held.keys, held.newest, held.stale)
