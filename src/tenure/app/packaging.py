"""Composition of packaging: what `tenure package`, `tenure.package` and registering call. The signatures are a seam.

`package` needs no home, only the author's workshop; `register` and `ensure_runnable` work in a home.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tenure.kit.clock import Clock, SystemClock
from tenure.model.packaging.source import PackageSource

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tenure.model.package import Manifest
    from tenure.serving.snapshot import VersionEntry, WorkerEntry
    from tenure.settings import Home, Workshop

__all__ = [
    "PackageSource",
    "Packaged",
    "Registered",
    "ensure_runnable",
    "missing",
    "pack",
    "package",
    "register",
    "unpack",
]


@dataclass(frozen=True, slots=True)
class Packaged:
    """A package folder that was just made. `sealed` is False for a draft, which registering completes.

    `notes` are the lines an author should see: predict method, schema, requirements, batch form.
    """

    folder: Path
    manifest: Manifest
    digest: str
    sealed: bool
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Registered:
    """A package that this home has proven and can run. `digest` is its id; for a draft that of the completed one.

    `verdict` says how the golden outputs were met: BIT, or TOLERANCE on another kind of CPU.
    """

    manifest: Manifest
    digest: str
    worker: WorkerEntry
    version: VersionEntry
    verdict: str = "BIT"


def package(
    source: PackageSource,
    output: Path | None = None,
    *,
    progress: Callable[[str], None] = lambda _: None,
    workshop: Workshop | None = None,
    clock: Clock | None = None,
) -> Packaged:
    """Make a package of a model and return where it lies; `output` is its folder, by default in the workshop's cache.

    Sealed here when this machine has the interpreter, else a draft. `progress` hears a line before each long step.
    """
    raise NotImplementedError


def register(home: Home, package_path: Path, *, progress: Callable[[str], None] = lambda _: None) -> Registered:
    """Prove a package in this home: verify, store, rebuild with no index, load, reproduce the golden outputs.

    Registering the same bytes again proves nothing anew and returns the same. A draft is completed first.
    It gives no number and no stage: that is the registry's. Raises DamagedPackage, GoldenMismatch and others.
    """
    raise NotImplementedError


def ensure_runnable(
    home: Home, digest: str, *, progress: Callable[[str], None] = lambda _: None
) -> tuple[WorkerEntry, VersionEntry]:
    """Return what the supervisor and the gateways need to run a registered package, rebuilding caches from blobs."""
    raise NotImplementedError


def missing(home: Home, manifest: bytes) -> Sequence[str]:
    """Return the digests of blobs (wheels, interpreter, worker) that this home lacks, so that an upload can skip the others."""
    raise NotImplementedError


def pack(folder: Path, only: Sequence[str] | None = None) -> Path:
    """Return a temporary uncompressed tar of a package folder; of `blobs/` it holds those in `only` (None: all)."""
    raise NotImplementedError


def unpack(home: Home, archive: Path, folder: Path) -> Path:
    """Unpack an uploaded tar into `folder`, completed with blobs this home has already; refuse anything but plain files."""
    raise NotImplementedError
