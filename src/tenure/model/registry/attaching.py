"""The officer's file: papers about a version that come from other people and later than its seal.

A paper is content-addressed, kept in both copies, signed with the home's key together with what it is about, and listed
for ever; it changes neither the package nor the stage.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, get_args

import msgspec

from tenure.governance.access import Permission, authorize
from tenure.governance.audit import Event
from tenure.kit.clock import iso
from tenure.kit.digests import canonical, digest_of
from tenure.kit.errors import Kind, TenureError
from tenure.model.lifecycle import Stage
from tenure.model.package import Signature
from tenure.model.registry.record import Attestation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tenure.governance.access import Actor
    from tenure.governance.ports import AuditLog, PolicyStore
    from tenure.kit.clock import Clock
    from tenure.model.registry.ports import RegistryStore
    from tenure.model.registry.record import VersionRecord
    from tenure.model.version import AliasRef, VersionRef

PaperKind: TypeAlias = Literal["validation", "approval-memo", "monitoring-plan", "exception"]
#: the kind of attestation that a paper is
ATTACHMENT = "attachment"
MOST_BYTES = 32 << 20
_LONGEST_NAME = 200


class UnpresentablePaper(TenureError):
    """The file cannot be attached as it is."""

    code = "unpresentable-paper"
    kind = Kind.BAD_INPUT
    message = "{name!r} cannot be attached: {why}"
    next_step = "{cure}"


class OwnValidation(TenureError):
    """Whoever made a version does not validate it."""

    code = "own-validation"
    kind = Kind.REFUSED
    message = "{actor} registered {ref}, and a validation comes from somebody else where the policy is four-eyes"
    next_step = "let another person attach it, or see `tenure policy show`"


class GoneVersion(TenureError):
    """A destroyed version takes no papers."""

    code = "gone-version"
    kind = Kind.CONFLICT
    message = "{ref} was destroyed, and nothing can be attached to it any more"
    next_step = "see `tenure show {ref}` for its tombstone"


class NoSuchPaper(TenureError):
    """The version has no such paper."""

    code = "no-such-paper"
    kind = Kind.NOT_FOUND
    message = "{ref} has no paper {which!r}"
    next_step = "`tenure show {ref}` lists its papers with their digests"


@dataclass(frozen=True, slots=True)
class Paper:
    """One attached file: what it is, where its content lies, who attached it, and the home's signature over all that."""

    ref: str
    package: str
    kind: str
    name: str
    digest: str
    size: int
    at: int
    by: str
    note: str
    own_work: bool
    signature: Signature

    def statement(self) -> bytes:
        """Return the bytes that are signed."""
        return _statement(self.ref, self.package, self.kind, self.name, self.digest, self.at, self.by)


class Shelf(Protocol):
    """Where contents are kept, in every copy there is."""

    def keep(self, content: bytes) -> str:
        """Store a content in every copy and return its digest."""

    def read(self, digest: str) -> bytes:
        """Return a content that has its digest; raise what is wrong with it."""


class Key(Protocol):
    """The home's key."""

    def sign(self, manifest: bytes, at: int) -> Signature:
        """Return the signature over bytes."""


