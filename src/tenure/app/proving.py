"""Packages as the registry needs them proven (model/registry/ports.py)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenure.app import packaging
from tenure.kit.digests import digest_of
from tenure.model.package import MANIFEST, DamagedPackage

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tenure.app.packaging import Registered
    from tenure.model.package import OpenPackage
    from tenure.settings import Home


class HomePackages:
    """Proves packages in one home."""

    def __init__(self, home: Home, progress: Callable[[str], None], allow: Callable[[OpenPackage], None]) -> None:
        self._home = home
        self._progress = progress
        self._allow = allow

    def identify(self, package: Path) -> str:
        """Return the digest of the package's manifest as handed in."""
        manifest = package / MANIFEST
        if not manifest.is_file():
            raise DamagedPackage(file=MANIFEST, why=f"there is none in {package}")
        return digest_of(manifest.read_bytes())

    def mend(self, package: Path) -> None:
        """Write anew what of a package that has a number already is damaged or lost here."""
        packaging.mend(self._home, package)

    def register(self, package: Path) -> Registered:
        """Rebuild the environment with no index, load, reproduce the golden outputs; raise what is wrong."""
        return packaging.register(self._home, package, progress=self._progress, allow=self._allow)
