"""What is done to versions out of service: archive, restore; to any version: run, verify; to all: repair, drill, gc."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tenure.governance.access import Permission, authorize
from tenure.governance.audit import Event
from tenure.kit.errors import TenureError
from tenure.model.archiving.findings import Findings, joined
from tenure.model.archiving.keeping import Destroyed
from tenure.model.archiving.proof import Drilled, carried_retention, check_archived, facts, retention
from tenure.model.lifecycle import Stage, move
from tenure.model.version import reason_for

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tenure.governance.access import Actor
    from tenure.governance.ports import Audit
    from tenure.governance.retention import RetentionClass
    from tenure.kit.clock import Clock
    from tenure.model.archiving.findings import Repaired, Swept
    from tenure.model.archiving.ports import Checks, KeptStore, Vault
    from tenure.model.archiving.proof import Kept, Ran
    from tenure.model.version import VersionRef


class Archives:
    """Collection of actions on what is kept."""

    def __init__(
        self,
        store: KeptStore,
        vault: Vault,
        checks: Checks,
        kept_as: Callable[[str], RetentionClass],
        audit: Audit,
        clock: Clock,
    ) -> None:
        self._store = store
        self._vault = vault
        self._checks = checks
        self._kept_as = kept_as
        self._audit = audit
        self._clock = clock

    def archive(self, actor: Actor, ref: VersionRef, reason: str) -> dict[str, Any]:
        """Prove that the version can be restored from a second copy, keep it, and drop what made it quick to start.

        Returns what was proven and until when the version is kept; a restore that fails raises and changes nothing.
        """
        authorize(actor, Permission.VERSIONS_ARCHIVE)
        reason = reason_for("archiving", reason)
        kept = self._store.get(ref)
        move(ref, kept.stage, Stage.ARCHIVED)
        files = self._vault.copy(kept)
        proof = self._vault.prove(kept)
        body = facts(proof) | {"files": files} | retention(self._clock.now(), self._kept_as(ref.model))
        self._keep(actor, Permission.VERSIONS_ARCHIVE, kept, Stage.ARCHIVED, "archive", reason, body)
        self._vault.cool(kept, self._store.warm_digests())
        return body

    def receive(self, actor: Actor, ref: VersionRef, statements: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Archive a version that came out of another home's archive, for as long as it was to be kept there at least."""
        authorize(actor, Permission.VERSIONS_IMPORT)
        kept = self._store.get(ref)
        files = self._vault.copy(kept)
        period = carried_retention(statements, self._clock.now(), self._kept_as(ref.model))
        body = facts(self._vault.prove(kept)) | {"files": files} | period
        self._keep(actor, Permission.VERSIONS_IMPORT, kept, Stage.ARCHIVED, "archive", "it was archived there", body)
        return body

    def restore(self, actor: Actor, ref: VersionRef, reason: str = "") -> dict[str, Any]:
        """Make an archived version deployable again and return what was proven; a restore that fails raises."""
        authorize(actor, Permission.VERSIONS_RESTORE)
        kept = self._store.get(ref)
        check_archived(kept)
        body = facts(self._vault.revive(kept))
        self._keep(actor, Permission.VERSIONS_RESTORE, kept, Stage.DECOMMISSIONED, "restore", reason, body)
        return body

    def run(self, actor: Actor, ref: VersionRef, rows: Sequence[Mapping[str, Any]]) -> Ran:
        """Return the predictions of a version of any stage, in its own environment; changes no stage."""
        authorize(actor, Permission.VERSIONS_RUN)
        kept = self._store.get(ref)
        if kept.stage is Stage.DESTROYED:
            raise Destroyed(ref=ref)
        return self._vault.run(kept, rows)

    def verify(self, actor: Actor, ref: VersionRef | None = None) -> Findings:
        """Check one version, or everything the home holds, against what was written."""
        authorize(actor, Permission.VERIFY)
        if ref is not None:
            return self._checks.version(self._store.get(ref))
        versions = [self._checks.version(self._store.get(known)) for known in self._store.all()]
        return joined([*versions, self._checks.home()])

    def repair(self, actor: Actor, reason: str = "") -> Repaired:
        """Heal every blob that is damaged or missing in one copy from the other; return what was and what cannot be."""
        authorize(actor, Permission.REPAIR)
        done = self._checks.repair()
        after = {"healed": list(done.healed), "lost": list(done.lost)}
        self._write(Event(Permission.REPAIR, actor, self._clock.now(), "home", reason, after=after))
        return done

    def sweep(self, actor: Actor, older_than: int, reason: str = "", *, dry_run: bool = False) -> Swept:
        """Remove what no version, logged decision, hold or retention period needs and was left since `older_than`."""
        authorize(actor, Permission.GC)
        swept = self._vault.sweep(older_than, dry_run=dry_run)
        if not dry_run:
            after = {"files": list(swept.files), "bytes": swept.size}
            self._write(Event(Permission.GC, actor, self._clock.now(), "home", reason, after=after))
        return swept

    def drill(self, actor: Actor) -> list[Drilled]:
        """Restore every distinct environment from blobs alone and re-run golden rows in it; attest what came of it."""
        authorize(actor, Permission.DRILL)
        newest = {self._vault.environment(kept): kept for kept in map(self._store.get, self._store.all())}
        return [self._drill(actor, environment, kept) for environment, kept in newest.items() if environment]

    def drill_next(self, actor: Actor, before: int) -> Drilled | None:
        """Drill the environment whose newest trial is the oldest, if that was before a moment; None when none is due."""
        authorize(actor, Permission.DRILL)
        newest = {self._vault.environment(kept): kept for kept in map(self._store.get, self._store.all())}
        tried = self._store.tried()
        due = [(tried.get(environment, 0), environment) for environment in newest if environment]
        if not due or min(due)[0] >= before:
            return None
        environment = min(due)[1]
        return self._drill(actor, environment, newest[environment])

    def _drill(self, actor: Actor, environment: str, kept: Kept) -> Drilled:
        """A restore that fails is a finding of the drill, not its end."""
        try:
            body = facts(self._vault.drill(kept))
        except TenureError as error:
            body = {"failed": str(error)}
        done = Drilled(kept.ref, environment, body)
        now, body = self._clock.now(), {"environment": environment, **body}
        with self._audit.transaction():
            self._store.note(self._store.get(kept.ref), actor, now, "drill", body)
            self._audit.write(Event(Permission.DRILL, actor, now, str(kept.ref), after=body))
        return done

    def _write(self, event: Event) -> None:
        with self._audit.transaction():
            self._audit.write(event)

    def _keep(
        self,
        actor: Actor,
        permission: Permission,
        kept: Kept,
        stage: Stage,
        kind: str,
        reason: str,
        body: dict[str, Any],
    ) -> None:
        now = self._clock.now()
        before, after = {"stage": kept.stage.value}, {"stage": stage.value, **body}
        with self._audit.transaction():
            self._store.move(kept, stage, actor, now, kind, body | {"reason": reason})
            self._audit.write(Event(permission, actor, now, str(kept.ref), reason, before, after))
