"""Proving a restore: the golden rows run again without what a package must not need of the machine it is restored on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tenure.model.package import OPEN_BY_CARD, Seal
from tenure.model.packaging.golden import GoldenFailed, GoldenMismatch
from tenure.model.packaging.sealing import reproduce
from tenure.serving import launch, oneshot

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenure.model.package import Manifest
    from tenure.serving.oneshot import Oneshot
    from tenure.serving.snapshot import VersionEntry, WorkerEntry

#: of a worker's reason; the whole of it stands in the version's log
_MOST_WHY = 400


@dataclass(frozen=True, slots=True)
class Shown:
    """How the golden outputs were met (BIT, or TOLERANCE on another kind of CPU), and what that says of the package."""

    verdict: str
    seal: Seal


def show(
    manifest: Manifest,
    entries: tuple[WorkerEntry, VersionEntry],
    number: int,
    after: Callable[[Oneshot], None] = lambda _: None,
    *,
    compiles: bool = False,
) -> Shown:
    """Run the golden rows in a rebuilt environment, as far from this machine as it goes, and return what that shows.

    First without a network, the machine's interpreters and its shared libraries, then with those libraries. `after` is
    given the running worker that met them; `compiles` is that of `oneshot.started`. Raises `NotLoaded`, `GoldenFailed` or `GoldenMismatch` when neither did.
    """
    trial = _Trial(manifest, entries, number, after, compiles)
    if manifest.network:
        return trial.run(None, lambda _: Seal("S1", "open", why=OPEN_BY_CARD))
    hidden = launch.hiding(entries[0], libraries=True)
    try:
        return trial.run(hidden, seal_of)
    except oneshot.NotLoadedInTime:
        # A busy machine is no reason to call the package a lesser one.
        raise
    except (oneshot.NotLoaded, GoldenFailed, GoldenMismatch) as error:
        why = f"it needs libraries of this machine: {error.facts.get('why') or error.facts.get('error') or error}"
    shown = trial.run(hidden | {"libraries": False}, seal_of)
    return Shown(shown.verdict, _but(shown.seal, why))


def seal_of(limits: dict[str, Any]) -> Seal:
    """Return what a restore proved from the limits that its worker ran with, as the worker told them."""
    if not limits:
        return Seal("S2", why="its worker is older than seal levels and does not say what was kept from it")
    if limits["network"] != "none":
        return Seal("S1", "open", why=f"its restore was not cut off from the network: {limits['why']}")
    alone = limits.get("alone") or {"hidden": [], "why": "nothing was hidden from it"}
    whole = not alone["why"] and alone.get("libraries")
    by = "namespace" if not alone["why"] else limits["why"]
    return Seal("S3" if whole else "S2", by, tuple(alone["hidden"]), alone["why"])


@dataclass(frozen=True, slots=True)
class _Trial:
    manifest: Manifest
    entries: tuple[WorkerEntry, VersionEntry]
    number: int
    after: Callable[[Oneshot], None]
    compiles: bool

    def run(self, alone: dict[str, Any] | None, seal: Callable[[dict[str, Any]], Seal]) -> Shown:
        name, compiles = self.manifest.name, self.compiles
        with oneshot.started(*self.entries, name, self.number, compiles=compiles, alone=alone) as running:
            verdict = reproduce(running, self.manifest, Path(self.entries[0].package))
            self.after(running)
            return Shown(verdict, seal(running.hello.get("limits") or {}))


def _but(seal: Seal, why: str) -> Seal:
    """Return the seal with the reason for which it is no higher one."""
    return Seal(seal.level, seal.network, seal.hidden, why[:_MOST_WHY])
