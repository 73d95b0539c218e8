"""Composition of a home's side: a package is stored, rebuilt, proven, and kept runnable from blobs alone."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from tenure.adapters import packages
from tenure.adapters.blobs import Blobs
from tenure.adapters.signing import BuilderKey
from tenure.app.workbench import environments_in
from tenure.kit.clock import SystemClock
from tenure.kit.digests import digest_of_file
from tenure.model.package import MANIFEST, DamagedPackage, Seal, encode_manifest, seal_of_old
from tenure.model.packaging import drafting, levels
from tenure.model.packaging.entries import entries
from tenure.model.packaging.reasons import cost_us
from tenure.model.packaging.sealing import Sealing, golden_rows
from tenure.serving import oneshot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from tenure.adapters.environments.rebuilt import Rebuilt
    from tenure.model.package import Manifest, OpenPackage, Signature
    from tenure.serving.oneshot import Oneshot
    from tenure.serving.snapshot import VersionEntry, WorkerEntry
    from tenure.settings import Home

    Progress = Callable[[str], None]


#: beside the signatures: what they are as bytes, because not every byte of theirs is signed
SUMS = "SHA256SUMS"
#: … and what restoring the package here showed when it was registered
SEAL = "seal"


@dataclass(frozen=True, slots=True)
class Registered:
    """A package that this home has proven and can run. `digest` is its id; for a draft that of the completed one.

    `verdict` says how the golden outputs were met: BIT, or TOLERANCE on another kind of CPU; `seal` what the restore did
    without. `reasons_us` is what a score with its reasons takes here, 0 where the version tells none.
    """

    manifest: Manifest
    digest: str
    worker: WorkerEntry
    version: VersionEntry
    seal: Seal
    verdict: str = "BIT"
    reasons_us: int = 0


class Registering:
    """A home's blobs and environments, and the proof of a package in them."""

    def __init__(self, home: Home, progress: Progress) -> None:
        self._home, self._progress = home, progress
        self.blobs = Blobs(home.blobs, home.second_copy)
        self.environments = environments_in(self.blobs, home.environments, home.interpreters, progress)

    def register(self, folder: Path, allow: Callable[[OpenPackage], None] = lambda _: None) -> Registered:
        """Return the package proven in this home; `allow` raises for one that must not be loaded."""
        self._progress("verifying every file and signature")
        package = packages.open_folder(folder, self.blobs)
        allow(package)
        if package.is_draft:
            return self._completed(package)
        if not self._is_known(package.digest):
            packages.store_all(package, self.blobs)
        return self._proven(package.digest, package.signatures)

    def _completed(self, package: OpenPackage) -> Registered:
        """Seal a draft here; the same draft again is the package it became the first time."""
        note = self._note(package.digest)
        if note.is_file():
            return self._proven(note.read_text(), ())
        packages.store_all(package, self.blobs)
        made = Sealing(self.blobs, self.environments, packages, self._progress).seal(
            drafting.reopened(package), package.digest
        )
        content = encode_manifest(made.manifest)
        for file in made.contents.values():
            self.blobs.add(file)
        digest = self.blobs.add(content).digest
        signature = BuilderKey(self._home.keys).sign(content, SystemClock().now())
        registered = self._proven(digest, (signature,))
        self._home.drafts.mkdir(parents=True, exist_ok=True)
        _write_whole(note, digest.encode())
        return registered

    def _proven(self, digest: str, signatures: Sequence[Signature]) -> Registered:
        """Return the package after it gave its golden outputs here; what was proven before is not proven again."""
        if self._is_known(digest):
            manifest, worker, version = self.runnable(digest)
            return Registered(manifest, digest, worker, version, self._seal(digest, manifest))
        manifest, built, folder = self._laid_out(digest)
        rows = golden_rows(manifest, folder)
        self._progress(f"reproducing {len(rows)} golden outputs without network, other interpreters or libraries")
        costs: list[int] = []
        shown = self._shown(
            manifest, built, folder, lambda running: costs.append(cost_us(running, rows, time.perf_counter))
        )
        self._attest(digest, signatures, shown.seal)
        worker, version = entries(manifest, built, self.blobs, folder)
        return Registered(manifest, digest, worker, version, shown.seal, shown.verdict, costs[-1])

    def _shown(
        self, manifest: Manifest, built: Rebuilt, folder: Path, after: Callable[[Oneshot], None]
    ) -> levels.Shown:
        """Return what the golden rows show; the same run compiles what this model imports and no other one did before."""
        with self._primed_beside(built, folder) as copy:
            return levels.show(manifest, entries(manifest, built, self.blobs, copy), 0, after, compiles=True)

    def runnable(self, digest: str, *, primes: bool = True) -> tuple[Manifest, WorkerEntry, VersionEntry]:
        """Return a stored package ready to be started: files laid out and checked, environment built and primed.

        With `primes` False an environment that is new stays as it was unpacked: for one that is used once and thrown away.
        """
        manifest, built, folder = self._laid_out(digest)
        if primes and not built.is_primed:
            self._progress("loading the model once, which compiles what it imports")
            with self._priming(manifest, built, folder, 0):
                pass
        return manifest, *entries(manifest, built, self.blobs, folder)

    @contextmanager
    def started(self, digest: str, number: int) -> Iterator[tuple[Oneshot, float]]:
        """Give the package's worker, its model loaded, and when (of `time.monotonic`) its environment stood.

        The first one in a new environment primes it by the way, so that nobody waits for two loads.
        """
        manifest, built, folder = self._laid_out(digest)
        stood = time.monotonic()
        if built.is_primed:
            place = entries(manifest, built, self.blobs, folder)
            with oneshot.started(*place, manifest.name, number) as running:
                yield running, stood
        else:
            with self._priming(manifest, built, folder, number) as running:
                yield running, stood

    def _laid_out(self, digest: str) -> tuple[Manifest, Rebuilt, Path]:
        folder = self._home.packages / digest.removeprefix("sha256:")
        manifest = packages.materialise(digest, self.blobs, folder)
        if manifest.environment is None:
            raise DamagedPackage(file=MANIFEST, why="it is a draft, which cannot run before it is registered")
        return manifest, self.environments.rebuild(manifest.environment), folder

    @contextmanager
    def _priming(self, manifest: Manifest, built: Rebuilt, folder: Path, number: int) -> Iterator[Oneshot]:
        """Give the model's own worker, for once started with bytecode, so that later loads are quick."""
        with self._primed_beside(built, folder) as copy:
            place = entries(manifest, built, self.blobs, copy)
            with oneshot.started(*place, manifest.name, number, compiles=True) as running:
                yield running

    @contextmanager
    def _primed_beside(self, built: Rebuilt, folder: Path) -> Iterator[Path]:
        """Give a copy of the package for a worker that compiles; where that went well, the environment is primed.

        A copy, because bytecode is also written beside the package's code, where nothing unnamed may lie.
        """
        with tempfile.TemporaryDirectory(prefix="priming-", dir=self._home.root / "cache") as scratch:
            yield Path(shutil.copytree(folder, Path(scratch, "package"), copy_function=_linked))
        built.primed()
        self.environments.remember(built)

    def lacks(self, digest: str, parts: Iterable[str]) -> list[str]:
        """Return which parts of a package must come with it; of one that was registered before, damaged ones too."""
        known = self._is_known(digest) or self._note(digest).is_file()
        whole = self.blobs.is_intact if known else self.blobs.has
        return [part for part in parts if not whole(part)]

    def _is_known(self, digest: str) -> bool:
        return self._attested(digest).is_dir()

    def _note(self, draft: str) -> Path:
        return self._home.drafts / draft.removeprefix("sha256:")

    def _attested(self, digest: str) -> Path:
        return self._home.attestations / digest.removeprefix("sha256:")

    def _seal(self, digest: str, manifest: Manifest) -> Seal:
        """Return what a package that was proven before showed then."""
        file = self._attested(digest) / SEAL
        return msgspec.json.decode(file.read_bytes(), type=Seal) if file.is_file() else seal_of_old(manifest)

    def _attest(self, digest: str, signatures: Sequence[Signature], seal: Seal) -> None:
        """Keep the signatures beside the manifest; that they are there says that the package was proven."""
        folder = self._attested(digest)
        folder.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=".", dir=folder.parent))
        for signature in signatures:
            (draft / f"{signature.key}.json").write_bytes(msgspec.json.encode(signature))
        (draft / SEAL).write_bytes(msgspec.json.encode(seal))
        (draft / SUMS).write_bytes(sums_of(draft))
        packages.settle(draft, folder)


def sums_of(folder: Path) -> bytes:
    """Return what `SHA256SUMS` of an attestation folder says: a line for each file, in the form of sha256sum."""
    files = [*sorted(folder.glob("*.json")), *folder.glob(SEAL)]
    lines = (f"{digest_of_file(file).removeprefix('sha256:')}  {file.name}\n" for file in files)
    return "".join(lines).encode()


def _linked(source: str, target: str) -> None:
    """Give a file a second name where the file system can."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _write_whole(path: Path, content: bytes) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_bytes(content)
    draft.rename(path)
