"""Where the registry keeps its records, and who proves packages for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    from tenure.model.package import Manifest, Seal
    from tenure.model.registry.record import Attestation, ModelRecord, Served, VersionRecord
    from tenure.model.version import AliasRef, VersionRef


class RegistryStore(Protocol):
    """The registry's records; what writes runs inside `Audit.transaction()`."""

    def next_number(self, model: str, now: int, actor: str) -> int:
        """Return a number that the model never had, making the model if it is new."""

    def add(self, record: VersionRecord) -> None:
        """Keep a new version."""

    def approved(self, ref: VersionRef) -> None:
        """Move the version's stage to approved."""

    def attest(self, ref: VersionRef, attestation: Attestation) -> None:
        """Keep what was said about a version."""

    def by_package(self, digest: str) -> VersionRecord | None:
        """Return the version with this digest, or made of a draft with this digest."""

    def get(self, ref: VersionRef | AliasRef) -> VersionRecord:
        """Return a version by number or alias; raise `UnknownModel` or `UnknownVersion`."""

    def versions(self, model: str) -> list[VersionRecord]:
        """Return all versions of a model, oldest first; raise `UnknownModel`."""

    def in_service(self) -> list[VersionRecord]:
        """Return the deployed versions of all models."""

    def models(self) -> list[ModelRecord]:
        """Return all models by name."""

    def served(self, model: str) -> list[Served]:
        """Return what the model's aliases pointed to, oldest first."""

    def attestations(self, ref: VersionRef) -> list[Attestation]:
        """Return what was said about a version, oldest first."""


class Proven(Protocol):
    """A package that this home has proven and can run. `verdict` says how the golden outputs were met, `seal` without what."""

    @property
    def manifest(self) -> Manifest:
        """Return the manifest, complete even if a draft was handed in."""

    @property
    def digest(self) -> str:
        """Return the package's id."""

    @property
    def verdict(self) -> str:
        """Return BIT, or TOLERANCE on another kind of CPU."""

    @property
    def seal(self) -> Seal:
        """Return what restoring it here showed."""

    @property
    def reasons_us(self) -> int:
        """Return what a score with its reasons takes here, in microseconds; 0 where the version tells none."""


class Packages(Protocol):
    """Who proves packages (model/packaging)."""

    def identify(self, package: Path) -> str:
        """Return the digest of the package's manifest as handed in."""

    def mend(self, package: Path) -> None:
        """Write anew what of a package that has a number already is damaged or lost here."""

    def register(self, package: Path) -> Proven:
        """Rebuild the environment with no index, load, reproduce the golden outputs; raise what is wrong."""
