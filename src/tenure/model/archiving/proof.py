"""What archiving proves and keeps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from tenure.governance.retention import after
from tenure.kit.clock import iso
from tenure.kit.errors import Kind, TenureError
from tenure.model.lifecycle import Stage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tenure.contract.predictor import Prediction
    from tenure.governance.retention import RetentionClass
    from tenure.model.package import Seal
    from tenure.model.version import VersionRef


class NotArchived(TenureError):
    """Only what was archived can be restored."""

    code = "not-archived"
    kind = Kind.CONFLICT
    message = "{ref} is {stage}, not archived"
    next_step = "see `tenure show {ref}`; a decommissioned version can be deployed as it is"


@dataclass(frozen=True, slots=True)
class Kept:
    """A version as archiving sees it."""

    ref: VersionRef
    changes: int
    stage: Stage
    digest: str


@dataclass(frozen=True, slots=True)
class Proof:
    """A restore that succeeded: from where, how many golden rows were run, how their bits were met, and how long it took.

    `verdict` is BIT, or TOLERANCE on another kind of CPU; a restore that meets neither raises and is no proof. `seal` says
    what it did without.
    """

    source: str
    rows: int
    verdict: str
    seconds: float
    seal: Seal


@dataclass(frozen=True, slots=True)
class Ran:
    """What a version said to some rows, by its serving worker or a process of its own (`way`), and the seconds it took.

    `restore` until its environment stood, `load` until its process answered, of which `libraries` is what importing and
    loading the model took, `predict` for the rows.
    """

    predictions: list[Prediction]
    way: Literal["worker", "process"]
    restore: float = 0.0
    load: float = 0.0
    libraries: float = 0.0
    predict: float = 0.0

    def seconds(self) -> dict[str, float]:
        """Return the seconds by what they went into."""
        return {name: round(getattr(self, name), 4) for name in ("restore", "load", "libraries", "predict")}


@dataclass(frozen=True, slots=True)
class Drilled:
    """What a restore drill of one environment, on its newest version, came to; `body` has `failed` if it failed."""

    ref: VersionRef
    environment: str
    body: dict[str, Any]

    @property
    def ok(self) -> bool:
        """Return whether the restore was proven."""
        return "failed" not in self.body


def check_archived(kept: Kept) -> None:
    """Raise `NotArchived` unless the version is in the archive."""
    if kept.stage is not Stage.ARCHIVED:
        raise NotArchived(ref=kept.ref, stage=kept.stage.value)


def facts(proof: Proof) -> dict[str, Any]:
    """Return the proof as it stays written."""
    return {
        "source": proof.source,
        "rows": proof.rows,
        "verdict": proof.verdict,
        "seconds": round(proof.seconds, 3),
        "seal": msgspec.to_builtins(proof.seal),
    }


def carried_retention(statements: Sequence[Mapping[str, Any]], now: int, kept_as: RetentionClass) -> dict[str, Any]:
    """Return the period of a version that was archived elsewhere: the one that runs there, never a shorter one."""
    own = retention(now, kept_as)
    periods = [one for one in statements if one.get("kind") == "archive" and "keep_until" in one]
    if not periods:
        return own
    return own | {
        "retention_from": periods[-1].get("retention_from", own["retention_from"]),
        "keep_until": max(str(periods[-1]["keep_until"]), own["keep_until"]),
    }


def retention(now: int, kept_as: RetentionClass) -> dict[str, Any]:
    """Return from when until when the version is kept, and under which class."""
    return {"retention_from": iso(now), "keep_until": iso(after(now, kept_as.keep)), "retention_class": kept_as.name}
