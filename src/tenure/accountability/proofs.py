"""Proofs about the decision log for people who need not trust it: a record is in it, and it only ever grew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from tenure.governance.access import Permission, authorize

if TYPE_CHECKING:
    from tenure.governance.access import Actor


class ProvableLog(Protocol):
    """The sealed log."""

    def record(self, record_id: str) -> tuple[int, bytes]:
        """Return the place of a sealed record and its bytes; raise `NotSealed`."""

    def inclusion(self, record_id: str, held: int = 0) -> dict[str, Any]:
        """Return the proof that a record is in the log of the newest checkpoint."""

    def checkpoint(self, held: int = 0) -> dict[str, Any]:
        """Return the newest checkpoint, with `held` and the proof that it goes on from the one of that size."""


class LogProofs:
    """Collection of proofs."""

    def __init__(self, log: ProvableLog) -> None:
        self._log = log

    def proof(self, actor: Actor, record_id: str, held: int = 0) -> dict[str, Any]:
        """Return the proof that a decision's record is in the log; the record itself is part of it."""
        application = next(iter(actor.applications), None)
        authorize(actor, Permission.LOG_PROOF, application)
        if application is not None:
            # Whoever is limited to some applications learns of no other's record, not even its place.
            found = msgspec.json.decode(self._log.record(record_id)[1]).get("application")
            authorize(actor, Permission.LOG_PROOF, found)
        return self._log.inclusion(record_id, held)

    def checkpoint(self, actor: Actor, held: int = 0) -> dict[str, Any]:
        """Return the newest checkpoint; it says nothing of any record, so everybody who may read at all may have it."""
        authorize(actor, Permission.LOG_CHECKPOINT, next(iter(actor.applications), None))
        return self._log.checkpoint(held)
