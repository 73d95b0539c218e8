"""What monitoring asks of the world: the log, the applications, the versions, and a place for its own results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import msgspec

from tenure.model.monitoring.profile import Profile, merged

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from tenure.model.monitoring.alert import Alert
    from tenure.model.monitoring.observation import Facts
    from tenure.model.monitoring.reference import Reference


class PositionUnknown(Exception):
    """The log ends before the position."""


class Stretch(NamedTuple):
    """A stretch of the log: the decision records in it, in lists, and the position at which it ends."""

    ending: int
    blocks: Iterable[Sequence[Mapping[str, Any]]]


class LogSource(Protocol):
    """The decision log, decoded; see `contract/records.py` for what a record holds."""

    def decisions(
        self, model: str | None, version: int | None, since: int, until: int, application: str | None = None
    ) -> Iterable[Mapping[str, Any]]:
        """Return the decision records that arrived in [since, until) UTC microseconds, in any order.

        With `model` and `version`, those in which that version was asked; with None, all of them. What a shadow saw is
        a record of its own, of kind `shadow`: the decision with the shadow's predictions and answer in it.
        """

    def settle(self) -> None:
        """Give all that was decided so far its place in the log."""

    def stretches(self, position: int) -> Iterator[Stretch]:
        """Return what has its place in the log from `position` (0: the beginning) on, stretch by stretch, each once.

        A place never changes, so whoever keeps the last stretch's ending reads nothing twice. Raise
        `PositionUnknown` when the log does not reach so far.
        """

    def outcomes(self, application: str) -> Iterable[Mapping[str, Any]]:
        """Return every outcome record of the application, in any order, corrections too."""


class Applications(Protocol):
    """What is known of the applications whose decisions are in the log."""

    def facts(self, application: str) -> Facts | None:
        """Return the facts of an application's active revision; None for one that there is no more."""

    def judged(self) -> Iterable[Facts]:
        """Return the facts of the applications that declare an outcome."""


class Versions(Protocol):
    """What is known of the versions."""

    def reference(self, model: str, version: int) -> Reference:
        """Return the reference frozen in the version's package; raise a `TenureError` when there is none to be read."""

    def champion(self, model: str, at: int) -> int | None:
        """Return the number of the version that was champion at a moment, or None."""


class Chunk(msgspec.Struct, frozen=True):
    """The profile of one version's day, of the records that arrived on one UTC day.

    Those of a day add up to the day's profile, however late its records arrive. `yardstick` is the digest of the bins
    that all of it was counted with, empty where a part was not.
    """

    model: str
    version: int
    day: str
    arrived: str
    yardstick: str
    profile: Profile


def together(first: Chunk, second: Chunk) -> Chunk:
    """Return the chunk of both; raise `ValueError` when they are of other days or versions."""
    if (first.model, first.version, first.day, first.arrived) != (
        second.model,
        second.version,
        second.day,
        second.arrived,
    ):
        raise ValueError(first, second)
    yardstick = first.yardstick if first.yardstick == second.yardstick else ""
    return msgspec.structs.replace(first, yardstick=yardstick, profile=merged(first.profile, second.profile))


class MonitoringStore(Protocol):
    """Where profiles and alerts are kept; everything in it but acknowledgements can be worked out again."""

    def transaction(self) -> AbstractContextManager[object]:
        """Begin (or join) the one write transaction of the control database."""

    def position(self) -> int | None:
        """Return the position up to which the log has been counted; None at first."""

    def begin_again(self) -> None:
        """Forget every chunk and the position."""

    def add(self, chunks: Iterable[Chunk], position: int) -> None:
        """Add what was counted from the position kept up to this one, and keep this one."""

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
