"""XGBoost and LightGBM speak for themselves inside their own process, and what they say equals brute force."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tenure.contract.predictor import Explain, Told
from tenure.contract.schema import Field
from tenure.model.package import BatchForm, Loader
from tenure.serving import oneshot
from tests.worker.packages import Made, Maker

pytestmark = pytest.mark.processes

INPUTS = tuple(Field(f"x{n}", "float", "float32") for n in range(5))

#: trains three models and says for one row what each input contributed: by the definition, every set of inputs asked of
#: the trees themselves, an input that is not in the set taken by how many training rows went each way
TRAIN = """
import itertools, json, math, sys
import joblib, lightgbm, numpy as np, xgboost
rng = np.random.default_rng(1)
X = rng.normal(size=(600, 5)).astype("float32")
y = X[:, 0] * X[:, 1] + 2 * X[:, 2] + 0.1 * rng.normal(size=600)
row = X[7]
folder = sys.argv[1]

def shapley(value):
    n = 5
    found = []
    for i in range(n):
        rest = [j for j in range(n) if j != i]
        total = 0.0
        for size in range(n):
            for members in itertools.combinations(rest, size):
                weight = math.factorial(size) * math.factorial(n - size - 1) / math.factorial(n)
                total += weight * (value(set(members) | {i}) - value(set(members)))
        found.append(total)
    return found

def by_xgboost(node, members):
    if "leaf" in node:
        return node["leaf"]
    children = {child["nodeid"]: child for child in node["children"]}
    feature = int(node["split"][1:])
    if feature in members:
        way = node["yes"] if np.float32(row[feature]) < np.float32(node["split_condition"]) else node["no"]
        return by_xgboost(children[way], members)
    yes, no = children[node["yes"]], children[node["no"]]
    return (yes["cover"] * by_xgboost(yes, members) + no["cover"] * by_xgboost(no, members)) / node["cover"]

def by_lightgbm(node, members):
    if "leaf_value" in node:
        return node["leaf_value"]
    feature = node["split_feature"]
    left, right = node["left_child"], node["right_child"]
    if feature in members:
        return by_lightgbm(left if row[feature] <= node["threshold"] else right, members)
    count = lambda child: child.get("internal_count", child.get("leaf_count"))
    parts = count(left) * by_lightgbm(left, members) + count(right) * by_lightgbm(right, members)
    return parts / (count(left) + count(right))

names = ["x%d" % n for n in range(5)]
told = {}
data = xgboost.DMatrix(X, y > 0, feature_names=names)
booster = xgboost.train({"objective": "binary:logistic", "nthread": 1, "max_depth": 3}, data, 8)
booster.save_model(folder + "/model.ubj")
trees = [json.loads(text) for text in booster.get_dump(with_stats=True, dump_format="json")]
told["xgboost"] = shapley(lambda members: sum(by_xgboost(tree, members) for tree in trees))

forest = lightgbm.LGBMRegressor(n_estimators=12, num_leaves=7, n_jobs=1, verbose=-1).fit(X, y)
joblib.dump(forest, folder + "/regressor.joblib")
trees = [tree["tree_structure"] for tree in forest.booster_.dump_model()["tree_info"]]
told["lightgbm"] = shapley(lambda members: sum(by_lightgbm(tree, members) for tree in trees))

