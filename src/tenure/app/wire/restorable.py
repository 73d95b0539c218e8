"""How many versions could be restored today."""

from __future__ import annotations

from tenure.app.wire.shared import Output


class Restorable(Output, frozen=True):
    """How many versions were restored from blobs alone when that was last tried, and when the oldest such proof was.

    `unproven` names the others, each with why.
    """

    proven: int
    versions: int
    oldest_proof: str | None
    unproven: list[str] = []
