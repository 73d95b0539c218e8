"""A score depends neither on its neighbours nor on its place: seven kinds of models, both dtypes, their proven forms.

Models are proved by the code that seals packages, in a real environment, and then asked through the worker's own batcher
in random compositions: how many rows, which, and where. The gate asks one model that holds all seven; `make soak` asks
each by itself, 100,800 times in all, and every other form too.
"""

import json
import math
import random
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tenure.contract.schema import Field, Schema
from tenure.model.package import BatchForm, Loader
from tenure.model.packaging.batch_form import prove
from tenure.serving import oneshot
from tests.worker.packages import Made, Maker

pytestmark = pytest.mark.processes

TRAIN = """
import json, sys
import joblib, numpy
from lightgbm import LGBMClassifier
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from xgboost import XGBClassifier

rng = numpy.random.default_rng(11)
rows = rng.normal(size=(400, 17))
bad = rows[:, 0] + rows[:, 1] * rows[:, 2] > 0.2
models = {
    "LR": LogisticRegression(),
    "MLP": MLPClassifier((32, 16), max_iter=40, random_state=1),
    "GB": GradientBoostingClassifier(n_estimators=20, random_state=1),
    "HGB": HistGradientBoostingClassifier(max_iter=20, random_state=1),
    "RF": RandomForestClassifier(n_estimators=10, random_state=1),
    "XGBoost": XGBClassifier(n_estimators=20, n_jobs=1, random_state=1),
    "LightGBM": LGBMClassifier(n_estimators=20, n_jobs=1, random_state=1, verbose=-1),
}
for name, model in models.items():
    for dtype in ("float64", "float32"):
        joblib.dump(model.fit(rows.astype(dtype), bad), f"{sys.argv[1]}/{name}-{dtype}.joblib")
json.dump(rows[:200].tolist(), open(sys.argv[1] + "/rows.json", "w"))
"""
#: all of them as one model, so that the gate starts few workers
TOGETHER = b"""
import os
import joblib

class Together:
    def load(self, folder):
        self.models = {name: joblib.load(os.path.join(folder, name)) for name in sorted(os.listdir(folder))}

    def predict(self, rows):
        return {name: model.predict_proba(rows)[:, 1] for name, model in self.models.items()}
"""
MODELS = ("LR", "MLP", "GB", "HGB", "RF", "XGBoost", "LightGBM")
DTYPES: tuple[str, ...] = ("float64", "float32")
OTHER_FORMS = [BatchForm("fixed", rows) for rows in (64, 32, 8)] + [BatchForm("single", 1)]
#: compositions of each model and dtype in the long form: 100,800 in all
MANY = 7200


@pytest.fixture(scope="session")
def models(numeric_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the trained models."""
    folder = tmp_path_factory.mktemp("composition")
    subprocess.run([numeric_python, "-W", "ignore", "-c", TRAIN, folder], check=True)
    return folder


def rows_of(models: Path, inputs: Schema) -> list[dict[str, Any]]:
    names = [field.name for field in inputs]
    return [dict(zip(names, row, strict=True)) for row in json.loads((models / "rows.json").read_text())]


def one_model(models: Path, name: str, dtype: str) -> tuple[dict[str, bytes], Loader]:
    file = f"model/{name}-{dtype}.joblib"
    loader = Loader("sklearn", "predict_proba", "matrix", file=file, column=1)
    return {file: (models / f"{name}-{dtype}.joblib").read_bytes()}, loader


def all_models(models: Path, dtype: str) -> tuple[dict[str, bytes], Loader]:
    files = {f"model/{name}": (models / f"{name}-{dtype}.joblib").read_bytes() for name in MODELS}
    return files | {"code/together.py": TOGETHER}, Loader("python", "predict", "matrix", entry="together:Together")


def proved(
    maker: Maker, content: tuple[dict[str, bytes], Loader], dtype: str, models: Path, many: int = 200
) -> tuple[Made, list[dict[str, Any]], BatchForm]:
    """Return a package in the form that its proof found, its rows, and the form."""
    inputs = tuple(Field(f"x{nth}", "float", dtype) for nth in range(17))
    rows = rows_of(models, inputs)[:many]
    draft = maker.package(*content, inputs, outputs=())
    with oneshot.started(draft.worker, draft.version, "composed", 1) as worker:
        outputs = tuple(worker.describe(rows[:20]))
        form = prove(worker.call, rows, time.monotonic, patience=0.3)
    return maker.package(*content, inputs, outputs=outputs, batch=form), rows, form


def compose(
    made: Made, rows: list[dict[str, Any]], form: BatchForm, times: int, chance: random.Random, most: int = 512
) -> tuple[int, int]:
    """Return how many scores were given in so many random compositions, and how many of them had other bits."""
    given = differing = 0
    with oneshot.started(made.worker, made.version, "composed", 1) as worker:
        alone = [worker.call([row], form.rows)[0] for row in rows]
        for _ in range(times):
            some = chance.choices(range(len(rows)), k=int(math.exp(chance.uniform(0, math.log(most + 1)))))
            answers = worker.predict([rows[nth] for nth in some])
            given += len(some)
            differing += sum(one.raw != alone[nth] for one, nth in zip(answers, some, strict=True))
    return given, differing


@pytest.mark.parametrize("dtype", DTYPES)
def test_no_bit_of_a_score_depends_on_its_company(
    models: Path, numeric_python: Path, tmp_path: Path, dtype: str
) -> None:
    made, rows, form = proved(Maker(tmp_path, numeric_python), all_models(models, dtype), dtype, models, many=40)
    assert len(made.manifest.outputs) == len(MODELS)
    given, differing = compose(made, rows, form, 10, random.Random(dtype), most=100)
    assert given > 10
    assert differing == 0, f"in the form {form}"


@pytest.mark.soak
@pytest.mark.parametrize("form", OTHER_FORMS)
def test_the_forms_that_a_proof_seldom_finds_hold_too(
    models: Path, numeric_python: Path, tmp_path: Path, form: BatchForm
) -> None:
    maker = Maker(tmp_path, numeric_python)
    content = one_model(models, "GB", "float64")
    made, rows, _ = proved(maker, content, "float64", models)
    again = maker.package(*content, made.manifest.inputs, made.manifest.outputs, batch=form)
    given, differing = compose(again, rows, form, 300, random.Random(form.rows))
    assert (given > 300, differing) == (True, 0)


@pytest.mark.soak
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", MODELS)
def test_a_hundred_thousand_compositions(
    models: Path, numeric_python: Path, tmp_path: Path, name: str, dtype: str, capsys: pytest.CaptureFixture[str]
) -> None:
    made, rows, form = proved(Maker(tmp_path, numeric_python), one_model(models, name, dtype), dtype, models)
    given, differing = compose(made, rows, form, MANY, random.Random())
    with capsys.disabled():
        print(f"\n{name} {dtype}: {form.kind} {form.rows}, {MANY:,} compositions, {given:,} scores, {differing} differ")
    assert differing == 0
