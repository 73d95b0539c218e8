"""How many versions could be restored today, as the last trials say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenure.app import wire
from tenure.kit.clock import iso
from tenure.model.lifecycle import Stage
from tenure.model.package import TRIALS

if TYPE_CHECKING:
    from tenure.app.control import Control
    from tenure.model.registry.record import VersionRecord


def restorable(control: Control) -> wire.Restorable:
    """Return how many versions were last found restorable, by the newest trial of each one's environment."""
    records = [one for model in control.registry.models() for one in control.registry.versions(model.name)]
    kept = [one for one in records if one.stage is not Stage.DESTROYED and one.manifest.environment]
    newest: dict[str, tuple[int, str]] = {}
    for record in kept:
        for said in control.registry.attestations(record.ref):
            if said.kind in TRIALS:
                tried = (said.at, str(said.body.get("failed", "")))
                newest[_environment(record)] = max(newest.get(_environment(record), (0, "")), tried)
    found = {str(one.ref): newest.get(_environment(one), (0, "it was never tried")) for one in kept}
    proven = [at for at, why in found.values() if not why]
    return wire.Restorable(
        proven=len(proven),
        versions=len(kept),
        oldest_proof=iso(min(proven)) if proven else None,
        unproven=[f"{ref}: {why}" for ref, (_, why) in found.items() if why],
    )


def _environment(record: VersionRecord) -> str:
    assert record.manifest.environment is not None, "only those that have one are looked at"
    return record.manifest.environment.digest
