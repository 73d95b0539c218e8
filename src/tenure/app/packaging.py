"""Composition of packaging: what `tenure package`, `tenure.package` and registering call. The signatures are a seam.

`package` needs no home, only the author's workshop; `register` and `ensure_runnable` work in a home.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tenure.adapters import exports, mlflow_downloads, packages, sources
from tenure.adapters.blobs import Blobs
from tenure.app.registering import Registered, Registering
from tenure.app.workbench import Packaged, Workbench, signed_by
from tenure.kit.clock import SystemClock
from tenure.kit.digests import digest_of
from tenure.model import travelling
from tenure.model.package import blob_digests, decode_manifest
from tenure.model.packaging import telling
from tenure.model.packaging.source import PackageSource
from tenure.settings import Home, Workshop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tenure.kit.clock import Clock
    from tenure.model.package import OpenPackage
    from tenure.serving.oneshot import Oneshot
    from tenure.serving.snapshot import VersionEntry, WorkerEntry

    Progress = Callable[[str], None]

MOST_UPLOAD = 8 << 30

__all__ = [
    "PackageSource",
    "Packaged",
    "Registered",
    "ensure_runnable",
    "laid_out",
    "mend",
    "missing",
    "pack",
    "package",
    "register",
    "started",
    "unpack",
    "unpack_export",
    "write_export",
]


def package(
    source: PackageSource,
    output: Path | None = None,
    *,
    progress: Progress = lambda _: None,
    workshop: Workshop | None = None,
    clock: Clock | None = None,
) -> Packaged:
    """Make a package of a model and return where it lies; `output` is its folder, by default in the workshop's cache.

    Sealed here when this machine has the interpreter, else a draft. `progress` hears a line before each long step.
    """
    bench = Workbench(workshop or Workshop.of(), progress)
    with tempfile.TemporaryDirectory(prefix="tenure-") as scratch:
        source = signed_by(sources.completed(_here(source, Path(scratch), progress)), clock or SystemClock())
        folder = Path(scratch, "draft")
        folder.mkdir()
        draft = bench.draft(source, folder)
        for note in telling.of_draft(draft.manifest):
            progress(note)
        return bench.written(bench.sealed(draft), source, output)


def _here(source: PackageSource, folder: Path, progress: Progress) -> PackageSource:
    """Return the source on this disk: what stands at an address of MLflow is fetched by the author's own MLflow."""
    if not mlflow_downloads.is_address(source.source):
        return source
    progress(f"fetching {source.source} with your own MLflow")
    place = folder / "fetched"
    place.mkdir()
    name = source.name or mlflow_downloads.model_name(source.source)
    return replace(source, source=mlflow_downloads.fetched(source.source, place), name=name)


def register(
    home: Home,
    package_path: Path,
    *,
    progress: Progress = lambda _: None,
    allow: Callable[[OpenPackage], None] = lambda _: None,
) -> Registered:
    """Prove a package in this home: verify, store, rebuild with no index, load, reproduce the golden outputs.

    Registering the same bytes again proves nothing anew and returns the same. A draft is completed first.
    It gives no number and no stage: that is the registry's. `allow` raises for a package that must not be loaded. Raises DamagedPackage, GoldenMismatch and others.
    """
    return Registering(home, progress).register(package_path, allow)


def mend(home: Home, package_path: Path) -> None:
    """Write anew what of a registered package is damaged or lost in this home; raise `DamagedPackage` where it is so itself."""
    blobs = Blobs(home.blobs, home.second_copy)
    packages.mend_all(packages.open_folder(package_path, blobs), blobs)


def ensure_runnable(
    home: Home, digest: str, *, progress: Progress = lambda _: None
) -> tuple[WorkerEntry, VersionEntry]:
    """Return what the supervisor and the gateways need to run a registered package, rebuilding caches from blobs."""
    _, worker, version = Registering(home, progress).runnable(digest)
    return worker, version


def laid_out(home: Home, digest: str) -> tuple[WorkerEntry, VersionEntry]:
    """Return the same for a restore that is proven and thrown away: nothing is done that only a second start would gain by."""
    _, worker, version = Registering(home, lambda _: None).runnable(digest, primes=False)
    return worker, version


@contextmanager
def started(home: Home, digest: str, number: int) -> Iterator[tuple[Oneshot, float]]:
    """Give a registered package's worker, its model loaded, caches rebuilt; and when its environment stood."""
    with Registering(home, lambda _: None).started(digest, number) as running:
        yield running


def missing(home: Home, manifest: bytes) -> Sequence[str]:
    """Return the digests of blobs (wheels, interpreter, worker) that this home lacks, so that an upload can skip the others."""
    return Registering(home, lambda _: None).lacks(digest_of(manifest), blob_digests(decode_manifest(manifest)))


def write_export(file: Path, history: bytes, signature: bytes, content: Callable[[str], bytes | Path]) -> None:
    """Write an export's one file, whole or not at all; `content` gives the bytes of a digest."""
    files = travelling.decode(history).files
    own: dict[str, bytes | Path] = {travelling.HISTORY: history, travelling.SIGNATURE: signature}
    exports.write(file, [*own, *sorted(files)], lambda name: own[name] if name in own else content(files[name].digest))


def unpack_export(file: Path, folder: Path) -> Path:
    """Unpack an export into the new folder `folder` and return it; raise `DamagedExport` at any byte that is not as written."""
    exports.unpack(file, folder)
    return folder


def pack(folder: Path, only: Sequence[str] | None = None) -> Path:
    """Return a temporary uncompressed tar of a package folder; of `blobs/` it holds those in `only` (None: all).

    The caller deletes it.
    """
    descriptor, name = tempfile.mkstemp(suffix=".tar", prefix="tenure-")
    os.close(descriptor)
    return packages.pack(folder, only, Path(name))


def unpack(archive: Path, folder: Path, most: int = MOST_UPLOAD) -> Path:
    """Unpack an uploaded tar into the new folder `folder` and return it; refuse anything but plain files.

    Nothing in it is checked yet: `register` does that, and takes from the home the blobs that were left out.
    """
    return packages.unpack(archive, folder, most)
