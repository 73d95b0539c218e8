"""How each row of an answer was computed, of what a worker says of them; a worker runs anybody's code."""

from __future__ import annotations

from tenure.contract.predictor import Batch
from tenure.worker import frames
from tenure.worker.columns import FrameError


def batches(meta: bytes, rows: int) -> list[Batch]:
    """Return one batch for each of the rows; raise `FrameError` when the spans are of more rows, or of fewer."""
    spans = frames.read_spans(meta)
    # Before anything is made of it: one span may claim four thousand million rows.
    if sum(span.length for span in spans) != rows:
        raise FrameError(f"the spans of an answer are not of its {rows} rows")
    return [
        Batch(span.shape, span.rows, span.position + nth, span.compute_us)
        for span in spans
        for nth in range(span.length)
    ]
