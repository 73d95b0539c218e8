"""The port through which an application sees a model: a row in, an output or a reason why not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tenure.contract.schema import Schema

Failure: TypeAlias = Literal["raised", "timeout", "unavailable", "overloaded", "bad_row", "quarantined"]


class Batch(msgspec.Struct, frozen=True):
    """How the row was computed: enough to compute it again with the same bits.

    `shape` is the number of rows in the call to the model after padding, `rows` how many of them were real, `position`
    where this row stood; `compute_us` is the model's time for the whole call.
    """

    shape: int
    rows: int
    position: int
    compute_us: int


class Prediction(msgspec.Struct, frozen=True):
    """What came back for one row: either `output` with the exact bytes in `raw`, or a `failure` with its `error` text.

    `output` maps the names of the output schema to Python values; `raw` is the row's output columns as the frame's
    column bytes (docs/formats/frame.md), the bits that a replay is compared with.
    """

    model: str
    version: int
    digest: str
    output: dict[str, Any] | None = None
    raw: bytes = b""
    batch: Batch | None = None
    failure: Failure | None = None
    error: str = ""


class Contributions(msgspec.Struct, frozen=True):
    """What a model's own library says of one row: the part of each input, by its name, and the `base` they start from.

    They add up on the library's own scale (for a classifier the log-odds); the reader finds out which by adding.
    """

    method: str
    base: float
    parts: dict[str, float]


class Predictor(Protocol):
    """One version of a model, ready to be asked."""

    model: str
    version: int
    digest: str
    inputs: Schema
    outputs: Schema

    async def predict(self, row: Mapping[str, Any], deadline_us: int) -> Prediction:
        """Return the prediction for one row within `deadline_us` microseconds from now; never raise for a model's fault."""
