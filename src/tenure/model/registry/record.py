"""What the registry keeps of a version, and the pure questions asked of it: what served when, what differs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tenure.governance.audit import Entry
    from tenure.model.lifecycle import Stage
    from tenure.model.package import Manifest
    from tenure.model.version import VersionRef


@dataclass(frozen=True, slots=True)
class VersionRecord:
    """One version. `draft` is the digest of the package as handed in; `role` is empty unless it is deployed.

    `share` is its part of the traffic while it is a canary.
    """

    ref: VersionRef
    digest: str
    draft: str
    stage: Stage
    registered_at: int
    registered_by: str
    manifest: Manifest
    role: str = ""
    aliases: tuple[str, ...] = ()
    share: float = 0.0


@dataclass(frozen=True, slots=True)
class ModelRecord:
    """One model: its aliases, and how many versions it ever had."""

    name: str
    aliases: dict[str, int]
    versions: int


@dataclass(frozen=True, slots=True)
class Attestation:
    """One thing said about a version after it was sealed; `kind` is seal, approval, archive, restore or tombstone."""

    kind: str
    at: int
    actor: str
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Served:
    """From `at` on `alias` pointed to version `number` (0: to none); who moved it there, by which action, and why."""

    alias: str
    number: int
    at: int
    actor: str
    action: str
    reason: str


@dataclass(frozen=True, slots=True)
class History:
    """What aliases pointed to, and every change of the model in the audit chain, newest first."""

    served: tuple[Served, ...]
    events: tuple[Entry, ...]


def served_at(rows: Iterable[Served], moment: int) -> tuple[Served, ...]:
    """Return for each alias what it pointed to at the moment; an alias that did not exist yet is left out.

    `rows` come oldest first; of two at the same microsecond the later one counts.
    """
    newest = {row.alias: row for row in rows if row.at <= moment}
    return tuple(newest[alias] for alias in sorted(newest) if newest[alias].number)


@dataclass(frozen=True, slots=True)
class Difference:
    """One fact in which two versions differ; None means that a version has no such fact."""

    what: str
    left: Any
    right: Any


def differences(left: VersionRecord, right: VersionRecord) -> tuple[Difference, ...]:
    """Return everything in which two versions differ, in the order metrics, inputs, outputs, environment, model."""
    ours, theirs = dict(_facts(left.manifest)), dict(_facts(right.manifest))
    names = list(ours) + [name for name in theirs if name not in ours]
    found = (Difference(name, ours.get(name), theirs.get(name)) for name in names)
    return tuple(difference for difference in found if difference.left != difference.right)


def _facts(manifest: Manifest) -> Iterator[tuple[str, Any]]:
    for name, value in sorted(manifest.provenance.metrics.items()):
        yield f"metric {name}", value
    for kind, schema in (("input", manifest.inputs), ("output", manifest.outputs)):
        for field in schema:
            yield f"{kind} {field.name}", msgspec.to_builtins(field)
    yield from _environment(manifest)
    for what in ("format", "entry", "predict", "form"):
        yield f"loader {what}", getattr(manifest.loader, what)
    yield "batch form", msgspec.to_builtins(manifest.batch)
    for path, file in sorted(manifest.files.items()):
        yield f"file {path}", file.digest


def _environment(manifest: Manifest) -> Iterator[tuple[str, Any]]:
    yield "python", manifest.environment.interpreter.version if manifest.environment else manifest.python
    for wheel in manifest.environment.wheels if manifest.environment else ():
        yield f"package {wheel.name}", wheel.version
