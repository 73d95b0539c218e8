"""Real models in real environments, each made once for the whole run."""

from __future__ import annotations

import csv
import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from tenure.app import packaging
from tenure.app.packaging import PackageSource
from tenure.app.workbench import Workbench
from tenure.settings import Home, Workshop

if TYPE_CHECKING:
    from pathlib import Path

#: the moment all packages of the tests were made, so that the same bytes give the same id
CREATED = 1_790_000_000_000_000

TRAIN_SKLEARN = """
import csv, random, sys
import joblib, numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
rng = np.random.RandomState(0)
X = rng.normal(size=(400, 17)); y = (X[:, 0] + X[:, 1] + rng.normal(size=400) > 0).astype(int)
joblib.dump(make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y), sys.argv[1])
"""
TRAIN_XGBOOST = """
import sys
import numpy as np, xgboost
rng = np.random.default_rng(0)
X = rng.normal(size=(400, 17)).astype("float32"); y = (X[:, 0] + X[:, 1] > 0).astype(int)
data = xgboost.DMatrix(X, y, feature_names=[f"x{n}" for n in range(17)])
xgboost.train({"objective": "binary:logistic", "nthread": 1}, data, 10).save_model(sys.argv[1])
"""
PLAIN = """
import json, os

class Popular:
    def load(self, folder):
        with open(os.path.join(folder, "films.json")) as file:
            self.films = json.load(file)

    def predict(self, rows):
        return [{"film": self.films.get(row["genre"], "none"), "weight": row["age"] * 0.5} for row in rows]
"""


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return Home(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="session")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fifty golden rows of seventeen columns x0 … x16."""
    path = tmp_path_factory.mktemp("rows") / "golden.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([f"x{n}" for n in range(17)])
        writer.writerows([[((row * 31 + n * 17) % 97) / 48.5 - 1 for n in range(17)] for row in range(50)])
    return path


def trained(workshop: Workshop, requirements: tuple[str, ...], python: str, program: str, path: Path) -> Path:
    """Return the model that a program saved, run in the very environment that its package will have."""
    environments = Workbench(workshop, lambda _: None).environments
    built = environments.rebuild(environments.make(requirements, python))
    subprocess.run([*built.start(network=False), "-s", "-c", program, path], env=built.environ, check=True)
    return path


@pytest.fixture(scope="session")
def sklearn_311(workshop: Workshop, rows: Path, tmp_path_factory: pytest.TempPathFactory) -> PackageSource:
    path = tmp_path_factory.mktemp("sklearn311") / "churn.joblib"
    needs = ("scikit-learn",)
    trained(workshop, needs, "3.11", TRAIN_SKLEARN, path)
    return source(path, "churn", rows, needs, "3.11")


@pytest.fixture(scope="session")
def sklearn_38(workshop: Workshop, rows: Path, tmp_path_factory: pytest.TempPathFactory) -> PackageSource:
    path = tmp_path_factory.mktemp("sklearn38") / "churn.joblib"
    # What the folder of MLflow 1.30 asks for (models/), so that both share one environment.
    needs = ("cloudpickle==2.2.1", "scikit-learn==0.24.2", "numpy==1.19.5", "scipy==1.6.3")
    trained(workshop, needs, "3.8", TRAIN_SKLEARN, path)
    return source(path, "churn", rows, needs, "3.8")


@pytest.fixture(scope="session")
def xgboost_311(workshop: Workshop, rows: Path, tmp_path_factory: pytest.TempPathFactory) -> PackageSource:
    path = tmp_path_factory.mktemp("xgboost311") / "boosted.ubj"
    trained(workshop, ("xgboost-cpu",), "3.11", TRAIN_XGBOOST, path)
    return source(path, "boosted", rows, ("xgboost-cpu",), "3.11")


@pytest.fixture(scope="session")
def plain_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with model.toml, a class of our own, and no requirement."""
    folder = tmp_path_factory.mktemp("plain")
    (folder / "code").mkdir()
    (folder / "model").mkdir()
    (folder / "code/popular.py").write_text(PLAIN)
    (folder / "model/films.json").write_text('{"drama": "Casablanca"}')
    (folder / "inputs.csv").write_text("genre,age\ndrama,30\nwestern,20\ndrama,41\n")
    (folder / "model.toml").write_text(
        'name = "popular"\nentry = "code/popular.py:Popular"\ninputs = "inputs.csv"\n[card]\npurpose = "fallback"\n'
    )
    return folder


@pytest.fixture(scope="session")
def plain(workshop: Workshop, plain_folder: Path) -> packaging.Packaged:
    return packaging.package(plain_source(plain_folder), workshop=workshop)


_SEALED: dict[tuple[Path, Path, str], packaging.Packaged] = {}


def sealed(source: PackageSource, workshop: Workshop) -> packaging.Packaged:
    """Return the package of a source, made once: for tests that are about what becomes of it afterwards."""
    key = (workshop.cache, source.source, str(source.requirements))
    if key not in _SEALED:
        _SEALED[key] = packaging.package(source, workshop=workshop)
    return _SEALED[key]


def plain_source(folder: Path, python: str = "3.11") -> PackageSource:
    return PackageSource(folder, python=python, created=CREATED, author="ada", commit="c0ffee")


def source(path: Path, name: str, rows: Path, needs: tuple[str, ...], python: str) -> PackageSource:
    return PackageSource(
        path,
        name=name,
        inputs=rows,
        reference=rows,
        requirements=needs,
        python=python,
        created=CREATED,
        author="ada",
        commit="c0ffee",
        metrics={"auc": 0.81},
    )


def environ_without_network() -> dict[str, str]:
    return {**os.environ, "UV_OFFLINE": "1", "UV_NO_INDEX": "1", "PIP_NO_INDEX": "1"}
