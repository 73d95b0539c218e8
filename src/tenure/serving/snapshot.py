"""The snapshot: everything supervisor and gateways need to serve, as one immutable file per generation.

Format: docs/formats/snapshot.md. Control writes `<generation>.json` (temporary file, fsync, rename) and announces the
generation to the supervisor; the supervisor starts what is missing and tells the gateways, which swap one reference.
Whoever starts while control is down uses the newest complete one.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import msgspec

from tenure.contract.predictor import Explain
from tenure.contract.schema import Field
from tenure.kit.errors import Kind, TenureError
from tenure.serving.launch import MEMORY

if TYPE_CHECKING:
    from pathlib import Path

FORMAT = 1


class TokenEntry(msgspec.Struct, frozen=True, omit_defaults=True):
    """A token by the sha256 (hex) of its text; `applications` empty means all that the role allows.

    `rate` is how many requests it may make in how many seconds, None for as many as it likes.
    """

    id: str
    role: str
    applications: tuple[str, ...] = ()
    expires: int | None = None
    rate: tuple[int, int] | None = None


class WorkerEntry(msgspec.Struct, frozen=True, omit_defaults=True):
    """One process to run: a version in its own environment. Paths are absolute.

    `python` is the rebuilt environment's interpreter, `library_path` its LD_LIBRARY_PATH, `worker` the `worker.pyz`
    the package was sealed with, `package` the folder of the opened package, whose manifest must have digest `digest`.
    `memory` is the most it may take, in bytes; `network` whether it may open connections (worker/confine.py).
    A worker that answers nothing for `silent_seconds` hangs and is killed: half a minute beyond the longest deadline.
    """

    digest: str
    python: str
    library_path: str
    worker: str
    package: str
    threads: int = 1
    network: bool = False
    memory: int = MEMORY
    silent_seconds: float = 90.0


class VersionEntry(msgspec.Struct, frozen=True, omit_defaults=True):
    """One version that a gateway may ask: its contract and the key of its worker (`churn/2`).

    `explain` is how it tells reasons within a decision, None where its package tells none.
    """

    digest: str
    worker: str
    inputs: tuple[Field, ...]
    outputs: tuple[Field, ...]
    batch_kind: str
    batch_rows: int
    explain: Explain | None = None


class CanaryEntry(msgspec.Struct, frozen=True):
    """The version that answers a share of the entities of every application that asks the model's champion."""

    version: int
    share: float


class ModelEntry(msgspec.Struct, frozen=True, omit_defaults=True):
    """A model's aliases and the versions behind them; `shadows` are asked what the champion is asked, and never answer.

    A version that is named by nothing but `versions` is warm.
    """

    aliases: dict[str, int]
    versions: dict[int, VersionEntry]
    shadows: tuple[int, ...] = ()
    canary: CanaryEntry | None = None


class TrialEntry(msgspec.Struct, frozen=True, omit_defaults=True):
    """A revision on trial: evaluated beside the active one; it answers the `share` of the entities, none with 0."""

    revision: int
    definition: dict[str, Any]
    share: float = 0.0


class ApplicationEntry(msgspec.Struct, frozen=True, omit_defaults=True):
    """The active revision of an application: the parsed definition as plain data (application/revisions)."""

    revision: int
    definition: dict[str, Any]
    trial: TrialEntry | None = None


class Limits(msgspec.Struct, frozen=True, omit_defaults=True):
    """Bounds that keep one caller from harming others: bytes, requests in flight per gateway, seconds."""

    body_bytes: int = 1 << 20
    in_flight: int = 512
    header_seconds: float = 10.0
    drain_seconds: float = 10.0


class Snapshot(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One generation. `created` is UTC microseconds; `views` are the feature views' definitions as plain data."""

    format: int = msgspec.field(name="tenure_snapshot")
    generation: int
    created: int
    tokens: dict[str, TokenEntry] = {}
    workers: dict[str, WorkerEntry] = {}
    models: dict[str, ModelEntry] = {}
    applications: dict[str, ApplicationEntry] = {}
    views: dict[str, dict[str, Any]] = {}
    limits: Limits = Limits()


class UnreadableSnapshot(TenureError):
    """A snapshot file is damaged or from a newer Tenure."""

    code = "unreadable-snapshot"
    kind = Kind.CORRUPT
    message = "{file} cannot be read: {why}"
    next_step = "start control, which writes a new generation"


def write(folder: Path, snapshot: Snapshot) -> Path:
    """Write the snapshot so that a reader sees all of it or nothing, and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    final = folder / f"{snapshot.generation:010d}.json"
    draft = folder / f".{snapshot.generation:010d}.{os.getpid()}"
    with draft.open("wb") as file:
        file.write(msgspec.json.encode(snapshot))
        file.flush()
        os.fsync(file.fileno())
    draft.rename(final)
    directory = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
    return final


def read(folder: Path, generation: int) -> Snapshot:
    """Return one generation; raise `UnreadableSnapshot` when it is damaged or its format is unknown."""
    file = folder / f"{generation:010d}.json"
    try:
        snapshot = msgspec.json.decode(file.read_bytes(), type=Snapshot)
    except (OSError, msgspec.DecodeError) as error:
        raise UnreadableSnapshot(file=file, why=str(error)) from error
    if snapshot.format != FORMAT:
        raise UnreadableSnapshot(file=file, why=f"its format is {snapshot.format}, this Tenure reads {FORMAT}")
    return snapshot


def newest(folder: Path) -> int | None:
    """Return the newest complete generation, or None when there is none yet."""
    generations = [int(file.stem) for file in folder.glob("[0-9]*.json")]
    return max(generations, default=None)
