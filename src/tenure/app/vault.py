"""Sealed packages as archiving needs them: copied, restored from nothing but the copy, run, checked byte by byte."""

from __future__ import annotations

import contextlib
import re
import shutil
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy.exc import DatabaseError

from tenure.adapters.blobs import Blobs, DamagedBlob, MissingBlob
from tenure.adapters.decision_log.verify import verify_log
from tenure.adapters.signing import BuilderKey, is_valid
from tenure.app.registering import SUMS, sums_of
from tenure.app.sweeping import made_of
from tenure.governance.audit import problems as chain_problems
from tenure.kit.digests import digest_of
from tenure.kit.errors import TenureError
from tenure.model.archiving.findings import Findings, Repaired
from tenure.model.archiving.proof import Proof, Ran
from tenure.model.lifecycle import Stage
from tenure.model.package import Manifest, Signature, decode_manifest, encode_manifest
from tenure.model.packaging import levels
from tenure.model.packaging.entries import version_entry
from tenure.model.registry.attaching import papers_in
from tenure.model.registry.witnessed import contradictions
from tenure.serving import oneshot
from tenure.serving.places import worker_socket
from tenure.settings import Home

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tenure.adapters.sql.engine import Database
    from tenure.adapters.sql.registry import SqlRegistry
    from tenure.app.sweeping import Sweeper
    from tenure.governance.audit import Entry
    from tenure.governance.ports import AuditLog
    from tenure.model.archiving.findings import Swept
    from tenure.model.archiving.proof import Kept
    from tenure.model.registry.record import VersionRecord
    from tenure.model.version import VersionRef
    from tenure.serving.snapshot import VersionEntry, WorkerEntry

    Ensure = Callable[[Home, str], tuple[WorkerEntry, VersionEntry]]
    Start = Callable[[Home, str, int], contextlib.AbstractContextManager[tuple[oneshot.Oneshot, float]]]


