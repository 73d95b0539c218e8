"""What archiving needs of others: the versions' stages, the blobs and environments, and everything that can be checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tenure.governance.access import Actor
    from tenure.model.archiving.findings import Findings, Repaired, Swept
    from tenure.model.archiving.proof import Kept, Proof, Ran
    from tenure.model.lifecycle import Stage
    from tenure.model.version import VersionRef


class KeptStore(Protocol):
    """The versions' stages; what writes runs inside `Audit.transaction()`."""

    def get(self, ref: VersionRef) -> Kept:
        """Return the version; raise `UnknownModel` or `UnknownVersion`."""

    def move(self, kept: Kept, stage: Stage, actor: Actor, now: int, kind: str, body: dict[str, Any]) -> None:
        """Keep the new stage and what is attested with it; raise `ChangedMeanwhile` if the model changed since `get`."""

    def note(self, kept: Kept, actor: Actor, now: int, kind: str, body: dict[str, Any]) -> None:
        """Keep what is attested, the stage as it is; raise `ChangedMeanwhile` if the model changed since `get`."""

    def warm_digests(self) -> frozenset[str]:
        """Return the packages of all versions in service."""

    def all(self) -> list[VersionRef]:
        """Return every version whose files are kept."""

    def tried(self) -> dict[str, int]:
        """Return for each environment when its restore was last tried, whatever came of it."""


class Vault(Protocol):
    """Blobs, environments and workers of sealed packages."""

    def copy(self, kept: Kept) -> int:
        """Write the second copy of all the package's files, each verified; return how many there are."""

    def prove(self, kept: Kept) -> Proof:
        """Restore the package from its second copy into an empty place and run its golden rows; raise what fails."""

    def revive(self, kept: Kept) -> Proof:
        """Make the package runnable in this home again and run its golden rows; raise what fails."""

    def cool(self, kept: Kept, warm: frozenset[str]) -> None:
        """Drop what was unpacked to run the package, except what packages in `warm` share with it."""

    def drill(self, kept: Kept) -> Proof:
        """Restore the package from blobs alone into an empty place and run its golden rows; raise what fails."""

    def environment(self, kept: Kept) -> str:
        """Return the digest of the package's environment; empty for one that has none."""

    def files(self, kept: Kept) -> list[str]:
        """Return the digests of everything that the package is made of, its manifest first."""

    def discard(self, kept: Kept) -> int:
        """Remove every file of a destroyed package that nothing else needs, from all places; return the bytes freed."""

    def sweep(self, before: int, *, dry_run: bool) -> Swept:
        """Remove everything that nothing needs and that is older than `before`; with `dry_run` only say what."""

    def run(self, kept: Kept, rows: Sequence[Mapping[str, Any]]) -> Ran:
        """Return the package's predictions, by its worker where it serves, else in a process of its own."""


class Checks(Protocol):
    """Everything in a home that can be found changed."""

    def version(self, kept: Kept) -> Findings:
        """Check a version's files, both copies if it has two, its manifest and its signatures."""

    def home(self) -> Findings:
        """Check what belongs to no single version: the decision log, the audit chain, blobs that no version has."""

    def repair(self) -> Repaired:
        """Heal every damaged or missing blob of one copy from the other."""
