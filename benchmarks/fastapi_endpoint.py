"""The endpoint a careful engineer writes by hand: typed request, one model in memory, no rules, features or log.

`MODEL=light|pipeline FOLDER=… uvicorn fastapi_endpoint:app`; `/def` runs in the thread pool as FastAPI's documentation
advises for blocking work, `/async` predicts on the event loop and so blocks it.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from fastapi import FastAPI
from pydantic import create_model

folder = Path(os.environ["FOLDER"]) / os.environ["MODEL"]
model = joblib.load(folder / "model.joblib")
first = json.loads((folder / "rows.json").read_text())[0]
Row = create_model("Row", **{name: (str if isinstance(value, str) else float, ...) for name, value in first.items()})
names = list(first)
app = FastAPI()


def score(row: Row) -> dict[str, float]:
    if os.environ["MODEL"] == "light":
        given = np.array([[getattr(row, name) for name in names]])
    else:
        given = pd.DataFrame([row.model_dump()])
    return {"score": float(model.predict_proba(given)[0, 1])}


@app.post("/def")
def in_the_thread_pool(row: Row) -> dict[str, float]:
    return score(row)


@app.post("/async")
async def on_the_event_loop(row: Row) -> dict[str, float]:
    return score(row)
