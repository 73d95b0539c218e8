"""Models of every format, from what its library saved to a registered version that answers with the library's numbers."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tenure.app import packaging
from tenure.app.packaging import PackageSource
from tenure.app.workbench import Workbench
from tenure.model.packaging import levels
from tenure.serving import oneshot
from tests.namespaces import WHOLE
from tests.packaging.conftest import CREATED, trained

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenure.app.packaging import Packaged, Registered
    from tenure.settings import Home, Workshop

    Registering = Callable[[PackageSource], tuple[Packaged, Registered]]

pytestmark = pytest.mark.processes

#: files that LightGBM, skl2onnx and MLflow wrote for a churn model on 7,043 customers, and twenty of these
MODELS = Path(__file__).parent / "models"
#: one environment for all of them, so that it is made once
NEEDS = ("lightgbm", "onnx", "onnxruntime", "statsmodels", "pandas")

STATISTICS = """
import sys
import pandas
import statsmodels.formula.api as formulas
rows = pandas.DataFrame({"income": [10.0, 20, 30, 40, 50, 60], "area": list("nsnsns"), "spent": [1.0, 4, 3, 7, 5, 9]})
formulas.ols("spent ~ income + C(area)", data=rows).fit().save(sys.argv[1])
"""
#: what a notebook does, in an environment that has these libraries and, behind them, this product
LIVE = """
import json, sys
sys.path += json.loads(sys.argv[1])
sys.modules["pyarrow"] = None  # the author's base install of this product brings none, and pandas would pickle its strings
import lightgbm, numpy, onnx, pandas, tenure
import statsmodels.formula.api as formulas
rows = pandas.DataFrame({"income": [10.0, 20, 30, 40, 50, 60] * 20, "area": [0.0, 1, 0, 1, 0, 1] * 20})
spent = rows.income * 0.1 + rows.area
trees = lightgbm.train({"objective": "regression", "verbosity": -1, "num_threads": 1}, lightgbm.Dataset(rows, spent), 3)
line = formulas.ols("spent ~ income + area", data=rows.assign(spent=spent)).fit()
doubling = onnx.helper.make_graph(
    [onnx.helper.make_node("Mul", ["x", "two"], ["score"])], "doubling",
    [onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [None, 1])],
    [onnx.helper.make_tensor_value_info("score", onnx.TensorProto.FLOAT, [None, 1])],
    [onnx.helper.make_tensor("two", onnx.TensorProto.FLOAT, [1], [2.0])],
)
graph = onnx.helper.make_model(doubling, opset_imports=[onnx.helper.make_opsetid("", 13)], ir_version=8)
told = []
for name, model, inputs in (
    ("trees", trees, rows.head(6)), ("line", line, rows.head(6)), ("graph", graph, [{"x": 1.0}, {"x": 2.5}]),
):
    made = tenure.package(model, name, inputs=inputs, requirements=json.loads(sys.argv[2]), progress=lambda _: None)
    golden = made.manifest.golden
    told.append([made.manifest.loader.format, made.sealed, golden.author_difference, str(made.folder)])
print(json.dumps(told))
"""
LOADER = """
class Doubling:
    def __init__(self, factor): self.factor = factor
    def predict(self, rows): return rows.sum(axis=1) * self.factor

def _load_pyfunc(path):
    with open(path) as file: return Doubling(float(file.read()))
