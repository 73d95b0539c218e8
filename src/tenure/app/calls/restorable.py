"""How many versions could be restored today, as the last trials say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenure.app import wire
from tenure.kit.clock import iso
from tenure.model.lifecycle import Stage
from tenure.model.package import TRIALS

if TYPE_CHECKING:
    from tenure.app.control import Control


def restorable(control: Control) -> wire.Restorable:
    """Return how many versions were last found restorable, by the newest trial of each one's environment."""
    records = [one for model in control.registry.models() for one in control.registry.versions(model.name)]
    kept = [one for one in records if one.stage is not Stage.DESTROYED and one.manifest.environment]
    newest: dict[str, tuple[int, bool]] = {}
    for record in kept:
        assert record.manifest.environment is not None, "only those that have one were taken"
        for said in control.registry.attestations(record.ref):
            if said.kind in TRIALS:
                environment = record.manifest.environment.digest
                newest[environment] = max(newest.get(environment, (0, False)), (said.at, "failed" not in said.body))
    found = [newest.get(one.manifest.environment.digest, (0, False)) for one in kept if one.manifest.environment]
    proven = [at for at, ok in found if ok]
    return wire.Restorable(proven=len(proven), versions=len(kept), oldest_proof=iso(min(proven)) if proven else None)
