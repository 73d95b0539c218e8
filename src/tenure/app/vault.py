"""Sealed packages as archiving needs them: copied, restored from nothing but the copy, run, checked byte by byte."""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from tenure.adapters.blobs import Blobs, DamagedBlob, MissingBlob
from tenure.adapters.decision_log.verify import verify_log
from tenure.adapters.signing import is_valid
from tenure.governance.audit import problems as chain_problems
from tenure.model.archiving.findings import Findings
from tenure.model.archiving.proof import Proof
from tenure.model.lifecycle import Stage
from tenure.model.package import Manifest, Signature, blob_digests, decode_manifest
from tenure.model.packaging.sealing import reproduce
from tenure.serving import oneshot
from tenure.settings import Home

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tenure.contract.predictor import Prediction
    from tenure.governance.ports import AuditLog
    from tenure.model.archiving.proof import Kept
    from tenure.serving.snapshot import VersionEntry, WorkerEntry

    Ensure = Callable[[Home, str], tuple[WorkerEntry, VersionEntry]]


class HomeVault:
    """The packages of one home (model/archiving/ports.py)."""

    def __init__(self, home: Home, ensure_runnable: Ensure, forget: Callable[[str], object]) -> None:
        self._home = home
        self._ensure = ensure_runnable
        self._forget = forget
        self._blobs = Blobs(home.blobs, home.second_copy)
        self._copy = Blobs(home.second_copy)

    def copy(self, kept: Kept) -> int:
        """Write the second copy of all the package's files, each verified; return how many there are."""
        digests = files_of(kept.digest, self._blobs)
        for digest in digests:
            self._copy.add(self._blobs.verify(digest))
        return len(digests)

    def prove(self, kept: Kept) -> Proof:
        """Restore the package from its second copy into an empty place and run its golden rows; raise what fails."""
        place = self._home.root / "cache"
        place.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="proof-", dir=place) as folder:
            empty = Home(Path(folder))
            empty.blobs.symlink_to(self._home.second_copy)
            return self._golden(empty, kept, "second copy")

    def revive(self, kept: Kept) -> Proof:
        """Make the package runnable in this home again and run its golden rows; raise what fails."""
        self._forget(kept.digest)
        return self._golden(self._home, kept, "home")

    def cool(self, kept: Kept, warm: frozenset[str]) -> None:
        """Drop what was unpacked to run the package, except what packages in `warm` share with it."""
        if kept.digest in warm:
            return
        self._forget(kept.digest)
        _drop(self._home.packages / _name(kept.digest))
        environment = self._environment(kept.digest)
        if environment not in {self._environment(digest) for digest in warm}:
            _drop(self._home.environments / _name(environment))

    def run(self, kept: Kept, rows: Sequence[Mapping[str, Any]]) -> list[Prediction]:
        """Return the package's predictions, made in its own environment without any server."""
        worker, version = self._ensure(self._home, kept.digest)
        with oneshot.started(worker, version, kept.ref.model, kept.ref.number) as running:
            return running.predict(rows)

    def _golden(self, home: Home, kept: Kept, source: str) -> Proof:
        begun = time.monotonic()
        worker, version = self._ensure(home, kept.digest)
        manifest = decode_manifest(Blobs(home.blobs).verify(kept.digest).read_bytes())
        with oneshot.started(worker, version, kept.ref.model, kept.ref.number) as running:
            verdict = reproduce(running, manifest, Path(worker.package))
        rows = manifest.golden.rows if manifest.golden else 0
        return Proof(source, rows, verdict, time.monotonic() - begun)

    def _environment(self, digest: str) -> str:
        environment = _manifest(digest, self._blobs).environment
        return environment.digest if environment else ""


class HomeChecks:
    """Everything in one home that can be found changed (model/archiving/ports.py)."""

    def __init__(self, home: Home, audit: AuditLog) -> None:
        self._home = home
        self._audit = audit

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
        """Check what belongs to no single version: the decision log and the audit chain."""
        log = [str(problem) for problem in verify_log(self._home.decisions)]
        # Read before the rows: the chain may grow meanwhile, and must then be at least as long as the note says.
        witness = self._audit.witness()
        entries = list(self._audit.entries())
        chain = [f"audit chain: {problem}" for problem in chain_problems(entries, witness)]
        return Findings({"logs": 1, "audit rows": len(entries)}, (*log, *chain))

    def _signatures(self, kept: Kept) -> tuple[int, list[str]]:
        try:
            manifest = Blobs(self._home.blobs).verify(kept.digest).read_bytes()
        except (MissingBlob, DamagedBlob):
            return 0, []
        files = sorted((self._home.attestations / _name(kept.digest)).glob("*.json"))
        wrong = [f"{kept.ref}: the signature {file.name} does not fit" for file in files if not _fits(file, manifest)]
        return len(files), wrong if files else [f"{kept.ref}: its signatures are gone"]


def files_of(digest: str, blobs: Blobs) -> list[str]:
    """Return the digests of everything that a package is made of, its manifest first."""
    manifest = _manifest(digest, blobs)
    return list(dict.fromkeys([digest, *(file.digest for file in manifest.files.values()), *blob_digests(manifest)]))


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


def _name(digest: str) -> str:
    return digest.removeprefix("sha256:")


def _drop(folder: Path) -> None:
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
