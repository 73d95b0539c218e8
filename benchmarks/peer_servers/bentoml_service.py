"""BentoML: `bentoml serve bentoml_service:Score`; adaptive batching on."""

from __future__ import annotations

from typing import Any

import bentoml
from scoring import MOST_ROWS, scores


@bentoml.service(workers=1, logging={"access": {"enabled": False}})
class Score:
    @bentoml.api(batchable=True, max_batch_size=MOST_ROWS)
    def score(self, rows: list[Any]) -> list[float]:
        return scores(rows)
