"""What decommissioning needs to know: where a version stands, who names it, what it answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from tenure.governance.access import Actor
    from tenure.model.decommissioning.tombstone import Standing, Traffic
    from tenure.model.version import VersionRef


class StandingStore(Protocol):
    """Where versions stand; what writes runs inside `Audit.transaction()`."""

    def get(self, ref: VersionRef) -> Standing:
        """Return where the version stands; raise `UnknownModel` or `UnknownVersion`."""

    def retire(self, standing: Standing, actor: Actor, now: int, tombstone: dict[str, Any]) -> None:
        """Take the version out of service for good, and its aliases from it; raise `ChangedMeanwhile` if its model changed since `get`."""


class Revisions(Protocol):
    """The applications' side."""

    def naming(self, ref: VersionRef) -> list[str]:
        """Return the active revisions that name this version itself, as `churn-offers/12`."""


class AnsweredRequests(Protocol):
    """The decision log's side."""

    def of(self, ref: VersionRef, since: int) -> Traffic:
        """Return what the version answered since the moment, and the last request it ever answered."""
