"""What the feature actions and a decision need of a store, and a training set of a join."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tenure.application.features.joining import Joining
    from tenure.application.features.rows import Typed
    from tenure.application.features.view import View


@dataclass(frozen=True, slots=True)
class Watermark:
    """How far a source was read into a view: the greatest value of its column, as JSON can carry it."""

    source: str
    column: str
    value: Any
    at: int


@dataclass(frozen=True, slots=True)
class Held:
    """How much a view holds: keys, when the newest value became known, and how many keys have grown too old."""

    keys: int
    newest: int | None
    stale: int


class FeatureStore(Protocol):
    """Values by view and key, and all that they ever were. `moment`s and `known_at` are UTC microseconds."""

    def define(self, view: View) -> None:
        """Keep a view's definition in the place of its former one."""

    def views(self) -> dict[str, View]:
        """Return every view by its name."""

    def ingest(self, view: View, rows: Iterable[Typed], watermark: Watermark | None = None) -> int:
        """Keep rows and how far their source was read, all or none, and return how many were new.

        An older row never hides a newer one; of several for one moment the one written last counts. A row that says
        what is known already is not kept again.
        """

    def read(self, view: str, key: str) -> tuple[Mapping[str, Any], int] | None:
        """Return the newest values and when they became known; None where there are none or they are too old."""

    def read_as_of(self, view: str, key: str, moment: int) -> tuple[Mapping[str, Any], int] | None:
        """Return what `read` would have returned at a past moment, had all that is known now been known in time."""

    def held(self, view: str) -> Held:
        """Return how much a view holds and how fresh it is."""

    def missing(self, view: View) -> dict[str, int]:
        """Return for every column how many keys have no value in it now."""

    def watermarks(self, view: str) -> list[Watermark]:
        """Return how far each source was read into the view."""


class PointInTime(Protocol):
    """Joins rows with what was known at their own moments."""

    def join(self, table: bytes, at_column: str, joinings: Sequence[Joining]) -> tuple[int, bytes]:
        """Return the rows of a Parquet file in their order, each once, with every view's columns; and how many."""
