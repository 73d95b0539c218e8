"""What is done to models and versions as records: register, approve, look up, compare, ask for history."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tenure.governance.access import Permission, authorize
from tenure.governance.approvals import approve
from tenure.governance.audit import Event
from tenure.kit.errors import Kind, TenureError
from tenure.model.lifecycle import Stage, move
from tenure.model.registry.record import (
    Attestation,
    Difference,
    History,
    ModelRecord,
    VersionRecord,
    differences,
    served_at,
)
from tenure.model.version import VersionRef, parse_name, reason_for

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tenure.governance.access import Actor
    from tenure.governance.approvals import Approval
    from tenure.governance.audit import Entry
    from tenure.governance.ports import AuditLog, PolicyStore
    from tenure.kit.clock import Clock
    from tenure.model.registry.ports import Packages, Proven, RegistryStore
    from tenure.model.version import AliasRef

_EVENTS = 1000


class NameOfApplication(TenureError):
    """An application has the name that a new model would get; they share one name space."""

    code = "name-of-application"
    kind = Kind.CONFLICT
    message = "{name} is the name of an application; applications and models share their names"
    next_step = "package the model under another name, as {name}-model"


class Models:
    """Collection of actions on the registry."""

    def __init__(
        self,
        store: RegistryStore,
        packages: Packages,
        policy: PolicyStore,
        audit: AuditLog,
        clock: Clock,
        is_application: Callable[[str], bool] = lambda _: False,
    ) -> None:
        self._store = store
        self._packages = packages
        self._policy = policy
        self._audit = audit
        self._clock = clock
        self._is_application = is_application

    def register(self, actor: Actor, package: Path, reason: str = "") -> tuple[VersionRecord, bool]:
        """Prove a package and give it a number; return the version and whether the same package had one already.

        Of a package that had one, what has come to harm since is mended.
        """
        authorize(actor, Permission.VERSIONS_REGISTER)
        draft = self._packages.identify(package)
        if known := self._store.by_package(draft):
            if known.stage is not Stage.DESTROYED:
                self._packages.mend(package)
            return known, True
        proven = self._packages.register(package)
        # Proving takes seconds without a lock, so the same package may have been registered beside us meanwhile.
        with self._audit.transaction():
            if known := self._store.by_package(proven.digest):
                return known, True
            return self._keep(actor, proven, draft, reason), False

    def _keep(self, actor: Actor, proven: Proven, draft: str, reason: str) -> VersionRecord:
        now = self._clock.now()
        model = parse_name(proven.manifest.name)
        if self._is_application(model) and all(one.name != model for one in self._store.models()):
            raise NameOfApplication(name=model)
        ref = VersionRef(model, self._store.next_number(model, now, actor.id))
        record = VersionRecord(ref, proven.digest, draft, Stage.REGISTERED, now, actor.id, proven.manifest)
        self._store.add(record)
        seal: dict[str, object] = {"digest": proven.digest, "draft": draft, "golden": proven.verdict}
        seal["seal"] = msgspec.to_builtins(proven.seal)
        if proven.reasons_us:
            seal["reasons_us"] = proven.reasons_us
        self._store.attest(ref, Attestation("seal", now, actor.id, seal))
        after = {"stage": record.stage.value, "digest": record.digest}
        self._audit.write(Event(Permission.VERSIONS_REGISTER, actor, now, str(ref), reason, after=after))
        return record

    def approve(self, actor: Actor, ref: VersionRef | AliasRef, reason: str) -> VersionRecord:
        """Say that a version is good enough to serve; the policy says whether its author may."""
        authorize(actor, Permission.VERSIONS_APPROVE)
        reason = reason_for("approving", reason)
        with self._audit.transaction():
            record = self._store.get(ref)
            move(record.ref, record.stage, Stage.APPROVED)
            approval = approve(self._policy.get(), str(record.ref), record.registered_by, actor.id)
            self._write_approval(actor, record.ref, approval, reason)
        return self._store.get(record.ref)

    def _write_approval(self, actor: Actor, ref: VersionRef, approval: Approval, reason: str) -> None:
        now = self._clock.now()
        body = {"own_work": approval.own_work, "implied": approval.implied, "reason": reason}
        self._store.approved(ref)
        self._store.attest(ref, Attestation("approval", now, actor.id, body))
        before, after = {"stage": Stage.REGISTERED.value}, {"stage": Stage.APPROVED.value, **body}
        self._audit.write(Event(Permission.VERSIONS_APPROVE, actor, now, str(ref), reason, before, after))

    def all(self, actor: Actor) -> list[ModelRecord]:
        """Return all models by name."""
        authorize(actor, Permission.MODELS_LIST)
        return self._store.models()

    def model(self, actor: Actor, name: str) -> ModelRecord:
        """Return one model; raise `UnknownModel`."""
        authorize(actor, Permission.MODELS_SHOW)
        self._store.versions(name)
        return next(model for model in self._store.models() if model.name == name)

    def versions(self, actor: Actor, model: str) -> list[VersionRecord]:
        """Return all versions of a model, oldest first; raise `UnknownModel`."""
        authorize(actor, Permission.VERSIONS_LIST)
        return self._store.versions(model)

    def show(self, actor: Actor, ref: VersionRef | AliasRef) -> tuple[VersionRecord, tuple[Attestation, ...]]:
        """Return a version and what was attested about it, oldest first."""
        authorize(actor, Permission.VERSIONS_SHOW)
        record = self._store.get(ref)
        return record, tuple(self._store.attestations(record.ref))

    def logs(self, actor: Actor, ref: VersionRef | AliasRef) -> VersionRef:
        """Return which version's worker log the actor may read."""
        authorize(actor, Permission.VERSIONS_LOGS)
        return self._store.get(ref).ref

    def compare(
        self, actor: Actor, left: VersionRef | AliasRef, right: VersionRef | AliasRef
    ) -> tuple[VersionRecord, VersionRecord, tuple[Difference, ...]]:
        """Return two versions and everything in which they differ."""
        authorize(actor, Permission.VERSIONS_COMPARE)
        ours, theirs = self._store.get(left), self._store.get(right)
        return ours, theirs, differences(ours, theirs)

    def history(self, actor: Actor, model: str, as_of: int | None = None) -> History:
        """Return what the model's aliases pointed to (at the moment `as_of`), and who changed what and why."""
        authorize(actor, Permission.MODELS_HISTORY)
        versions = [str(record.ref) for record in self._store.versions(model)]
        served = self._store.served(model)
        return History(
            tuple(served) if as_of is None else served_at(served, as_of),
            self._events([*versions, model], lambda at: as_of is None or at <= as_of),
        )

    def version_history(self, actor: Actor, ref: VersionRef | AliasRef, as_of: int | None = None) -> History:
        """Return when the version had which alias, and every change made to it."""
        authorize(actor, Permission.VERSIONS_HISTORY)
        known = self._store.get(ref).ref
        served = tuple(row for row in self._store.served(known.model) if row.number == known.number)
        until = self._clock.now() if as_of is None else as_of
        return History(
            tuple(row for row in served if row.at <= until), self._events([str(known)], lambda at: at <= until)
        )

    def told(self, ref: VersionRef) -> History:
        """Return a version's history for another action, which asked whether its actor may."""
        served = tuple(row for row in self._store.served(ref.model) if row.number == ref.number)
        return History(served, self._events([str(ref)], lambda _: True))

    def _events(self, targets: list[str], wanted: Callable[[int], bool]) -> tuple[Entry, ...]:
        found = [entry for target in targets for entry in self._audit.newest(_EVENTS, target) if wanted(entry.at)]
        return tuple(sorted(found, key=lambda entry: -entry.sequence))
