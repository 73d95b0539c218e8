"""What is done about trusted keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenure.governance.access import Permission, authorize
from tenure.governance.audit import Event
from tenure.governance.trust import KeyInUse, TrustedKey, depending, found, parse_key

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tenure.governance.access import Actor
    from tenure.governance.ports import Audit, TrustStore
    from tenure.kit.clock import Clock

    #: what is in service because a signature is trusted, with the keys that signed it
    Signers = Callable[[], Mapping[str, frozenset[str]]]


class Trusts:
    """Collection of actions on trusted keys."""

    def __init__(self, store: TrustStore, signers: Signers, audit: Audit, clock: Clock) -> None:
        self._store = store
        self._signers = signers
        self._audit = audit
        self._clock = clock

    def all(self, actor: Actor) -> list[TrustedKey]:
        """Return the keys that are trusted, oldest first."""
        authorize(actor, Permission.TRUST_LIST)
        return [one for one in self._store.all() if one.is_trusted]

    def add(self, actor: Actor, text: str, name: str, reason: str = "") -> TrustedKey:
        """Trust a key from now on and return it; a key that is trusted already gets the new name."""
        authorize(actor, Permission.TRUST_ADD)
        key, public = parse_key(text)
        trusted = TrustedKey(key, public, name or key, self._clock.now(), actor.id)
        with self._audit.transaction():
            self._store.add(trusted)
            self._write(Permission.TRUST_ADD, actor, trusted, reason, is_trusted=True)
        return trusted

    def remove(self, actor: Actor, text: str, reason: str = "") -> TrustedKey:
        """Trust a key no more and return it; raise `UnknownKey`, or `KeyInUse` while something in service needs it."""
        authorize(actor, Permission.TRUST_REMOVE)
        with self._audit.transaction():
            known = [one for one in self._store.all() if one.is_trusted]
            key = found(known, text)
            if needing := depending(key.key, [one.key for one in known], self._signers()):
                raise KeyInUse(key=key.name, versions=", ".join(needing))
            self._store.remove(key.key, self._clock.now())
            self._write(Permission.TRUST_REMOVE, actor, key, reason, is_trusted=False)
        return key

    def _write(self, what: Permission, actor: Actor, key: TrustedKey, reason: str, *, is_trusted: bool) -> None:
        after = {"trusted": is_trusted, "name": key.name, "public": key.public}
        self._audit.write(Event(what, actor, self._clock.now(), f"key:{key.key}", reason, after=after))
