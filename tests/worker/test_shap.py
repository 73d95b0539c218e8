"""shap inside a model's own environment: believed only where it adds up to what the model gives."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tenure.contract.schema import Field
from tenure.model.package import BatchForm, Loader
from tenure.model.packaging.drafting import table_bytes
from tenure.model.packaging.reasons import ReasonsNotProven, Sample, proven, wished
from tenure.serving import oneshot
from tests.worker.packages import SCORE, Maker

pytestmark = [pytest.mark.processes, pytest.mark.soak]

INPUTS = tuple(Field(f"x{n}", "float") for n in range(6))
ROWS = [{field.name: ((row * 31 + nth * 17) % 97) / 24.0 - 2 for nth, field in enumerate(INPUTS)} for row in range(48)]
REFERENCE = "reference/reference.columns"
TRAIN = """
import sys
import joblib, numpy as np
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.ensemble import RandomForestRegressor
rng = np.random.default_rng(1)
X = rng.normal(size=(1500, 6))
y = X[:, 0] * X[:, 1] + 2 * X[:, 2] + 0.3 * rng.normal(size=1500)
folder = sys.argv[1]
for name, model in {
    "gb": GradientBoostingClassifier(n_estimators=30), "hgb": HistGradientBoostingClassifier(max_iter=100),
    "rf": RandomForestClassifier(n_estimators=20, max_depth=6, n_jobs=1),
}.items():
    joblib.dump(model.fit(X, y > 0), "%s/%s.joblib" % (folder, name))
joblib.dump(RandomForestRegressor(n_estimators=20, max_depth=6, n_jobs=1).fit(X, y), folder + "/forest.joblib")
np.save(folder + "/background.npy", X[:100])
"""
#: shap's own check switched off, as its tracker advises; what is then believed is wrong by up to half a logit
TRUSTING = """
import os
import joblib, numpy, shap

class Trusting:
    def load(self, folder):
        self.model = joblib.load(os.path.join(folder, "hgb.joblib"))
        background = numpy.load(os.path.join(folder, "background.npy"))
        self.trees = shap.TreeExplainer(self.model, background, feature_perturbation="interventional")

    def matrix(self, rows):
        return numpy.array([[row["x%d" % n] for n in range(6)] for row in rows])

    def predict(self, rows):
        return self.model.predict_proba(self.matrix(rows))[:, 1]

    def contributions(self, rows):
        values = self.trees.shap_values(self.matrix(rows), check_additivity=False)
        base = float(numpy.ravel(self.trees.expected_value)[-1])
        return [{**{"x%d" % n: float(row[n]) for n in range(6)}, "": base} for row in values]
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The python of an environment that has shap, and a folder of models."""
    folder = tmp_path_factory.mktemp("shap")
    uv = Path(sys.executable).with_name("uv")
    python = folder / "venv" / "bin" / "python"
    subprocess.run([uv, "venv", "-q", "--python", sys.executable, folder / "venv"], check=True)
    subprocess.run([uv, "pip", "install", "-q", "--python", python, "shap", "scikit-learn"], check=True)
    subprocess.run([python, "-W", "ignore", "-c", TRAIN, folder], check=True)
    return python, folder


def found(root: Path, trained: tuple[Path, Path], loader: Loader, files: dict[str, bytes], wish: str) -> Any:
    """Return the plan that holds for a model, as sealing would find it."""
    whole = files | {REFERENCE: table_bytes(INPUTS, ROWS)}
    made = Maker(root, trained[0]).package(whole, loader, INPUTS, SCORE)
    told = made.manifest.files[REFERENCE].digest
    sample = Sample(REFERENCE, (made.folder / REFERENCE).read_bytes(), told)
    with oneshot.started(made.worker, made.version, "trees", 0) as draft:
        return proven(draft, ROWS, (INPUTS, SCORE), BatchForm("multiple", 8), sample, wished(wish))


@pytest.mark.parametrize(
    ("name", "scale"), [("gb", "log-odds"), ("hgb", "log-odds"), ("rf", "score"), ("forest", "score")]
)
def test_shap_tells_of_trees_what_adds_up_to_their_score(
    name: str, scale: str, trained: tuple[Path, Path], tmp_path: Path
) -> None:
    binary = name != "forest"
    method, column = ("predict_proba", 1) if binary else ("predict", None)
    loader = Loader("sklearn", method, "matrix", file=f"model/{name}.joblib", column=column)
    files = {loader.file: (trained[1] / f"{name}.joblib").read_bytes()}
    plan = found(tmp_path, trained, loader, files, "shap")
    assert (plan.method, plan.scale) == ("shap", scale)


def test_what_an_unchecked_shap_says_of_interventional_histograms_is_never_believed(
    trained: tuple[Path, Path], tmp_path: Path
) -> None:
    loader = Loader("python", "predict", "records", entry="trusting:Trusting")
    files = {"code/trusting.py": TRUSTING.encode()}
    files |= {f"model/{name}": (trained[1] / name).read_bytes() for name in ("hgb.joblib", "background.npy")}
    with pytest.raises(ReasonsNotProven, match="add up to"):
        found(tmp_path, trained, loader, files, "native")
    (tmp_path / "again").mkdir()
    plan = found(tmp_path / "again", trained, loader, files, "")
    assert plan.method == "sampled_shapley"
