"""LitServe: `litserve_server.py PORT`; batching on."""

from __future__ import annotations

import sys
from typing import Any

import litserve
from scoring import MOST_ROWS, WINDOW, scores


class Score(litserve.LitAPI):
    def setup(self, _: str) -> None:
        pass

    # Without an annotation: LitServe reads one as the type of the body, and does not know every spelling.
    def decode_request(self, request):
        return request["row"]

    def batch(self, rows: list[Any]) -> list[Any]:
        return rows

    def predict(self, rows: list[Any]) -> list[float]:
        return scores(rows)

    def unbatch(self, found: list[float]) -> list[float]:
        return found

    def encode_response(self, score: float) -> dict[str, float]:
        return {"score": score}


if __name__ == "__main__":
    api = Score(max_batch_size=MOST_ROWS, batch_timeout=WINDOW)
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=1)
    server.run(host="127.0.0.1", port=int(sys.argv[1]), generate_client_file=False, log_level="warning")
