"""What monitoring asks of the world: the log, the applications, the versions, and a place for its own results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from tenure.model.monitoring.profile import Profile

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from contextlib import AbstractContextManager

    from tenure.model.monitoring.alert import Alert
    from tenure.model.monitoring.observation import Facts
    from tenure.model.monitoring.reference import Reference


class LogSource(Protocol):
    """The decision log, decoded; see `contract/records.py` for what a record holds."""

    def decisions(self, model: str | None, version: int | None, since: int, until: int) -> Iterable[Mapping[str, Any]]:
        """Return the decision records that arrived in [since, until) UTC microseconds, in any order.

        With `model` and `version`, those in which that version was asked; with None, all of them. What a shadow saw is
        a record of its own, of kind `shadow`: the decision with the shadow's predictions and answer in it.
        """

    def outcomes(self, application: str) -> Iterable[Mapping[str, Any]]:
        """Return every outcome record of the application, in any order, corrections too."""


class Applications(Protocol):
    """What is known of the applications whose decisions are in the log."""

    def facts(self, application: str) -> Facts | None:
        """Return the facts of an application's active revision; None for one that there is no more."""


class Versions(Protocol):
    """What is known of the versions."""

    def reference(self, model: str, version: int) -> Reference:
        """Return the reference frozen in the version's package; raise a `TenureError` when there is none to be read."""

    def champion(self, model: str, at: int) -> int | None:
        """Return the number of the version that was champion at a moment, or None."""


class Chunk(msgspec.Struct, frozen=True):
    """The profile of one version's day, of the records that arrived on one UTC day: the unit that is worked out again.

    Those of a day add up to the day's profile, however late its records arrive.
    """

    model: str
    version: int
    day: str
    arrived: str
    yardstick: str
    profile: Profile


class MonitoringStore(Protocol):
    """Where profiles and alerts are kept; everything in it but acknowledgements can be worked out again."""

    def transaction(self) -> AbstractContextManager[object]:
        """Begin (or join) the one write transaction of the control database."""

    def watermark(self) -> int:
        """Return the moment up to which the log has been worked out; 0 at first."""

    def replace(self, since_day: str, chunks: Iterable[Chunk], watermark: int) -> None:
        """Put `chunks` in the place of all that arrived on `since_day` or later, and keep the watermark."""

    def chunks(self, model: str, version: int) -> list[Chunk]:
        """Return all chunks of a version."""

    def yardsticks(self) -> set[tuple[str, int, str]]:
        """Return every (model, version, digest of the yardstick) that a chunk was counted with."""

    def alerts(self, model: str | None = None, version: int | None = None) -> list[Alert]:
        """Return alerts, newest first."""

    def alert(self, alert_id: str) -> Alert | None:
        """Return the alert of this id."""

    def save_alert(self, alert: Alert) -> None:
        """Keep the alert's present state."""