_HEX = re.compile(r"[0-9a-f]{64}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_ANY_AGE = 1 << 62
#: rows of `run` that a serving worker is asked for beside its other callers
_BESIDE_TRAFFIC = 2048


@dataclass(frozen=True, slots=True)
class Ways:
    """How packages of a home come to run: caches kept (`ensure`), thrown away (`lay_out`), or a worker started at once."""

    ensure: Ensure
    lay_out: Ensure
    start: Start


class HomeVault:
    """The packages of one home (model/archiving/ports.py)."""

    def __init__(
        self,
        home: Home,
        ways: Ways,
        forget: Callable[[str], object],
        sweeper: Sweeper | None = None,
    ) -> None:
        self._home = home
        self._sweeper = sweeper
        self._ways = ways
        self._forget = forget
        self._blobs = Blobs(home.blobs, home.second_copy)
        self._copy = Blobs(home.second_copy)

    def copy(self, kept: Kept) -> int:
        """Write the second copy of all the package's files, each verified; return how many there are."""
        digests = files_of(kept.digest, self._blobs)
        for digest in digests:
            self._copy.take(digest, self._blobs)
        return len(digests)

    def prove(self, kept: Kept) -> Proof:
        """Restore the package from its second copy into an empty place and run its golden rows; raise what fails."""
        return self._restored(self._home.second_copy, kept, "second copy")

    def drill(self, kept: Kept) -> Proof:
        """Restore the package from blobs alone into an empty place and run its golden rows; raise what fails.

        What is archived is restored from its second copy, which nothing else ever reads.
        """
        if kept.stage is Stage.ARCHIVED:
            return self.prove(kept)
        return self._restored(self._home.blobs, kept, "blobs")

    def _restored(self, blobs: Path, kept: Kept, source: str) -> Proof:
        place = self._home.root / "cache"
        place.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="proof-", dir=place) as folder:
            empty = Home(Path(folder))
            empty.blobs.symlink_to(blobs)
            return self._golden(empty, kept, source, self._ways.lay_out)

    def revive(self, kept: Kept) -> Proof:
        """Make the package runnable in this home again and run its golden rows; raise what fails."""
        self._forget(kept.digest)
        return self._golden(self._home, kept, "home", self._ways.ensure)

    def rerun(self, kept: Kept) -> Proof:
        """Run the golden rows of a package that this home can run; raise what fails."""
        return self._golden(self._home, kept, "home", self._ways.ensure)

    def cool(self, kept: Kept, warm: frozenset[str]) -> None:
        """Drop what was unpacked to run the package, except what packages in `warm` share with it."""
        if kept.digest in warm:
            return
        self._forget(kept.digest)
        drop(self._home.packages / _name(kept.digest))
        environment = self._environment(kept.digest)
        if environment not in {self._environment(digest) for digest in warm}:
            drop(self._home.environments / _name(environment))

    def run(self, kept: Kept, rows: Sequence[Mapping[str, Any]]) -> Ran:
        """Return the package's predictions, by its worker where it serves, else in a process of its own."""
        begun = time.monotonic()
        if kept.stage is Stage.DEPLOYED and len(rows) <= _BESIDE_TRAFFIC:
            version = version_entry(_manifest(kept.digest, self._blobs), kept.digest)
            with oneshot.connected(worker_socket(self._home, str(kept.ref)), version, *_named(kept)) as serving:
                if serving is not None:
                    return Ran(serving.predict(rows), "worker", predict=time.monotonic() - begun)
        with self._ways.start(self._home, kept.digest, kept.ref.number) as (running, restored):
            loaded = time.monotonic()
            predictions = running.predict(rows)
            done = time.monotonic()
            libraries = float(running.hello.get("load_seconds", 0))
        return Ran(predictions, "process", max(0.0, restored - begun), loaded - restored, libraries, done - loaded)

    @staticmethod
    def _golden(home: Home, kept: Kept, source: str, ready: Ensure) -> Proof:
        begun = time.monotonic()
        worker, version = ready(home, kept.digest)
        manifest = decode_manifest(Blobs(home.blobs).verify(kept.digest).read_bytes())
        shown = levels.show(manifest, (worker, version), kept.ref.number)
        rows = manifest.golden.rows if manifest.golden else 0
        return Proof(source, rows, shown.verdict, time.monotonic() - begun, shown.seal)

    def environment(self, kept: Kept) -> str:
        """Return the digest of the package's environment; empty for one that has none."""
        return self._environment(kept.digest)

    def files(self, kept: Kept) -> list[str]:
        """Return the digests of everything that the package is made of, its manifest first."""
        return files_of(kept.digest, self._blobs)

    def discard(self, kept: Kept) -> int:
        """Remove every file of a destroyed package that nothing else needs, from all places; return the bytes freed."""
        assert self._sweeper is not None, "a vault that discards knows what is needed"
        self._forget(kept.digest)
        drop(self._home.packages / _name(kept.digest))
        return self._sweeper.sweep(_ANY_AGE, dry_run=False, only=self.files(kept)).size

    def sweep(self, before: int, *, dry_run: bool) -> Swept:
        """Remove everything that nothing needs and that is older than `before`; with `dry_run` only say what."""
        assert self._sweeper is not None, "a vault that sweeps knows what is needed"
        return self._sweeper.sweep(before, dry_run=dry_run)

    def _environment(self, digest: str) -> str:
        environment = _manifest(digest, self._blobs).environment
        return environment.digest if environment else ""


