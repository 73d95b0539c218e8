"""What it takes to start a sealed package that lies in a folder, and to ask it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenure.kit.digests import digest_of
from tenure.model.package import BatchForm, encode_manifest
from tenure.serving.launch import MEMORY
from tenure.serving.snapshot import VersionEntry, WorkerEntry

if TYPE_CHECKING:
    from pathlib import Path

    from tenure.model.package import Manifest
    from tenure.model.packaging.ports import BuiltEnvironment, Store


def entries(
    manifest: Manifest, built: BuiltEnvironment, store: Store, folder: Path
) -> tuple[WorkerEntry, VersionEntry]:
    """Return what it takes to run a package that lies in `folder`, and what a gateway must know of it."""
    digest = digest_of(encode_manifest(manifest))
    worker = WorkerEntry(
        digest=digest,
        python=str(built.python),
        library_path=str(built.library_path),
        worker=str(store.path(manifest.worker)),
        package=str(folder),
        threads=manifest.threads,
        network=manifest.network,
        memory=manifest.memory or MEMORY,
    )
    return worker, version_entry(manifest, digest)


def version_entry(manifest: Manifest, digest: str) -> VersionEntry:
    """Return what a caller of the version's worker must know of it."""
    batch = manifest.batch or BatchForm("single", 1)
    explain = manifest.explain if manifest.batch else None
    return VersionEntry(digest, "", manifest.inputs, manifest.outputs, batch.kind, batch.rows, explain)
