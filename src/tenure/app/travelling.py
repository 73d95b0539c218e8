"""Composition of exports and imports: records, blobs, signatures, and what is told of a version's decisions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from tenure.adapters import exports
from tenure.adapters.blobs import Blobs
from tenure.adapters.signing import BuilderKey
from tenure.adapters.sql.holds import digests_in
from tenure.governance.access import Permission, allows
from tenure.kit.errors import Kind, TenureError
from tenure.model import travelling
from tenure.model.package import File, blob_digests
from tenure.model.travelling import BLOBS, PACKAGE, Travelled

if TYPE_CHECKING:
    from pathlib import Path

    from tenure.accountability.proofs import LogProofs
    from tenure.adapters.analytics.analytics import Analytics
    from tenure.adapters.sql.registry import SqlRegistry
    from tenure.app.trusting import HomeTrust
    from tenure.governance.access import Actor
    from tenure.kit.clock import Clock
    from tenure.model.archiving.actions import Archives
    from tenure.model.registry.record import VersionRecord
    from tenure.model.registry.travels import Arrived, Travels
    from tenure.model.version import AliasRef, VersionRef
    from tenure.settings import Home

_PORTION = 4 << 20
_DECISIONS = """SELECT application, count(*), min(made_at)::VARCHAR, max(made_at)::VARCHAR FROM decisions
WHERE model = '{model}' AND version = {number} GROUP BY application ORDER BY application"""


class NotOfVersion(TenureError):
    """The content belongs to something else."""

    code = "content-of-another"
    kind = Kind.NOT_FOUND
    message = "{digest} is no part of {ref}"
    next_step = "ask for contents that its export names"


class Travelling:
    """Exports from and imports into one home."""

    def __init__(
        self,
        home: Home,
        registry: SqlRegistry,
        travels: Travels,
        archives: Archives,
        trust: HomeTrust,
        told: tuple[Analytics, LogProofs],
        clock: Clock,
    ) -> None:
        self._home, self._registry, self._travels, self._archives = home, registry, travels, archives
        self._trust, self._clock = trust, clock
        self._analytics, self._proofs = told
        self._blobs = Blobs(home.blobs, home.second_copy)

    def export(self, actor: Actor, ref: VersionRef | AliasRef) -> tuple[Travelled, bytes, bytes]:
        """Return the history of a version, its bytes, and the bytes of its signature by this home's key."""
        record = self._registry.get(ref)
        history = self._travels.history(actor, record.ref, self._evidence(actor, record), self._files(record))
        content = travelling.encode(history)
        signature = BuilderKey(self._home.keys).sign(content, self._clock.now())
        return history, content, msgspec.json.encode(signature)

    def content(self, ref: VersionRef | AliasRef, digest: str, start: int) -> tuple[bytes, bool]:
        """Return a portion of a content of the version and whether more follows; raise `NotOfVersion`."""
        record = self._registry.get(ref)
        if digest not in {file.digest for file in self._files(record).values()}:
            raise NotOfVersion(digest=digest, ref=record.ref)
        signatures = self._home.attestations / record.digest.removeprefix("sha256:")
        own = [path for path in signatures.glob("*.json") if _file(path).digest == digest]
        with (own[0] if own else self._blobs.path(digest)).open("rb") as source:
            source.seek(max(0, start))
            return source.read(_PORTION), bool(source.read(1))

    def receive(self, actor: Actor, folder: Path, reason: str) -> tuple[Arrived, dict[str, Any]]:
        """Keep what came in an unpacked export and return it with where it came from; raise what is wrong with it."""
        history = exports.check(folder, self._blobs)
        key = travelling.decode_signature((folder / travelling.SIGNATURE).read_bytes()).key
        told = msgspec.to_builtins(history)
        told.pop("files")
        origin = {"from": {"ref": history.ref, "key": key, "trusted": key in self._trust.trusted()}, "history": told}
        arrived = self._travels.receive(actor, history, origin, folder / PACKAGE, reason)
        for path in sorted((folder / BLOBS).glob("*")):
            self._blobs.add(path)
        if arrived.was_archived and not arrived.again:
            self._archives.receive(actor, arrived.record.ref, history.attestations)
        return arrived, origin

    def _files(self, record: VersionRecord) -> dict[str, File]:
        """Return path in the export -> content: the package, its signatures, and what its attestations name."""
        manifest = record.manifest
        found = {f"{PACKAGE}/manifest.json": _file(self._blobs.path(record.digest))}
        found |= {f"{PACKAGE}/{name}": file for name, file in manifest.files.items()}
        found |= {f"{PACKAGE}/{BLOBS}/{_hex(one)}": self._stored(one) for one in blob_digests(manifest)}
        signatures = self._home.attestations / _hex(record.digest)
        found |= {f"{PACKAGE}/signatures/{path.name}": _file(path) for path in sorted(signatures.glob("*.json"))}
        inside = {file.digest for file in found.values()}
        for one in self._registry.attestations(record.ref):
            named = digests_in(msgspec.json.encode(one.body).decode()) - inside
            found |= {f"{BLOBS}/{_hex(each)}": self._stored(each) for each in sorted(named) if self._blobs.has(each)}
        return dict(sorted(found.items()))

    def _stored(self, digest: str) -> File:
        return File(digest, self._blobs.path(digest).stat().st_size)

    def _evidence(self, actor: Actor, record: VersionRecord) -> dict[str, Any]:
        """Return what may be told of the version's decisions: numbers and a checkpoint; records stay with their persons' keys."""
        if actor.applications or not allows(actor.role, Permission.DECISIONS_LIST):
            return {"decisions": {"omitted": f"{actor.role.value} may not list the decisions of all applications"}}
        rows = self._analytics.ask(_DECISIONS.format(model=record.ref.model, number=record.ref.number), 1000).rows
        names = ("application", "decisions", "first", "last")
        told = {"applications": [dict(zip(names, row, strict=True)) for row in rows]}
        try:
            return {"decisions": told, "checkpoint": self._proofs.checkpoint(actor)}
        except TenureError as error:
            return {"decisions": told, "checkpoint": {"none": str(error)}}


def _file(path: Path) -> File:
    from tenure.kit.digests import digest_of_file

    return File(digest_of_file(path), path.stat().st_size)


def _hex(digest: str) -> str:
    return digest.removeprefix("sha256:")
