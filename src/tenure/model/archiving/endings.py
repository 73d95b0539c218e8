"""The end of what is kept: how long it must stay, and how it goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tenure.governance.access import Permission, authorize
from tenure.governance.audit import Event
from tenure.model.archiving.keeping import Keeping, check_destroyable, holds_on, is_seconded, lengthened, retention_of
from tenure.model.lifecycle import Stage, move
from tenure.model.version import reason_for

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tenure.governance.access import Actor
    from tenure.governance.ports import Audit, HoldStore
    from tenure.governance.retention import RetentionClass
    from tenure.kit.clock import Clock
    from tenure.model.archiving.keeping import Retention, Statement
    from tenure.model.archiving.ports import KeptStore, Vault
    from tenure.model.archiving.proof import Kept
    from tenure.model.version import VersionRef

    Statements = Callable[[VersionRef], Sequence[Statement]]


class Endings:
    """Collection of actions on what may go, and when."""

    def __init__(
        self,
        store: KeptStore,
        statements: Statements,
        holds: HoldStore,
        vault: Vault,
        kept_as: Callable[[str], RetentionClass],
        audit: Audit,
        clock: Clock,
    ) -> None:
        self._store = store
        self._statements = statements
        self._holds = holds
        self._vault = vault
        self._kept_as = kept_as
        self._audit = audit
        self._clock = clock

    def retention(self, actor: Actor, ref: VersionRef | None = None) -> list[Keeping]:
        """Return until when versions are kept and which holds they are under: one, or all that there still are."""
        authorize(actor, Permission.RETENTION_LIST)
        refs = self._store.all() if ref is None else [ref]
        holds = self._holds.open()
        return [self._keeping(self._store.get(one), holds_on(one, holds)) for one in refs]

    def _keeping(self, kept: Kept, holds: tuple[Any, ...]) -> Keeping:
        kept_as = self._kept_as(kept.ref.model)
        return Keeping(kept.ref, kept.stage, self._retention(kept.ref, kept_as), holds, kept_as)

    def _retention(self, ref: VersionRef, kept_as: RetentionClass) -> Retention | None:
        return lengthened(retention_of(self._statements(ref)), kept_as)

    def destroy(self, actor: Actor, ref: VersionRef, reason: str) -> dict[str, Any]:
        """Propose to destroy an archived version, or destroy it if another person proposed it; return what was done.

        Refused under a hold and before the retention period has ended. A tombstone with all digests stays.
        """
        authorize(actor, Permission.VERSIONS_DESTROY)
        reason = reason_for("destroying", reason)
        now = self._clock.now()
        kept = self._store.get(ref)
        move(ref, kept.stage, Stage.DESTROYED)
        kept_as = self._kept_as(ref.model)
        retention = self._retention(ref, kept_as)
        check_destroyable(ref, retention, self._holds.open(), now, kept_as)
        if not is_seconded(ref, retention, actor.id):
            return self._propose(actor, kept, reason, now)
        assert retention is not None, "a proposal belongs to a period"
        return self._destroy(actor, kept, reason, now, str(retention.proposed_by))

    def _propose(self, actor: Actor, kept: Kept, reason: str, now: int) -> dict[str, Any]:
        body = {"reason": reason, "proposed_by": actor.id}
        with self._audit.transaction():
            self._store.note(kept, actor, now, "proposal", body)
            self._write(actor, kept, reason, now, {"stage": kept.stage.value, **body})
        return body

    def _destroy(self, actor: Actor, kept: Kept, reason: str, now: int, proposer: str) -> dict[str, Any]:
        """Write the tombstone first: files that a crash leaves behind are then nobody's, and `tenure gc` takes them."""
        body = {"proposed_by": proposer, "destroyed_by": actor.id, "digests": self._vault.files(kept), "reason": reason}
        with self._audit.transaction():
            self._store.move(kept, Stage.DESTROYED, actor, now, "destroyed", body)
            self._write(actor, kept, reason, now, {"stage": Stage.DESTROYED.value, **body})
        return body | {"freed": self._vault.discard(kept)}

    def _write(self, actor: Actor, kept: Kept, reason: str, now: int, after: dict[str, Any]) -> None:
        before = {"stage": kept.stage.value}
        self._audit.write(Event(Permission.VERSIONS_DESTROY, actor, now, str(kept.ref), reason, before, after))
