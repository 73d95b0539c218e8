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


class Explain(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a version tells reasons within a decision, as proven when it was sealed; part of its manifest.

    `output` is the output explained, `scale` where its parts add up. `baseline` is the digest of the `rows` rows of the
    package's file `source` that it is told against; for `native`, `own` and `shap`, which have their own, that of nothing
    (empty). `cost_us` is what a score with its reasons took where it was registered; it stands beside the manifest, never in it.
    """

    method: Literal["native", "own", "shap", "closed_form", "exact_shapley", "sampled_shapley"]
    output: str
    scale: Literal["score", "log-odds"]
    baseline: str = ""
    source: str = ""
    rows: int = 0
    pairs: int = 0
    together: bool = False
    cost_us: int = 0


class Told(msgspec.Struct, frozen=True):
    """What a worker told with a score: the part of each input, in the order of the inputs, and what they start from."""

    base: float
    parts: tuple[float, ...]


class Prediction(msgspec.Struct, frozen=True):
    """What came back for one row: either `output` with the exact bytes in `raw`, or a `failure` with its `error` text.

    `output` maps the names of the output schema to Python values; `raw` is the row's output columns as the frame's
    column bytes (docs/formats/frame.md), the bits that a replay is compared with. `told` is there where reasons were
    asked for and the version can tell them; nobody has added them up yet.
    """

    model: str
    version: int
    digest: str
    output: dict[str, Any] | None = None
    raw: bytes = b""
    batch: Batch | None = None
    failure: Failure | None = None
    error: str = ""
    told: Told | None = None


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

    async def predict(self, row: Mapping[str, Any], deadline_us: int, *, reasons: bool = False) -> Prediction:
        """Return the prediction for one row within `deadline_us` microseconds from now; never raise for a model's fault.

        With `reasons` also what each input contributed, if the version can tell.
        """
