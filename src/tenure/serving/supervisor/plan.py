"""What a snapshot asks of the supervisor: which workers run, and how long a drain may last.

Read with the standard library's `json`; the whole format is in docs/formats/snapshot.md.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

FORMAT = 1
_DRAIN_SECONDS = 10.0


class Unplanned(Exception):
    """The snapshot cannot be read; the text says why."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The supervisor's part of one snapshot. `workers` maps `model/version` to its entry as plain data."""

    generation: int = 0
    workers: dict[str, dict[str, Any]] = field(default_factory=dict)
    drain_seconds: float = _DRAIN_SECONDS


def read(folder: Path, generation: int) -> Plan:
    """Return one generation's plan; generation 0 is the empty one, before any snapshot was written."""
    if generation == 0:
        return Plan()
    file = folder / f"{generation:010d}.json"
    try:
        content = json.loads(file.read_bytes())
    except (OSError, ValueError) as error:
        raise Unplanned(f"{file} cannot be read: {error}") from error
    if content.get("tenure_snapshot") != FORMAT:
        raise Unplanned(f"{file} has format {content.get('tenure_snapshot')}, this supervisor reads {FORMAT}")
    drain = content.get("limits", {}).get("drain_seconds", _DRAIN_SECONDS)
    return Plan(generation, content.get("workers", {}), drain)


def newest(folder: Path) -> Plan:
    """Return the plan of the newest generation that can be read, else the empty one."""
    for generation in sorted((int(file.stem) for file in folder.glob("[0-9]*.json")), reverse=True):
        try:
            return read(folder, generation)
        except Unplanned:
            continue
    return Plan()
