"""What every peer is given: the model of `FOLDER/MODEL`, and how its rows become the argument of one call."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd

#: the same for every peer that batches: rows at most, and seconds that a lone request waits for others
MOST_ROWS = 64
WINDOW = 0.001

light = os.environ["MODEL"] == "light"
model = joblib.load(Path(os.environ["FOLDER"]) / os.environ["MODEL"] / "model.joblib")


def scores(rows: list[Any]) -> list[float]:
    """Return the score of each row: a list of 17 numbers (light) or an object of 22 columns (pipeline)."""
    given = np.array(rows) if light else pd.DataFrame(rows)
    return [float(score) for score in model.predict_proba(given)[:, 1]]