class Papers:
    """Collection of actions on the papers of versions."""

    def __init__(
        self, store: RegistryStore, shelf: Shelf, key: Key, policy: PolicyStore, audit: AuditLog, clock: Clock
    ) -> None:
        self._store = store
        self._shelf = shelf
        self._key = key
        self._policy = policy
        self._audit = audit
        self._clock = clock

    def attach(
        self, actor: Actor, ref: VersionRef | AliasRef, kind: PaperKind, name: str, content: bytes, note: str = ""
    ) -> Paper:
        """Keep a file with a version and return it as kept; the same file of the same kind again changes nothing."""
        authorize(actor, Permission.VERSIONS_ATTACH)
        record = self._store.get(ref)
        check_paper(name, content)
        self._check_author(record, actor, kind)
        digest = digest_of(content)
        known = [one for one in self.of(record) if (one.digest, one.kind) == (digest, kind)]
        if known:
            return known[0]
        # The content comes first: a statement about a file that is nowhere would be damage.
        self._shelf.keep(content)
        at = self._clock.now()
        signed = self._key.sign(_statement(str(record.ref), record.digest, kind, name, digest, at, actor.id), at)
        own = actor.id == record.registered_by
        paper = Paper(str(record.ref), record.digest, kind, name, digest, len(content), at, actor.id, note, own, signed)
        with self._audit.transaction():
            self._store.attest(record.ref, Attestation(ATTACHMENT, at, actor.id, _body(paper)))
            after = {"kind": kind, "name": name, "digest": digest, "own_work": own}
            self._audit.write(Event(Permission.VERSIONS_ATTACH, actor, at, str(record.ref), note, after=after))
        return paper

    def read(self, actor: Actor, ref: VersionRef | AliasRef, which: str) -> tuple[Paper, bytes]:
        """Return a paper and its content, by its digest (or the beginning of it) or its name, the newest of that name."""
        authorize(actor, Permission.VERSIONS_PAPER)
        record = self._store.get(ref)
        for paper in reversed(self.of(record)):
            if which == paper.name or (
                len(which) > 6 and paper.digest.removeprefix("sha256:").startswith(_bare(which))
            ):
                return paper, self._shelf.read(paper.digest)
        raise NoSuchPaper(ref=record.ref, which=which)

    def of(self, record: VersionRecord) -> list[Paper]:
        """Return the papers of a version, oldest first."""
        return papers_in(record, self._store.attestations(record.ref))

    def _check_author(self, record: VersionRecord, actor: Actor, kind: PaperKind) -> None:
        if record.stage is Stage.DESTROYED:
            raise GoneVersion(ref=record.ref)
        if kind == "validation" and actor.id == record.registered_by and self._policy.get() != "open":
            raise OwnValidation(actor=actor.id, ref=record.ref)


def check_paper(name: str, content: bytes) -> None:
    """Raise `UnpresentablePaper` unless the file can be kept under this name."""
    if not name or len(name) > _LONGEST_NAME or "/" in name or name.startswith(".") or not name.isprintable():
        why = "a paper's name is a plain file name of at most 200 characters"
        raise UnpresentablePaper(name=name, why=why, cure="rename the file")
    if not content:
        raise UnpresentablePaper(name=name, why="it is empty", cure="attach the finished file")
    if len(content) > MOST_BYTES:
        why = f"it has {len(content)} bytes, and {MOST_BYTES} are allowed"
        raise UnpresentablePaper(
            name=name, why=why, cure="attach a smaller file, and name the large one in it by digest"
        )


def papers_in(record: VersionRecord, attestations: Iterable[Attestation]) -> list[Paper]:
    """Return the papers among what was attested of a version, oldest first."""
    return [_paper(record, one) for one in attestations if one.kind == ATTACHMENT]


def plain(paper: Paper, known: Callable[[str], str] = str) -> dict[str, Any]:
    """Return a paper as plain data; `known` gives for an actor's id what people know it by."""
    return {
        "kind": paper.kind,
        "name": paper.name,
        "digest": paper.digest,
        "size": paper.size,
        "at": iso(paper.at),
        "by": known(paper.by),
        "by_id": paper.by,
        "note": paper.note,
        "own_work": paper.own_work,
        "key": paper.signature.key,
    }


def _statement(ref: str, package: str, kind: str, name: str, digest: str, at: int, by: str) -> bytes:
    said = {"tenure_attachment": 1, "version": ref, "package": package, "kind": kind, "name": name}
    return canonical(said | {"digest": digest, "at": at, "by": by})


def _body(paper: Paper) -> dict[str, Any]:
    kept = {"paper": paper.kind, "name": paper.name, "digest": paper.digest, "size": paper.size, "reason": paper.note}
    return kept | {"own_work": paper.own_work, "signature": msgspec.to_builtins(paper.signature)}


def _paper(record: VersionRecord, said: Attestation) -> Paper:
    body = said.body
    return Paper(
        ref=str(record.ref),
        package=record.digest,
        kind=body["paper"],
        name=body["name"],
        digest=body["digest"],
        size=body["size"],
        at=said.at,
        by=said.actor,
        note=body["reason"],
        own_work=body["own_work"],
        signature=msgspec.convert(body["signature"], Signature),
    )


def _bare(digest: str) -> str:
    return digest.removeprefix("sha256:")


KINDS: tuple[str, ...] = get_args(PaperKind)
