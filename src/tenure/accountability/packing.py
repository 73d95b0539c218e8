"""The examiner's pack: all that is kept about one model over a span of time, as one archive with a signed list of it.

Gathered from what is stored; nothing is retold. The sample of decisions is drawn with a seed that the list names, so that
nobody chose it and anybody can draw it again.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import zipfile
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from tenure.accountability.inventory import stage_at
from tenure.application.decisions.reading import NoSuchDecision
from tenure.governance.access import Permission, authorize
from tenure.governance.audit import Event
from tenure.kit.clock import iso
from tenure.kit.digests import canonical, digest_of
from tenure.kit.errors import Kind, TenureError
from tenure.model.registry.attaching import ATTACHMENT, papers_in, plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tenure.accountability.dossiers import Dossiers
    from tenure.accountability.inventory import Inventory
    from tenure.application.revisions.ports import RevisionStore
    from tenure.contract.records import OutcomeRecord, ResolutionRecord
    from tenure.governance.access import Actor
    from tenure.governance.audit import Entry
    from tenure.governance.ports import AuditLog
    from tenure.kit.clock import Clock
    from tenure.model.monitoring.alert import Alert
    from tenure.model.package import Signature
    from tenure.model.registry.attaching import Shelf
    from tenure.model.registry.ports import RegistryStore
    from tenure.model.registry.record import VersionRecord

SAMPLES, MOST_SAMPLES = 5, 50
_EVENTS = 100_000
#: different values of one outcome that are counted apart
_MOST_VALUES = 20
LIST, SIGNATURE, CHECK, README = "pack.json", "pack.sig", "check.py", "README.txt"

_CHECK_PY = """import base64, hashlib, json, pathlib, sys
folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".")
content = (folder / "pack.json").read_bytes()
told = json.loads((folder / "pack.sig").read_text())
public = base64.b64decode(told["public"])
assert hashlib.sha256(public).hexdigest()[:16] == told["key"], "the key is not the one named"
files = json.loads(content)["files"]
for name, digest in files.items():
    assert "sha256:" + hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest, name + " was changed"
known = set(files) | {"pack.json", "pack.sig", "check.py", "README.txt", "pack.der", "pack.bin"}
extra = [str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file() and str(p.relative_to(folder)) not in known]
assert not extra, "not in the list: " + ", ".join(extra)
(folder / "pack.der").write_bytes(bytes.fromhex("302a300506032b6570032100") + public)
(folder / "pack.bin").write_bytes(base64.b64decode(told["signature"]))
print(len(files), "files are as listed; the list is signed by key", told["key"])
"""
_README = """This is everything that is kept about the model {model} from {since} to {until}.

inventory.json   who answers for it, as of the end of that time
versions.json    its versions: packages, what was attested of them, what served when
revisions.json   the applications that asked it, and their revisions in force
papers/          what was attached to its versions
changes.json     every change in the audit trail
alerts.json      what monitoring raised, and what was done about it
overrides.json   what people made of its decisions
outcomes.json    how many decisions there were, and what became of them
dossiers/        {samples} decisions in full, drawn with the seed {seed} (pack.json says how)

python check.py                  checks every file against pack.json
openssl pkeyutl -verify -pubin -keyform DER -inkey pack.der -rawin -in pack.json -sigfile pack.bin
                                 checks the signature of pack.json; get the public key from the owner by another way
"""


class NothingInSpan(TenureError):
    """There was no such model in that time."""

    code = "nothing-in-span"
    kind = Kind.NOT_FOUND
    message = "no version of {model} was registered before {until}"
    next_step = "`tenure versions {model}` shows since when there are versions"


class BadSpan(TenureError):
    """The span of time is none, or the sample too large."""

    code = "bad-span"
    kind = Kind.BAD_INPUT
    message = "{why}"
    next_step = "write --from 2026-01-01 --to 2026-04-01, and at most 50 --samples"


class Kept(Protocol):
    """What the log and monitoring keep about a model."""

    def decisions(self, model: str, since: int, until: int) -> Iterable[Mapping[str, Any]]:
        """Return the decision records in [since, until) in which a version of the model was asked."""

    def outcomes(self, application: str) -> list[OutcomeRecord]:
        """Return every outcome of an application, the latest of each decision and name."""

    def resolutions(self, application: str) -> list[ResolutionRecord]:
        """Return every resolution of an application, oldest first."""

    def alerts(self, model: str) -> list[Alert]:
        """Return the alerts of a model, newest first."""


class Key(Protocol):
    """The home's key."""

    def sign(self, manifest: bytes, at: int) -> Signature:
        """Return the signature over bytes."""


@dataclass(frozen=True, slots=True)
class Span:
    """What is asked for: [since, until), how many decisions in full, and the seed that draws them."""

    model: str
    since: int
    until: int
    samples: int = SAMPLES
    seed: str = ""

    def drawn(self, decisions: Iterable[str]) -> list[str]:
        """Return the sample: the ids whose sha256(seed, id) are smallest."""
        seed = self.seed or f"{self.model} {self.since} {self.until}"
        return sorted(decisions, key=lambda one: hashlib.sha256(f"{seed} {one}".encode()).hexdigest())[: self.samples]


