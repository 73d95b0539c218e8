"""What the feature actions and a decision need of a store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tenure.application.features.view import View


class FeatureStore(Protocol):
    """Values by view and key, and all that they ever were. `moment`s and `known_at` are UTC microseconds."""

    def define(self, view: View) -> None:
        """Keep a view's definition in the place of its former one."""

    def views(self) -> dict[str, View]:
        """Return every view by its name."""

    def ingest(self, view: View, rows: Iterable[tuple[str, int, dict[str, Any]]]) -> int:
        """Keep rows of (key, known_at, values), all or none, and return how many; an older row never hides a newer one."""

    def read(self, view: str, key: str) -> tuple[Mapping[str, Any], int] | None:
        """Return the newest values and when they became known; None where there are none or they are too old."""

    def read_as_of(self, view: str, key: str, moment: int) -> tuple[Mapping[str, Any], int] | None:
        """Return what `read` would have returned at a past moment, had all that is known now been known in time."""

    def size(self, view: str) -> tuple[int, int | None]:
        """Return how many keys a view has, and when its newest value became known."""