"""


@pytest.fixture(scope="module")
def registering(workshop: Workshop, home: Home) -> Registering:
    def registered(source: PackageSource) -> tuple[Packaged, Registered]:
        source = replace(source, created=CREATED, author="ada", commit="c0ffee")
        made = packaging.package(source, workshop=workshop)
        return made, packaging.register(home, made.folder)

    return registered


def answers(found: Registered, rows: list[dict[str, Any]]) -> list[Any]:
    with oneshot.started(found.worker, found.version, "m", 1) as worker:
        predictions = worker.predict(rows)
    assert all(one.failure is None for one in predictions), [one.error for one in predictions]
    return [one.output["score"] for one in predictions if one.output is not None]


CUSTOMER = {"tenure_months": 34.0, "monthly_charges": 56.95, "contract": "One year"}


def test_lightgbm_keeps_its_categories_and_explains_itself(registering: Registering) -> None:
    source = PackageSource(
        MODELS / "churn.txt", name="trees", inputs=MODELS / "churn.csv", requirements=NEEDS, python="3.11"
    )
    made, found = registering(source)
    assert (made.manifest.loader.format, made.manifest.loader.form) == ("lightgbm", "frame")
    assert made.manifest.loader.globals is None, "nothing is unpickled"
    assert answers(found, [CUSTOMER]) == pytest.approx([0.21294186], abs=1e-7)
    with oneshot.started(found.worker, found.version, "trees", 1) as worker:
        told = worker.contributions(CUSTOMER)
    assert told is not None
    assert set(told.parts) == set(CUSTOMER)
    assert_it_brings_the_libraries_that_it_needs(found)


def assert_it_brings_the_libraries_that_it_needs(found: Registered) -> None:
    """LightGBM loads libgomp, which no wheel holds: packed, it runs where nothing but glibc is; left out, it does not."""
    environment = found.manifest.environment
    assert environment is not None
    assert "libgomp.so.1" in {library.name for library in environment.libraries}
    assert found.seal.level == WHOLE, found.seal
    if WHOLE == "S2":
        assert "this machine allows no namespaces" in found.seal.why
        return
    assert (found.seal.network, found.seal.why) == ("namespace", "")
    packed = Path(found.worker.library_path) / "libgomp.so.1"
    aside = packed.with_name("aside")
    packed.rename(aside)
    try:
        shown = levels.show(found.manifest, (found.worker, found.version), 1)
    finally:
        aside.rename(packed)
    assert shown.seal.level == "S2"
    assert shown.seal.why.startswith("it needs libraries of this machine")
    assert "libgomp.so.1: cannot open shared object file" in shown.seal.why


def test_onnx_gives_the_probability_of_the_second_class(registering: Registering) -> None:
    inputs = [{"tenure_months": 5.0 * n, "monthly_charges": 20.0 + n} for n in range(10)]
    source = PackageSource(MODELS / "churn.onnx", name="graph", inputs=inputs, requirements=NEEDS, python="3.11")
    made, found = registering(source)
    assert made.manifest.loader.predict == "predict_proba"
    asked = [{"tenure_months": 34.0, "monthly_charges": 56.95}, {"tenure_months": 2.0, "monthly_charges": 53.85}]
    assert answers(found, asked) == pytest.approx([0.14333257, 0.46537563], abs=1e-6)


def test_statsmodels_formula_is_given_its_variables(
    registering: Registering, workshop: Workshop, tmp_path: Path
) -> None:
    saved = trained(workshop, NEEDS, "3.11", STATISTICS, tmp_path / "spent.pickle")
    inputs = [{"income": 12.0, "area": "n"}, {"income": 33.0, "area": "s"}]
    made, found = registering(PackageSource(saved, name="spent", inputs=inputs, requirements=NEEDS, python="3.11"))
    assert (made.manifest.loader.format, made.manifest.loader.form) == ("statsmodels", "frame")
    (score,) = answers(found, [{"income": 20.0, "area": "s"}])
    assert score == pytest.approx(53 / 12)


def test_live_objects_of_lightgbm_statsmodels_and_onnx_are_sealed_from_a_notebook(
    workshop: Workshop, home: Home, tmp_path: Path
) -> None:
    environments = Workbench(workshop, lambda _: None).environments
    built = environments.rebuild(environments.make(NEEDS, "3.11"))
    ours = [path for path in sys.path if path]
    environ = os.environ | {"TENURE_CACHE": str(workshop.cache), "TENURE_KEYS": str(workshop.keys)}
    command = [str(built.python), "-s", "-c", LIVE, json.dumps(ours), json.dumps(NEEDS)]
    environ["LD_LIBRARY_PATH"] = str(built.library_path)
    run = subprocess.run(command, env=environ, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    told = json.loads(run.stdout.splitlines()[-1])
    assert [(kind, sealed) for kind, sealed, _, _ in told] == [
        ("lightgbm", True),
        ("statsmodels", True),
        ("onnx", True),
    ]
    assert [apart for _, _, apart, _ in told][:2] == [0.0, 0.0], "compared with what the notebook's own object said"
    found = packaging.register(home, Path(told[2][3]))
    assert answers(found, [{"x": 3.5}]) == [7.0]


def test_a_folder_of_an_old_mlflow_needs_no_mlflow(registering: Registering) -> None:
    made, found = registering(PackageSource(MODELS / "mlflow-1.30", name="iris"))
    assert made.manifest.python == "3.8"
    assert "mlflow" not in " ".join(made.manifest.requirements)
    assert made.manifest.card["mlflow"]["mlflow_version"] == "1.30.1"
    assert "model/MLmodel" in made.manifest.files
    assert made.manifest.loader.globals is not None
    assert "sklearn.linear_model._logistic:LogisticRegression" in made.manifest.loader.globals
    assert found.manifest.environment is not None
    assert found.manifest.environment.interpreter.version.startswith("3.8")
    (score,) = answers(
        found, [{field.name: value for field, value in zip(made.manifest.inputs, (5.1, 3.5, 1.4, 0.2), strict=True)}]
    )
    assert 0 < score < 1


def test_a_loader_module_of_ones_own_is_asked_as_mlflow_asks_it(registering: Registering, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    (folder / "code").mkdir(parents=True)
    (folder / "code/own_loader.py").write_text(LOADER)
    (folder / "data.txt").write_text("2")
    (folder / "MLmodel").write_text(
        "flavors:\n  python_function:\n    loader_module: own_loader\n    data: data.txt\n    code: code\n"
        "    python_version: 3.11.7\n"
        'signature:\n  inputs: \'[{"name": "b", "type": "double"}, {"name": "a", "type": "long"}]\'\n'
    )
    inputs = [{"a": 1, "b": 2}, {"a": 3, "b": 4}]
    made, found = registering(PackageSource(folder, name="own", inputs=inputs, requirements=NEEDS, python="3.11"))
    assert [(field.name, field.dtype) for field in made.manifest.inputs] == [("b", "float64"), ("a", "int64")]
    assert "code/own_loader.py" in made.manifest.files
    assert answers(found, [{"a": 5, "b": 0.5}]) == [11.0]


@pytest.mark.soak
def test_a_python_model_of_mlflow_is_loaded_by_its_own_mlflow(registering: Registering, tmp_path: Path) -> None:
    needs = ("mlflow-skinny==3.17.2", "cloudpickle==3.1.3", "numpy", "pandas")
    folder = Path(shutil.copytree(MODELS / "mlflow-3-code", tmp_path / "model"))
    (folder / "code/mine.txt").rename(folder / "code/mine.py")
    made, found = registering(PackageSource(folder, name="sums", requirements=needs))
    assert made.manifest.loader.entry == "mlflow.pyfunc.model"
    example = json.loads((folder / "input_example.json").read_text())
    row = dict(zip(example["columns"], example["data"][0], strict=True))
    assert answers(found, [row]) == pytest.approx([sum(example["data"][0])])
