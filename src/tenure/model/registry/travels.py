"""A version leaves for another home with its history, or arrives from one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from tenure.governance.access import Permission, authorize
from tenure.governance.audit import Event
from tenure.kit.clock import iso, parse_iso
from tenure.kit.errors import Kind, TenureError
from tenure.model.lifecycle import Stage
from tenure.model.registry.record import Attestation, VersionRecord
from tenure.model.travelling import CARRIED, FORMAT, Travelled
from tenure.model.version import VersionRef, parse_ref

if TYPE_CHECKING:
    from pathlib import Path

    from tenure.governance.access import Actor
    from tenure.governance.ports import Audit
    from tenure.kit.clock import Clock
    from tenure.model.package import File
    from tenure.model.registry.actions import Models
    from tenure.model.registry.ports import Packages, Proven, RegistryStore
    from tenure.model.version import AliasRef


class Gone(TenureError):
    """There is nothing left to export."""

    code = "destroyed-version"
    kind = Kind.CONFLICT
    message = "{ref} was destroyed: only its tombstone is left"
    next_step = "see `tenure show {ref}`"


class OtherPackage(TenureError):
    """History and package do not belong together."""

    code = "other-package"
    kind = Kind.CORRUPT
    message = "the history is about {told}, the package is {found}"
    next_step = "export the version again from where it came"


class Numbers(Protocol):
    """Numbers of versions; writes run inside `Audit.transaction()`."""

    def take_number(self, model: str, wanted: int, now: int, actor: str) -> int:
        """Return `wanted` if the model never had it nor a later one, else the next; the model is made if it is new."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """An imported version; `again` when the same package was here already, `was_archived` if it left an archive."""

    record: VersionRecord
    again: bool
    was_archived: bool


class Travels:
    """Collection of actions that move versions between homes."""

    def __init__(
        self, models: Models, store: RegistryStore, numbers: Numbers, packages: Packages, audit: Audit, clock: Clock
    ) -> None:
        self._models = models
        self._store = store
        self._numbers = numbers
        self._packages = packages
        self._audit = audit
        self._clock = clock

    def history(
        self, actor: Actor, ref: VersionRef | AliasRef, evidence: dict[str, Any], files: dict[str, File]
    ) -> Travelled:
        """Return what another home should know of a version; `evidence` is what is told of its decisions."""
        authorize(actor, Permission.VERSIONS_EXPORT)
        record = self._store.get(ref)
        if record.stage is Stage.DESTROYED:
            raise Gone(ref=record.ref)
        known = self._models.told(record.ref)
        now = self._clock.now()
        with self._audit.transaction():
            self._audit.write(
                Event(Permission.VERSIONS_EXPORT, actor, now, str(record.ref), after={"files": len(files)})
            )
        return Travelled(
            format=FORMAT,
            ref=str(record.ref),
            digest=record.digest,
            stage=record.stage.value,
            registered_at=iso(record.registered_at),
            registered_by=record.registered_by,
            exported_at=iso(now),
            exported_by=actor.id,
            attestations=tuple(_told(one) for one in self._store.attestations(record.ref)),
            served=tuple(
                {
                    "alias": one.alias,
                    "number": one.number,
                    "at": iso(one.at),
                    "actor": one.actor,
                    "action": one.action,
                    "reason": one.reason,
                }
                for one in known.served
            ),
            events=tuple(
                {
                    "at": iso(one.at),
                    "actor": one.actor,
                    "action": one.action,
                    "reason": one.reason,
                    "digest": one.digest,
                }
                for one in known.events
            ),
            files=files,
            **evidence,
        )

    def receive(self, actor: Actor, history: Travelled, origin: dict[str, Any], package: Path, reason: str) -> Arrived:
        """Prove a package that came with its history and keep both; it keeps its number where that is free.

        It arrives as registered: what another home approved or deployed is history here, not a decision of this home.
        """
        authorize(actor, Permission.VERSIONS_IMPORT)
        was_archived = history.stage == Stage.ARCHIVED.value
        if known := self._store.by_package(history.digest):
            return Arrived(known, again=True, was_archived=was_archived)
        if (found := self._packages.identify(package)) != history.digest:
            raise OtherPackage(told=history.digest, found=found)
        proven = self._packages.register(package)
        with self._audit.transaction():
            if known := self._store.by_package(proven.digest):
                return Arrived(known, again=True, was_archived=was_archived)
            return Arrived(self._keep(actor, history, origin, proven, reason), again=False, was_archived=was_archived)

    def _keep(
        self, actor: Actor, history: Travelled, origin: dict[str, Any], proven: Proven, reason: str
    ) -> VersionRecord:
        now, was = self._clock.now(), parse_ref(history.ref)
        assert isinstance(was, VersionRef), "an export names a number"
        ref = VersionRef(was.model, self._numbers.take_number(was.model, was.number, now, actor.id))
        record = VersionRecord(ref, proven.digest, proven.digest, Stage.REGISTERED, now, actor.id, proven.manifest)
        self._store.add(record)
        self._store.attest(
            ref,
            Attestation(
                "seal",
                now,
                actor.id,
                {"digest": proven.digest, "golden": proven.verdict, "seal": msgspec.to_builtins(proven.seal)},
            ),
        )
        for one in history.attestations:
            if one["kind"] in CARRIED:
                body = {name: value for name, value in one.items() if name not in {"kind", "at", "actor"}}
                self._store.attest(ref, Attestation(one["kind"], parse_iso(one["at"]), one["actor"], body))
        self._store.attest(ref, Attestation("imported", now, actor.id, origin))
        after = {"stage": record.stage.value, "digest": record.digest, "was": history.ref, **origin["from"]}
        self._audit.write(Event(Permission.VERSIONS_IMPORT, actor, now, str(ref), reason, after=after))
        return record


def _told(one: Attestation) -> dict[str, Any]:
    return {"kind": one.kind, "at": iso(one.at), "actor": one.actor, **one.body}
