"""Ray Serve: `ray_app.py PORT`; one replica, dynamic batching on."""

from __future__ import annotations

import signal
import sys
from typing import Any

import ray
from ray import serve
from scoring import MOST_ROWS, WINDOW, scores


@serve.deployment(max_ongoing_requests=256)
class Score:
    @serve.batch(max_batch_size=MOST_ROWS, batch_wait_timeout_s=WINDOW)
    async def together(self, rows: list[Any]) -> list[float]:
        return scores(rows)

    async def __call__(self, request: Any) -> dict[str, float]:
        return {"score": await self.together((await request.json())["row"])}


if __name__ == "__main__":
    ray.init(include_dashboard=False, object_store_memory=200 << 20, _node_ip_address="127.0.0.1", log_to_driver=False)
    serve.start(http_options={"host": "127.0.0.1", "port": int(sys.argv[1])})
    serve.run(Score.bind(), route_prefix="/")
    signal.pause()
