"""Which packages may be loaded in a home: those signed by a key of its own or by one that its control tables trust."""

from __future__ import annotations

import base64
import getpass
from typing import TYPE_CHECKING

from tenure.adapters.blobs import Blobs
from tenure.adapters.signing import BuilderKey, key_id, valid_in
from tenure.governance.access import Permission, local_actor
from tenure.governance.audit import Event
from tenure.governance.trust import TrustedKey
from tenure.model.package import check_trusted, decode_manifest

if TYPE_CHECKING:
    from tenure.adapters.sql.registry import SqlRegistry
    from tenure.adapters.sql.trust import SqlTrust
    from tenure.governance.ports import Audit
    from tenure.kit.clock import Clock
    from tenure.model.package import OpenPackage, Signature
    from tenure.settings import Home, Workshop


class HomeTrust:
    """The keys that one home trusts, and the packages that they signed."""

    def __init__(self, home: Home, store: SqlTrust, audit: Audit, clock: Clock, workshop: Workshop) -> None:
        self._home, self._store, self._audit, self._clock = home, store, audit, clock
        self._workshop = workshop
        self._blobs = Blobs(home.blobs, home.second_copy)

    def trusted(self) -> frozenset[str]:
        """Return the ids of all keys that are trusted now."""
        self._keep_own()
        known = {one.key for one in self._store.all() if one.is_trusted}
        return frozenset(known | {key_id(BuilderKey(self._home.keys).public())})

    def check(self, package: OpenPackage) -> None:
        """Raise `UntrustedPackage` unless the opened package may be loaded here."""
        check_trusted(package.manifest, package.signatures, self.trusted())

    def check_stored(self, digest: str) -> None:
        """Raise `UntrustedPackage` unless the registered package may be loaded here."""
        content = self._blobs.verify(digest).read_bytes()
        check_trusted(decode_manifest(content), self._signatures(digest, content), self.trusted())

    def signers(self, registry: SqlRegistry) -> dict[str, frozenset[str]]:
        """Return what is in service because a signature is trusted, with the keys that signed it."""
        found = {}
        for record in registry.in_service():
            content = self._blobs.path(record.digest).read_bytes()
            found[str(record.ref)] = frozenset(one.key for one in self._signatures(record.digest, content))
        return found

    def _signatures(self, digest: str, manifest: bytes) -> list[Signature]:
        return valid_in(self._home.attestations / digest.removeprefix("sha256:"), manifest)

    def _keep_own(self) -> None:
        """Trust the key that this person's own packages are signed with, once; what was removed stays removed.

        It is written down, so that a home that is moved or restored elsewhere still trusts what was made where it was.
        """
        own = BuilderKey(self._workshop.keys)
        if not own.exists():
            return
        public = own.public()
        if key_id(public) in {one.key for one in self._store.all()}:
            return
        actor = local_actor(getpass.getuser())
        text = base64.b64encode(public).decode()
        key = TrustedKey(key_id(public), text, f"own key of {getpass.getuser()}", self._clock.now(), actor.id)
        with self._audit.transaction():
            self._store.add(key)
            after = {"trusted": True, "name": key.name, "public": key.public}
            self._audit.write(
                Event(Permission.TRUST_ADD, actor, key.added_at, f"key:{key.key}", "the builder's own key", after=after)
            )