class HomeChecks:
    """Everything in one home that can be found changed (model/archiving/ports.py)."""

    def __init__(
        self, home: Home, audit: AuditLog, registry: SqlRegistry | None = None, database: Database | None = None
    ) -> None:
        self._home = home
        self._audit = audit
        self._registry = registry
        self._database = database

    def version(self, kept: Kept) -> Findings:
        """Check a version's files, both copies if it has two, its manifest and its signatures."""
        copies = [("blobs", self._home.blobs)]
        if kept.stage is Stage.ARCHIVED:
            copies.append(("second copy", self._home.second_copy))
        problems: list[str] = []
        files = 0
        for called, root in copies:
            seen, found = _files(kept, called, Blobs(root))
            files += seen
            problems += found
        signed, unsigned = self._signatures(kept)
        return Findings({"versions": 1, "files": files, "signatures": signed}, (*problems, *unsigned))

    def home(self) -> Findings:
        """Check what belongs to no single version: the log, the database, its audit chain, notes, other blobs."""
        key = BuilderKey(self._home.keys)
        log = [str(problem) for problem in verify_log(self._home.decisions, key.public() if key.exists() else None)]
        rows, chain = self._chain()
        others, damaged = self._other_blobs()
        return Findings(
            {"logs": 1, "audit rows": rows, "other files": others},
            (*log, *self._tables(), *chain, *self._records(), *damaged),
        )

    def repair(self) -> Repaired:
        """Heal every damaged or missing blob of one copy from the other.

        A version that is not archived has one copy, and nothing heals it here but a backup.
        """
        first, second = Blobs(self._home.blobs), Blobs(self._home.second_copy)
        healed: list[str] = []
        lost: list[str] = []
        for digest in sorted(_stored(self._home.blobs) | _stored(self._home.second_copy)):
            ours, theirs = first.is_intact(digest), second.is_intact(digest)
            if ours and theirs is False:
                healed.append(str(second.replace(digest, first)))
            elif theirs and not ours:
                healed.append(str(first.replace(digest, second)))
            elif not ours and not theirs:
                lost.append(digest)
        return Repaired(tuple(healed), tuple(lost))

    def _chain(self) -> tuple[int, list[str]]:
        """Return how many rows the audit chain has, and what is wrong with it."""
        try:
            # Read before the rows: the chain may grow meanwhile, and must then be at least as long as the note says.
            witness, noted = self._audit.witness(), []
        except TenureError as error:
            witness, noted = None, [f"audit.head: {error}"]
        try:
            entries = list(self._audit.entries())
            found = chain_problems(entries, witness)
        except (DatabaseError, ValueError, TypeError) as error:
            return 0, [*noted, f"control.db, audit chain: it cannot be read: {error}"]
        return len(entries), [*noted, *(f"control.db or audit.head, audit chain: {problem}" for problem in found)]

    def _tables(self) -> list[str]:
        """Return what SQLite itself finds wrong with the control database."""
        if self._database is None:
            return []
        try:
            return [f"control.db: {fault}" for fault in self._database.faults()]
        except DatabaseError as error:
            return [f"control.db: {error.orig}"]

    def _records(self) -> list[str]:
        """Compare the registry's rows and the notes on drafts with the packages that they are about."""
        if self._registry is None:
            return []
        try:
            records = [one for model in self._registry.models() for one in self._registry.versions(model.name)]
        except (DatabaseError, ValueError, TypeError, msgspec.MsgspecError) as error:
            return [f"control.db, registry: it cannot be read: {error}"]
        wrong = [
            f"control.db: the manifest of {one.ref} is not the one that its package is named after"
            for one in records
            if one.stage is not Stage.DESTROYED and digest_of(encode_manifest(one.manifest)) != one.digest
        ]
        wrong += [problem for one in records if one.stage is not Stage.DESTROYED for problem in self._papers(one)]
        wrong += self._said(self._registry, [one.ref for one in records])
        known = {one.draft: one.digest for one in records}
        return wrong + [f"{note}: it does not name the package of its draft" for note in self._wrong_notes(known)]

    def _said(self, registry: SqlRegistry, refs: Sequence[VersionRef]) -> list[str]:
        """Return where what was said of versions is not what the audit trail says."""
        try:
            before = _by_target(self._audit)
            said = {str(ref): registry.attestations(ref) for ref in refs}
            after = _by_target(self._audit)
            found = [
                line for name, each in said.items() for line in contradictions(name, each, before[name], after[name])
            ]
        except (DatabaseError, ValueError, TypeError, msgspec.MsgspecError) as error:
            return [f"control.db: what was said of versions cannot be read: {error}"]
        return [f"control.db: {line}" for line in found]

    def _papers(self, record: VersionRecord) -> list[str]:
        """Return which attached files of a version are damaged or gone in a copy, or are not what was signed."""
        assert self._registry is not None
        found: list[str] = []
        try:
            papers = papers_in(record, self._registry.attestations(record.ref))
        except (ValueError, TypeError, KeyError, msgspec.MsgspecError) as error:
            return [f"control.db: what was attached to {record.ref} cannot be read: {error}"]
        for paper in papers:
            if not is_valid(paper.signature, paper.statement()):
                found.append(f"control.db: {paper.name} attached to {record.ref} is not what was signed")
            for root in (self._home.blobs, self._home.second_copy):
                try:
                    Blobs(root).verify(paper.digest)
                except (MissingBlob, DamagedBlob) as error:
                    found.append(f"{record.ref}, {paper.name}: {error}")
        return found

    def _wrong_notes(self, known: Mapping[str, str]) -> list[Path]:
        """Return the notes that do not say what the registry says; one without a version must at least be a digest."""
        notes = [path for path in self._home.drafts.glob("*") if not path.name.startswith(".")]
        return [
            path
            for path in notes
            if not _DIGEST.fullmatch(found := path.read_bytes().decode("latin-1"))
            or known.get(f"sha256:{path.name}", found) != found
        ]

    def _other_blobs(self) -> tuple[int, list[str]]:
        """Read every blob that no version names, and every second copy that no archived version needs."""
        seen, found = 0, []
        for root in (self._home.blobs, self._home.second_copy):
            for digest in sorted(_stored(root) - self._checked(root)):
                seen += 1
                with contextlib.suppress(MissingBlob):
                    try:
                        Blobs(root).verify(digest)
                    except DamagedBlob as error:
                        found.append(str(error))
        return seen, found

    def _checked(self, root: Path) -> set[str]:
        """Return the digests that `version` looks at in this copy."""
        if self._registry is None:
            return set()
        kept = set()
        with contextlib.suppress(DatabaseError, ValueError, TypeError, msgspec.MsgspecError):
            for model in self._registry.models():
                for one in self._registry.versions(model.name):
                    if one.stage is Stage.ARCHIVED or (root == self._home.blobs and one.stage is not Stage.DESTROYED):
                        kept |= set(made_of(one.digest, one.manifest))
        return kept

    def _signatures(self, kept: Kept) -> tuple[int, list[str]]:
        try:
            manifest = Blobs(self._home.blobs).verify(kept.digest).read_bytes()
        except (MissingBlob, DamagedBlob):
            return 0, []
        folder = self._home.attestations / _name(kept.digest)
        files = sorted(folder.glob("*.json"))
        wrong = [f"{kept.ref}: the signature {file.name} does not fit" for file in files if not _fits(file, manifest)]
        wrong += [
            f"{kept.ref}: {name} does not fit what stands beside it: one of them was changed"
            for name in _unlike(folder)
        ]
        return len(files), wrong if files else [f"{kept.ref}: its signatures are gone"]


