"""What a replay needs: the records, the revisions and versions they name, and a way to ask such a version again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractContextManager

    from tenure.application.revisions.terms import Definition
    from tenure.contract.predictor import Contributions, Explain, Prediction
    from tenure.contract.records import DecisionRecord
    from tenure.contract.schema import Schema


@dataclass(frozen=True, slots=True)
class PastVersion:
    """One version as it was sealed: its contract, its package's digest and tolerance, and the CPU of its golden rows.

    `network` says whether the model may fetch what its package does not hold.
    `explain` is how it tells reasons within a decision.
    """

    ref: str
    digest: str
    inputs: Schema
    outputs: Schema
    tolerance: float
    cpu: str
    network: bool = False
    explain: Explain | None = None


class Asked(Protocol):
    """A version started again in its own environment; `hello` is what its worker said of the machine."""

    hello: dict[str, Any]

    def predict(self, rows: Sequence[Mapping[str, Any]], *, reasons: bool = False) -> list[Prediction]:
        """Return one prediction per row, computed in the package's batch form; with `reasons` what it tells of each."""


class Evidence(Protocol):
    """Everything that was kept about decisions."""

    def decision(self, decision_id: str) -> DecisionRecord:
        """Return the record; raise `NoSuchDecision`."""

    def sample(self, count: int, application: str, model: str, version: int | None) -> list[DecisionRecord]:
        """Return up to `count` decisions spread over all that match; empty names match everything."""

    def personal(self, record: DecisionRecord) -> Mapping[str, Any] | None:
        """Return the entity and the personal fields, or None when that person was erased."""

    def definition(self, application: str, revision: int) -> Definition:
        """Return the revision's definition, with its feature views frozen in it."""

    def version(self, model: str, number: int) -> PastVersion:
        """Return the version, whatever its stage."""

    def versions(self, model: str) -> list[PastVersion]:
        """Return all versions of the model, newest first."""

    def asking(self, model: str, number: int) -> AbstractContextManager[Asked]:
        """Start the version in its own environment, rebuilt from its own blobs if need be."""


@dataclass(frozen=True, slots=True)
class ReferenceRows:
    """The rows frozen in a package to compare with; `source` says which, `digest` is that of their file."""

    source: str
    digest: str
    rows: Sequence[Mapping[str, Any]]


class Explained(Asked, Protocol):
    """A started version that may know its own contributions."""

    def contributions(self, row: Mapping[str, Any]) -> Contributions | None:
        """Return what the model itself says each input contributed to the row's score; None where it cannot say."""


class Explainable(Evidence, Protocol):
    """What explaining needs beside what a replay needs."""

    def asking(self, model: str, number: int) -> AbstractContextManager[Explained]:
        """Start the version in its own environment, rebuilt from its own blobs if need be."""

    def reference(self, model: str, number: int) -> ReferenceRows:
        """Return the version's reference rows from its sealed package; raise a `TenureError` when it has none."""