classifier = xgboost.XGBClassifier(n_estimators=8, max_depth=3, n_jobs=1).fit(X, y > 0)
joblib.dump(classifier, folder + "/classifier.joblib")
told["row"] = [float(value) for value in row]
print(json.dumps(told))
"""


@pytest.fixture(scope="module")
def trained(numeric_python: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, dict[str, Any]]:
    """The python of an environment that has both libraries, a folder of models, and what brute force says."""
    folder = tmp_path_factory.mktemp("trees")
    (folder / "train.py").write_text(TRAIN)
    line = [str(numeric_python), "-W", "ignore", "train.py", "."]
    done = subprocess.run(line, cwd=folder, capture_output=True, text=True, check=True)
    return numeric_python, folder, json.loads(done.stdout.splitlines()[-1])


def made(trained: tuple[Path, Path, dict[str, Any]], root: Path, file: str, loader: Loader, dtype: str) -> Made:
    python, folder, _ = trained
    files = {loader.file: (folder / file).read_bytes()}
    outputs = (Field("score", "float", dtype),)
    return Maker(root, python).package(files, loader, INPUTS, outputs, BatchForm("multiple", 8))


def asked(package: Made, told: dict[str, Any]) -> tuple[float, Any]:
    """Return the score, and what the library says of it."""
    row = dict(zip([field.name for field in INPUTS], told["row"], strict=True))
    with oneshot.started(package.worker, package.version, "trees", 1) as running:
        assert running.hello["explains"] == "native"
        output = running.predict([row])[0].output
        assert output is not None
        return output["score"], running.contributions(row)


def test_xgboost_equals_brute_force_over_its_trees_and_adds_up_to_the_score(trained: Any, tmp_path: Path) -> None:
    loader = Loader("xgboost", "predict", "matrix", file="model/model.ubj")
    score, found = asked(made(trained, tmp_path, "model.ubj", loader, "float32"), trained[2])
    assert list(found.parts.values()) == pytest.approx(trained[2]["xgboost"], abs=1e-5)
    assert 1 / (1 + math.exp(-found.base - sum(found.parts.values()))) == pytest.approx(score, abs=1e-6)


def test_what_the_library_says_comes_with_the_score_where_the_manifest_says_so(trained: Any, tmp_path: Path) -> None:
    loader = Loader("xgboost", "predict", "matrix", file="model/model.ubj")
    plan = Explain("native", "score", "log-odds")
    python, folder, _ = trained
    files = {loader.file: (folder / "model.ubj").read_bytes()}
    outputs = (Field("score", "float", "float32"),)
    package = Maker(tmp_path, python).package(files, loader, INPUTS, outputs, BatchForm("multiple", 8), explain=plan)
    row = dict(zip([field.name for field in INPUTS], trained[2]["row"], strict=True))
    version = msgspec.structs.replace(package.version, explain=plan)
    with oneshot.started(package.worker, version, "trees", 1) as running:
        later = running.contributions(row)
        told = [one.told for one in running.predict([row, {**row, "x0": 0.0}, row], reasons=True)]
    assert later is not None
    assert told[0] == told[2] == Told(later.base, tuple(later.parts.values()))
    assert told[1] != told[0]


def test_lightgbm_equals_brute_force_over_its_trees_and_adds_up_to_the_score(trained: Any, tmp_path: Path) -> None:
    loader = Loader("sklearn", "predict", "matrix", file="model/regressor.joblib")
    score, found = asked(made(trained, tmp_path, "regressor.joblib", loader, "float64"), trained[2])
    assert list(found.parts.values()) == pytest.approx(trained[2]["lightgbm"], abs=1e-9)
    assert found.base + sum(found.parts.values()) == pytest.approx(score, abs=1e-9)


def test_a_wrapped_classifier_speaks_for_its_probability_and_for_nothing_else(trained: Any, tmp_path: Path) -> None:
    loader = Loader("sklearn", "predict_proba", "matrix", file="model/classifier.joblib", column=1)
    score, found = asked(made(trained, tmp_path, "classifier.joblib", loader, "float32"), trained[2])
    assert 1 / (1 + math.exp(-found.base - sum(found.parts.values()))) == pytest.approx(score, abs=1e-6)
    python, folder, told = trained
    labels = Loader("sklearn", "predict", "matrix", file="model/classifier.joblib")
    files = {"model/classifier.joblib": (folder / "classifier.joblib").read_bytes()}
    other = Maker(tmp_path / "labels", python)
    other.root.mkdir()
    package = other.package(files, labels, INPUTS, (Field("score", "int"),), BatchForm("multiple", 8))
    with oneshot.started(package.worker, package.version, "trees", 1) as running:
        assert "explains" not in running.hello
        assert running.contributions(dict(zip(("x0", "x1", "x2", "x3", "x4"), told["row"], strict=True))) is None


OWN = """
class Plain:
    def predict(self, rows):
        return [2.0 * row["a"] + row["b"] for row in rows]

    def contributions(self, rows):
        return [{"a": 2.0 * row["a"], "b": row["b"], "": 0.0} for row in rows]
"""


def test_a_plain_model_may_speak_for_itself(tmp_path: Path) -> None:
    package = Maker(tmp_path, Path(sys.executable)).plain(OWN)
    with oneshot.started(package.worker, package.version, "plain", 1) as running:
        found = running.contributions({"a": 3.0, "b": 5.0})
    assert found is not None
    assert (found.method, found.base, found.parts) == ("own", 0.0, {"a": 6.0, "b": 5.0})


def test_a_model_that_raises_when_it_is_asked_to_explain_keeps_serving(tmp_path: Path) -> None:
    package = Maker(tmp_path, Path(sys.executable)).plain(OWN.replace('[{"a"', 'rows["none"] or [{"a"'))
    with oneshot.started(package.worker, package.version, "plain", 1) as running:
        with pytest.raises(oneshot.CallFailed, match="TypeError"):
            running.contributions({"a": 3.0, "b": 5.0})
        assert running.predict([{"a": 3.0, "b": 5.0}])[0].output == {"score": 11.0}
