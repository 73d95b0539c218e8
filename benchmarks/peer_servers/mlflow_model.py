"""Save a model as MLflow keeps it: `mlflow_model.py MODEL_FOLDER OUTPUT`."""

from __future__ import annotations

import sys
from pathlib import Path

import joblib
import mlflow.sklearn

folder, output = Path(sys.argv[1]), sys.argv[2]
model = joblib.load(folder / "model.joblib")
# The requirements are given, because finding them out imports the model in another process and takes half a minute.
mlflow.sklearn.save_model(
    model,
    output,
    pyfunc_predict_fn="predict_proba",
    serialization_format="cloudpickle",
    pip_requirements=["scikit-learn"],
)
