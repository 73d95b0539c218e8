"""What deploying needs of others: the fleets, the gateways and workers, and the application's contract."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from tenure.governance.access import Actor
    from tenure.governance.approvals import Approval
    from tenure.model.deployment.fleet import Fleet
    from tenure.model.package import Seal
    from tenure.model.version import VersionRef


class FleetStore(Protocol):
    """The fleets; what writes runs inside `Audit.transaction()`."""

    def get(self, model: str) -> Fleet:
        """Return a model's fleet; raise `UnknownModel`."""

    def save(self, fleet: Fleet, now: int) -> None:
        """Keep the fleet's stages and roles; raise `ChangedMeanwhile` if its model changed since `get`."""

    def author(self, ref: VersionRef) -> str:
        """Return who registered the version."""

    def seal(self, ref: VersionRef) -> Seal:
        """Return what the newest restore of the version proved."""

    def is_excepted(self, ref: VersionRef) -> bool:
        """Return whether an exception is attached to the version."""

    def note_alias(
        self, model: str, alias: str, number: int | None, actor: Actor, now: int, action: str, reason: str
    ) -> None:
        """Keep that the alias points to the version from now on; to nothing, with None."""

    def note_approval(self, ref: VersionRef, approval: Approval, now: int, reason: str) -> None:
        """Keep the approval that lay in deploying."""


class Traffic(Protocol):
    """The running system: supervisor, workers, gateways."""

    def ready(self, ref: VersionRef) -> AbstractContextManager[object]:
        """Have the version's worker running and proven while the context lasts; raise when it cannot be.

        Entering publishes a snapshot that has the version's worker beside all others and waits until it answers.
        Leaving by an exception publishes one without it, unless the tables say by then that it is deployed.
        """

    def switch(self) -> None:
        """Publish what the tables say and return when every gateway serves it."""


class TrafficGate(Protocol):
    """The application's side of the contract."""

    def check(self, ref: VersionRef) -> list[str]:
        """Return the lines that active revisions would have to add before the version can get their traffic."""

    def asking(self, model: str, alias: str) -> list[str]:
        """Return the active revisions that ask the model through this alias, as `churn-offers/12`."""
