"""A version's process, started before this one has imported what it takes to open a home.

Opening a home imports for as long as many a model takes to load its libraries; begun first, the two go on side by side.
Nothing is decided here: whoever opens the home asks all that it always asks, and takes this process only where it is
the one that it would have started.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tenure.adapters import packages
from tenure.adapters.blobs import Blobs
from tenure.adapters.environments.rebuilt import rebuilt_in
from tenure.adapters.signing import BuilderKey, key_id, valid_in
from tenure.adapters.sql.glance import glance
from tenure.kit.errors import TenureError
from tenure.model.package import check_trusted
from tenure.model.packaging.entries import entries
from tenure.serving import oneshot
from tenure.serving.places import worker_socket

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tenure.adapters.sql.glance import Glance
    from tenure.model.version import AliasRef, VersionRef
    from tenure.serving.oneshot import Oneshot
    from tenure.serving.snapshot import VersionEntry, WorkerEntry
    from tenure.settings import Home


@dataclass(slots=True)
class Ahead:
    """A worker that is loading the model of the package `digest`; `since` is when (of `time.monotonic`) it was started."""

    digest: str
    number: int
    since: float
    loaded: Callable[[], Oneshot]

    @contextmanager
    def taken(self) -> Iterator[tuple[Oneshot, float]]:
        """Give the worker, its model loaded, and since when it has been loading; whoever began it ends it."""
        yield self.loaded(), self.since


@contextmanager
def begun(home: Home, ref: VersionRef | AliasRef) -> Iterator[Ahead | None]:
    """Start the worker of a version that this home can run at once, and end it with the block; None for any other.

    The caller holds the home's lock, so that what is read of the version and of trusted keys stays true meanwhile.
    """
    found = _ready(home, ref)
    if found is None:
        yield None
        return
    seen, worker, version = found
    since = time.monotonic()
    with oneshot.begun(worker, version, seen.ref.model, seen.ref.number) as loaded:
        yield Ahead(seen.digest, seen.ref.number, since, loaded)


def _ready(home: Home, ref: VersionRef | AliasRef) -> tuple[Glance, WorkerEntry, VersionEntry] | None:
    """Return what it takes to start the version, None where anything is missing, not trusted, or serves already."""
    seen = glance(home.control_db, ref)
    if seen is None or worker_socket(home, str(seen.ref)).exists():
        return None
    folder, blobs = home.packages / _name(seen.digest), Blobs(home.blobs, home.second_copy)
    if not folder.is_dir():
        return None
    try:
        content = blobs.verify(seen.digest).read_bytes()
        manifest = packages.materialise(seen.digest, blobs, folder)
        own = BuilderKey(home.keys)
        trusted = seen.trusted | ({key_id(own.public())} if own.exists() else set())
        check_trusted(manifest, valid_in(home.attestations / _name(seen.digest), content), trusted)
        if manifest.environment is None or not (built := rebuilt_in(home.environments, manifest.environment)).is_primed:
            return None
        return seen, *entries(manifest, built, blobs, folder)
    except (TenureError, OSError):
        # Whoever opens the home comes upon the same, and says so.
        return None


def _name(digest: str) -> str:
    return digest.removeprefix("sha256:")
