"""Taking a version out of service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tenure.governance.access import Permission, authorize
from tenure.governance.audit import Event
from tenure.model.decommissioning.tombstone import StillNeeded, dependents, live_since, tombstone
from tenure.model.lifecycle import Stage, move
from tenure.model.version import reason_for

if TYPE_CHECKING:
    from tenure.governance.access import Actor
    from tenure.governance.ports import Audit
    from tenure.kit.clock import Clock
    from tenure.model.decommissioning.ports import AnsweredRequests, Revisions, StandingStore
    from tenure.model.decommissioning.tombstone import Standing, Traffic
    from tenure.model.version import VersionRef


class Decommissionings:
    """Collection of actions that end a version's service."""

    def __init__(
        self,
        store: StandingStore,
        revisions: Revisions,
        requests: AnsweredRequests,
        audit: Audit,
        clock: Clock,
    ) -> None:
        self._store = store
        self._revisions = revisions
        self._requests = requests
        self._audit = audit
        self._clock = clock

    def decommission(
        self, actor: Actor, ref: VersionRef, reason: str, successor: VersionRef | None = None
    ) -> dict[str, Any]:
        """Take the version out of service and return its tombstone; raise `StillNeeded` naming who depends on it.

        Its worker finishes what it has and stops once the snapshot without it is served, which follows.
        """
        authorize(actor, Permission.VERSIONS_DECOMMISSION)
        reason = reason_for("decommissioning", reason)
        standing = self._store.get(ref)
        move(ref, standing.stage, Stage.DECOMMISSIONED)
        if successor is not None:
            self._store.get(successor)
        traffic = self._check_free(standing)
        stone = tombstone(reason, successor, traffic)
        self._keep(actor, standing, reason, stone)
        return stone

    def _check_free(self, standing: Standing) -> Traffic:
        since = live_since(standing, self._clock.now())
        traffic = self._requests.of(standing.ref, since)
        if found := dependents(standing, self._revisions.naming(standing.ref), traffic, since):
            raise StillNeeded(ref=standing.ref, dependents="\n".join(f"  {line}" for line in found), who=found)
        return traffic

    def _keep(self, actor: Actor, standing: Standing, reason: str, stone: dict[str, Any]) -> None:
        now = self._clock.now()
        before, after = {"stage": standing.stage.value}, {"stage": Stage.DECOMMISSIONED.value, **stone}
        with self._audit.transaction():
            self._store.retire(standing, actor, now, stone)
            self._audit.write(
                Event(Permission.VERSIONS_DECOMMISSION, actor, now, str(standing.ref), reason, before, after)
            )