def _by_target(audit: AuditLog) -> defaultdict[str, list[Entry]]:
    found: defaultdict[str, list[Entry]] = defaultdict(list)
    for entry in audit.entries():
        found[entry.target].append(entry)
    return found


def _stored(root: Path) -> set[str]:
    return {f"sha256:{path.name}" for path in root.glob("*/*") if _HEX.fullmatch(path.name)}


def files_of(digest: str, blobs: Blobs) -> list[str]:
    """Return the digests of everything that a package is made of, its manifest first."""
    return made_of(digest, _manifest(digest, blobs))


def _manifest(digest: str, blobs: Blobs) -> Manifest:
    return decode_manifest(blobs.verify(digest).read_bytes())


def _files(kept: Kept, called: str, blobs: Blobs) -> tuple[int, list[str]]:
    try:
        digests = files_of(kept.digest, blobs)
    except (MissingBlob, DamagedBlob) as error:
        return 1, [f"{kept.ref}, {called}: {error}"]
    found = []
    for digest in digests:
        try:
            blobs.verify(digest)
        except (MissingBlob, DamagedBlob) as error:
            found.append(f"{kept.ref}, {called}: {error}")
    return len(digests), found


def _fits(file: Path, manifest: bytes) -> bool:
    try:
        return is_valid(msgspec.json.decode(file.read_bytes(), type=Signature), manifest)
    except (msgspec.DecodeError, ValueError):
        return False


def _unlike(folder: Path) -> list[str]:
    """Return what in an attestation folder does not fit its list of digests: both, since either may have changed."""
    sums = folder / SUMS
    if not sums.is_file():
        return []
    noted, now = (set(lines.split(b"\n")) for lines in (sums.read_bytes(), sums_of(folder)))
    changed = sorted({line.split(b"  ", 1)[-1].decode() for line in now - noted})
    return [f"{sums} or {', '.join(changed)}" if changed else str(sums)] if noted != now else []


def _named(kept: Kept) -> tuple[str, int]:
    return kept.ref.model, kept.ref.number


def _name(digest: str) -> str:
    return digest.removeprefix("sha256:")


def drop(folder: Path) -> None:
    """Remove a cache folder: first its name, so that whoever needs it meanwhile builds a whole one beside it.

    Environments are frozen, so their folders are made writable before they can be emptied.
    """
    if not folder.is_dir():
        return
    gone = Path(tempfile.mkdtemp(prefix=".gone-", dir=folder.parent)) / "folder"
    folder.rename(gone)
    for inner in (gone, *(path for path in gone.rglob("*") if path.is_dir() and not path.is_symlink())):
        inner.chmod(0o755)
    shutil.rmtree(gone.parent)