@dataclass(frozen=True, slots=True)
class Pack:
    """One pack: the archive's bytes, the digest of its list, and what is in it."""

    content: bytes
    digest: str
    document: dict[str, Any]
    signature: Signature


class Packs:
    """The one action: pack."""

    def __init__(
        self,
        kept: Kept,
        registry: RegistryStore,
        revisions: RevisionStore,
        inventory: Inventory,
        dossiers: Dossiers,
        shelf: Shelf,
        key: Key,
        audit: AuditLog,
        clock: Clock,
    ) -> None:
        self._kept = kept
        self._registry = registry
        self._revisions = revisions
        self._inventory = inventory
        self._dossiers = dossiers
        self._shelf = shelf
        self._key = key
        self._audit = audit
        self._clock = clock

    def pack(self, actor: Actor, span: Span) -> Pack:
        """Return all that is kept about a model over a span, signed; note in the audit chain that it was handed out."""
        authorize(actor, Permission.MODELS_DOSSIER)
        if not span.since < span.until or not 0 <= span.samples <= MOST_SAMPLES:
            raise BadSpan(why=f"from {iso(span.since)} to {iso(span.until)} with {span.samples} decisions is no span")
        versions = [one for one in self._registry.versions(span.model) if one.registered_at < span.until]
        if not versions:
            raise NothingInSpan(model=span.model, until=iso(span.until))
        files = self._files(actor, span, versions)
        document = self._document(actor, span, files)
        content = canonical(document)
        signature = self._key.sign(content, self._clock.now())
        digest = digest_of(content)
        with self._audit.transaction():
            after = {"digest": digest, "since": iso(span.since), "until": iso(span.until)}
            self._audit.write(Event(Permission.MODELS_DOSSIER, actor, self._clock.now(), span.model, after=after))
        readme = _README.format(
            model=span.model,
            since=iso(span.since),
            until=iso(span.until),
            samples=len(document["sample"]["decisions"]),
            seed=document["sample"]["seed"],
        )
        extra = {
            LIST: content,
            SIGNATURE: json.dumps(msgspec.to_builtins(signature), sort_keys=True).encode(),
            CHECK: _CHECK_PY.encode(),
            README: readme.encode(),
        }
        return Pack(zipped(extra | files), digest, document, signature)

    def _document(self, actor: Actor, span: Span, files: Mapping[str, bytes]) -> dict[str, Any]:
        sampled = [name.split("/")[1].removesuffix(".html") for name in files if name.startswith("dossiers/")]
        return {
            "tenure_pack": 1,
            "model": span.model,
            "from": iso(span.since),
            "to": iso(span.until),
            "made_at": iso(self._clock.now()),
            "made_by": actor.id,
            "sample": {
                "decisions": sampled,
                "seed": span.seed or f"{span.model} {span.since} {span.until}",
                "rule": "the decisions of the span with the smallest sha256 of: seed, space, id",
            },
            "files": {name: digest_of(content) for name, content in sorted(files.items())},
        }

    def _files(self, actor: Actor, span: Span, versions: Sequence[VersionRecord]) -> dict[str, bytes]:
        applications = self._applications(span)
        decided = {one["id"]: one for one in self._kept.decisions(span.model, span.since, span.until)}
        inventory = [line for line in self._inventory.show(actor, span.until) if line.model == span.model]
        files = {
            "inventory.json": _written(msgspec.to_builtins(inventory[0]) if inventory else None),
            "versions.json": _written(self._versions(span, versions)),
            "revisions.json": _written(applications),
            "changes.json": _written(self._changes(span, versions, [one["application"] for one in applications])),
            "alerts.json": _written([_alert(one) for one in self._kept.alerts(span.model) if _concerns(one, span)]),
            "overrides.json": _written(self._overrides(decided)),
            "outcomes.json": _written(self._outcomes(decided)),
        }
        files |= self._papers(span, versions)
        for decision in span.drawn(decided):
            try:
                files[f"dossiers/{decision}.html"] = self._dossiers.write(actor, decision).page.encode()
            except NoSuchDecision:
                continue
        return files

    def _versions(self, span: Span, versions: Sequence[VersionRecord]) -> dict[str, Any]:
        served = [one for one in self._registry.served(span.model) if one.at < span.until]
        return {
            "versions": [self._version(span, one) for one in versions],
            "served": [
                {
                    "alias": one.alias,
                    "version": one.number,
                    "from": iso(one.at),
                    "by": one.actor,
                    "action": one.action,
                    "reason": one.reason,
                }
                for one in served
            ],
        }

    def _version(self, span: Span, record: VersionRecord) -> dict[str, Any]:
        said = [one for one in self._registry.attestations(record.ref) if one.at < span.until]
        return {
            "ref": str(record.ref),
            "package": record.digest,
            "registered_at": iso(record.registered_at),
            "registered_by": record.registered_by,
            "stage": stage_at(self._audit.newest(_EVENTS, str(record.ref)), span.until),
            "manifest": msgspec.to_builtins(record.manifest),
            "attestations": [
                {"kind": one.kind, "at": iso(one.at), "by": one.actor, "said": one.body}
                for one in said
                if one.kind != ATTACHMENT
            ],
            "papers": [plain(one) for one in papers_in(record, said)],
        }

    def _papers(self, span: Span, versions: Sequence[VersionRecord]) -> dict[str, bytes]:
        found = {}
        for record in versions:
            for paper in papers_in(record, self._registry.attestations(record.ref)):
                if paper.at < span.until:
                    name = f"papers/{record.ref.number}/{paper.digest[7:15]}-{paper.name}"
                    found[name] = self._shelf.read(paper.digest)
        return found

    def _applications(self, span: Span) -> list[dict[str, Any]]:
        """Return the applications that asked the model, with every revision that was in force in the span."""
        found = []
        for active in self._revisions.all_active():
            name = active.application
            kept = {one.number: one for one in self._revisions.revisions(name)}
            activations = sorted(self._revisions.activations(name), key=lambda one: one.at)
            inside = _in_force(activations, span)
            asking = [one for one in inside if _asks(kept[one.number], span.model)]
            if asking:
                revisions = [
                    {
                        "revision": kept[one.number].ref,
                        "in_force_from": iso(one.at),
                        "by": one.actor,
                        "reason": one.reason,
                        "digest": kept[one.number].digest,
                        "source": kept[one.number].source,
                    }
                    for one in asking
                ]
                found.append({"application": name, "revisions": revisions})
        return found

    def _changes(
        self, span: Span, versions: Sequence[VersionRecord], applications: Sequence[str]
    ) -> list[dict[str, Any]]:
        about = {span.model, *(str(one.ref) for one in versions), *applications}
        events = [
            one for one in self._audit.newest(_EVENTS) if _touches(one, about) and span.since <= one.at < span.until
        ]
        return [
            {
                "sequence": one.sequence,
                "at": iso(one.at),
                "who": one.actor,
                "role": one.role,
                "action": one.action,
                "target": one.target,
                "reason": one.reason,
                "before": msgspec.json.decode(one.before or "{}"),
                "after": msgspec.json.decode(one.after or "{}"),
                "digest": one.digest,
            }
            for one in sorted(events, key=lambda event: event.sequence)
        ]

    def _overrides(self, decided: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
        applications = sorted({one["application"] for one in decided.values()})
        said = [one for name in applications for one in self._kept.resolutions(name) if one.decision in decided]
        return [
            {
                "decision": one.decision,
                "at": iso(one.at),
                "who": one.who,
                "before": one.before,
                "after": one.after,
                "code": one.code,
                "note": one.note,
                "pending": one.pending,
            }
            for one in said
        ]

    def _outcomes(self, decided: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
        ways = Counter((one["application"], one["decided_by"], one.get("status", "final")) for one in decided.values())
        applications = sorted({one["application"] for one in decided.values()})
        known = [one for name in applications for one in self._kept.outcomes(name) if one.decision in decided]
        values: dict[str, Counter[str]] = {}
        for one in known:
            counts = values.setdefault(one.name, Counter())
            text = json.dumps(one.value)
            counts[text if text in counts or len(counts) < _MOST_VALUES else "(other)"] += 1
        return {
            "decisions": len(decided),
            "by": [
                {"application": name, "decided_by": by, "status": status, "decisions": count}
                for (name, by, status), count in sorted(ways.items())
            ],
            "outcomes": {name: dict(counts) for name, counts in sorted(values.items())},
            "with_outcome": len({one.decision for one in known}),
        }


def zipped(files: Mapping[str, bytes]) -> bytes:
    """Return an archive of files, the same bytes for the same files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def encoded(pack: Pack) -> str:
    """Return the archive as text."""
    return base64.b64encode(pack.content).decode()


def _written(value: Any) -> bytes:
    return json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False).encode() + b"\n"


def _in_force(activations: Sequence[Any], span: Span) -> list[Any]:
    """Return the activations that held at some moment of the span, oldest first."""
    ends = [later.at for later in activations[1:]] + [span.until]
    return [one for one, end in zip(activations, ends, strict=True) if one.at < span.until and end > span.since]


def _asks(revision: Any, model: str) -> bool:
    return bool(revision.definition.may_ask(model))


def _touches(event: Entry, about: set[str]) -> bool:
    return event.target in about or event.target.rpartition("/")[0] in about


def _concerns(alert: Alert, span: Span) -> bool:
    """Return whether the alert was opened in the span or is about a day in it."""
    first, last = iso(span.since)[:10], iso(span.until - 1)[:10]
    return span.since <= alert.opened_at < span.until or (alert.first_day <= last and alert.last_day >= first)


def _alert(alert: Alert) -> dict[str, Any]:
    shown: dict[str, Any] = msgspec.to_builtins(alert)
    for name in ("opened_at", "acknowledged_at", "resolved_at"):
        shown[name] = None if shown.get(name) is None else iso(shown[name])
    return shown
