"""Dossiers written: all that is kept about one decision gathered, replayed, explained, signed and laid out as a page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from tenure.accountability.begun import served
from tenure.accountability.dossier import Papers, written
from tenure.accountability.dossier import sealed_text as text_of
from tenure.accountability.page import page
from tenure.governance.access import Permission, authorize
from tenure.governance.audit import Event
from tenure.kit.digests import digest_of
from tenure.kit.errors import TenureError

if TYPE_CHECKING:
    from tenure.accountability.dossier import Asked, Day, Place
    from tenure.accountability.explaining import Explanations
    from tenure.accountability.explanation import Explanation
    from tenure.accountability.replay import Replays
    from tenure.accountability.why import Why, Whys
    from tenure.application.decisions.actions import Decisions
    from tenure.application.revisions.life import Approved
    from tenure.application.revisions.revision import Activation, Revision
    from tenure.contract.records import DecisionRecord, PredictionRecord
    from tenure.governance.access import Actor
    from tenure.governance.ports import Audit
    from tenure.kit.clock import Clock
    from tenure.model.package import Signature


class Files(Protocol):
    """What else was kept about decisions: revisions, versions, alerts, and the record's place in the log."""

    def revision(self, record: DecisionRecord) -> tuple[Revision, Activation | None, Approved | None]:
        """Return the revision that decided, the activation that had put it in force, and its approval."""

    def day(self, record: DecisionRecord) -> Day:
        """Return what the application decided on the decision's day."""

    def asked(self, prediction: PredictionRecord) -> Asked:
        """Return the version that was asked, whatever its stage."""

    def place(self, decision_id: str) -> Place:
        """Return where the record stands in the log."""


class Key(Protocol):
    """The home's key."""

    def sign(self, manifest: bytes, at: int) -> Signature:
        """Return the signature over bytes."""


@dataclass(frozen=True, slots=True)
class Dossier:
    """One signed dossier: `text` is what was signed, byte for byte, and stands inside `page`."""

    decision: str
    document: dict[str, Any]
    text: str
    digest: str
    signature: Signature
    page: str


class Dossiers:
    """Collection of actions that write dossiers."""

    def __init__(
        self,
        files: Files,
        decisions: Decisions,
        whys: Whys,
        explanations: Explanations,
        replays: Replays,
        key: Key,
        audit: Audit,
        clock: Clock,
    ) -> None:
        self._files = files
        self._decisions = decisions
        self._whys = whys
        self._explanations = explanations
        self._replays = replays
        self._key = key
        self._audit = audit
        self._clock = clock

    def write(self, actor: Actor, decision: str) -> Dossier:
        """Return the dossier of a decision, and note in the audit chain that it was handed out, by its digest.

        Personal fields stand in it only for roles that may read them. An explanation that is refused stands in it as
        its refusal.
        """
        authorize(actor, Permission.DECISIONS_DOSSIER, next(iter(actor.applications), None))
        why = self._whys.why(actor, decision)
        record = why.record
        authorize(actor, Permission.DECISIONS_DOSSIER, record.application)
        document = written(self._papers(actor, why))
        text = text_of(document)
        digest = digest_of(text.encode())
        signature = self._key.sign(text.encode(), self._clock.now())
        with self._audit.transaction():
            now, target = self._clock.now(), f"decision/{record.id}"
            self._audit.write(Event(Permission.DECISIONS_DOSSIER, actor, now, target, after={"digest": digest}))
        return Dossier(record.id, document, text, digest, signature, page(document, text, digest, signature))

    def _papers(self, actor: Actor, why: Why) -> Papers:
        record = why.record
        then = served(record)
        return Papers(
            found=self._decisions.show(actor, record.id),
            why=why,
            revision=self._files.revision(record),
            day=self._files.day(record),
            asked=None if then is None else self._files.asked(then),
            explanation=self._explained(actor, record),
            replayed=self._replays.replay(actor, [record.id])[0],
            place=self._files.place(record.id),
            made_at=self._clock.now(),
            made_by=actor.id,
        )

    def _explained(self, actor: Actor, record: DecisionRecord) -> Explanation | str:
        """Return the explanation, or why there is none."""
        # Asked before: who may not explain is refused the dossier, not handed one with a hole.
        authorize(actor, Permission.DECISIONS_EXPLAIN, record.application)
        try:
            return self._explanations.explain(actor, record.id)
        except TenureError as refusal:
            return str(refusal)
