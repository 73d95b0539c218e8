"""Models that are given data frames and matrices, in an environment of their own with scikit-learn and XGBoost."""

import json
import random
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tenure.contract.schema import Field
from tenure.model.package import BatchForm, Loader
from tenure.serving import oneshot
from tenure.worker.columns import Codec
from tests.worker.packages import Made, Maker, output

pytestmark = pytest.mark.processes

TRAIN = """
import json, sys
import joblib, numpy, pandas, xgboost
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

rng = numpy.random.default_rng(3)
n = 400
frame = pandas.DataFrame({
    "income": rng.normal(50, 20, n), "months": rng.integers(0, 100, n).astype("int32"),
    "grade": rng.choice(["A", "B", "C"], n).astype(object), "debt": rng.normal(0, 1, n).astype("float32"),
})
frame.loc[rng.random(n) < 0.1, "income"] = numpy.nan
frame.loc[rng.random(n) < 0.1, "grade"] = numpy.nan
bad = (frame["income"].fillna(0) < 45).astype(int)
pipe = make_pipeline(make_column_transformer(
    (make_pipeline(SimpleImputer(), StandardScaler()), ["income", "months", "debt"]),
    (make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore")), ["grade"]),
), LogisticRegression()).fit(frame, bad)
joblib.dump(pipe, sys.argv[1] + "/pipe.joblib")
matrix = rng.normal(size=(n, 5))
light = LogisticRegression().fit(matrix, matrix[:, 0] > 0)
joblib.dump(light, sys.argv[1] + "/light.joblib")
booster = xgboost.XGBClassifier(n_estimators=5, n_jobs=1).fit(matrix.astype("float32"), matrix[:, 0] > 0)
booster.save_model(sys.argv[1] + "/trees.ubj")
rows = json.loads(frame.head(50).to_json(orient="records", double_precision=15))
asked = pandas.DataFrame(rows).astype({"months": "int32", "debt": "float32"})
asked["grade"] = asked["grade"].astype(object).where(asked["grade"].notna(), numpy.nan)
json.dump({
    "rows": rows, "pipe": pipe.predict_proba(asked)[:, 1].tolist(),
    "matrix": matrix[:50].tolist(), "light": light.predict_proba(matrix[:50]).tolist(),
    "trees": booster.predict_proba(matrix[:50].astype("float32"))[:, 1].tolist(),
}, open(sys.argv[1] + "/expected.json", "w"))
"""


@pytest.fixture(scope="session")
def trained(numeric_python: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return an interpreter with scikit-learn and XGBoost, and the folder of the models it trained."""
    folder = tmp_path_factory.mktemp("numeric")
    subprocess.run([numeric_python, "-W", "ignore", "-c", TRAIN, folder], check=True)
    return numeric_python, folder


def expected(folder: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((folder / "expected.json").read_text())
    return told


CREDIT = (
    Field("income", "float", nullable=True),
    Field("months", "int", "int32"),
    Field("grade", "string", nullable=True),
    Field("debt", "float", "float32"),
)
FIVE = tuple(Field(f"x{nth}", "float") for nth in range(5))


def packed(
    trained: tuple[Path, Path], tmp_path: Path, file: str, loader: Loader, inputs: tuple[Field, ...], **more: Any
) -> Made:
    python, folder = trained
    content = (folder / file.removeprefix("model/")).read_bytes()
    return Maker(tmp_path, python).package({file: content}, loader, inputs, **more)


def test_a_pipeline_is_given_the_data_frame_it_was_trained_on(trained: tuple[Path, Path], tmp_path: Path) -> None:
    loader = Loader("sklearn", "predict_proba", "frame", file="model/pipe.joblib", column=1)
    made = packed(trained, tmp_path, "model/pipe.joblib", loader, CREDIT, batch=BatchForm("multiple", 8))
    told = expected(trained[1])
    with oneshot.started(made.worker, made.version, "credit", 1) as asked:
        predictions = asked.predict(told["rows"])
        assert asked.hello["packages"]["sklearn"] == "1.5.2"
        assert asked.hello["blas"]
        assert asked.hello["cpu"]
    assert [output(p)["score"] for p in predictions] == pytest.approx(told["pipe"], rel=1e-12)


def test_the_proven_form_gives_the_same_bits_in_any_company(trained: tuple[Path, Path], tmp_path: Path) -> None:
    loader = Loader("sklearn", "predict_proba", "frame", file="model/pipe.joblib", column=1)
    made = packed(trained, tmp_path, "model/pipe.joblib", loader, CREDIT, batch=BatchForm("multiple", 8))
    rows, chance = expected(trained[1])["rows"], random.Random(5)
    with oneshot.started(made.worker, made.version, "credit", 1) as asked:
        alone = [asked.call([row], 8)[0] for row in rows]
        for _ in range(20):
            some = chance.choices(range(50), k=chance.randint(1, 120))
            assert [p.raw for p in asked.predict([rows[nth] for nth in some])] == [alone[nth] for nth in some]


def test_a_vector_score_is_described_and_given_back(trained: tuple[Path, Path], tmp_path: Path) -> None:
    loader = Loader("sklearn", "predict_proba", "matrix", file="model/light.joblib")
    made = packed(trained, tmp_path, "model/light.joblib", loader, FIVE, outputs=())
    told = expected(trained[1])
    rows = [dict(zip((f.name for f in FIVE), row, strict=True)) for row in told["matrix"]]
    with oneshot.started(made.worker, made.version, "light", 1) as asked:
        fields = asked.describe(rows)
        raws = asked.call(rows, 50)
    assert fields == [Field("score", "float", "float64", shape=(2,))]
    assert [Codec(fields).unpack_row(raw)["score"] for raw in raws] == [
        pytest.approx(row, rel=1e-12) for row in told["light"]
    ]


@pytest.mark.parametrize(
    ("entry", "predict", "column"),
    [("XGBClassifier", "predict_proba", 1), ("", "predict", None), ("xgboost:Booster", "predict", None)],
)
def test_trees_in_their_native_format_are_loaded(
    trained: tuple[Path, Path], tmp_path: Path, entry: str, predict: str, column: int | None
) -> None:
    loader = Loader("xgboost", predict, "matrix", file="model/trees.ubj", entry=entry, column=column)
    inputs = tuple(Field(f.name, "float", "float32") for f in FIVE)
    outputs = (Field("score", "float", "float32"),)
    made = packed(trained, tmp_path, "model/trees.ubj", loader, inputs, outputs=outputs, batch=BatchForm("fixed", 8))
    told = expected(trained[1])
    rows = [dict(zip((f.name for f in FIVE), row, strict=True)) for row in told["matrix"]]
    with oneshot.started(made.worker, made.version, "trees", 1) as asked:
        predictions = asked.predict(rows)
    assert [output(p)["score"] for p in predictions] == told["trees"]


def test_an_output_of_another_dtype_is_a_fault_and_never_rounded(trained: tuple[Path, Path], tmp_path: Path) -> None:
    loader = Loader("sklearn", "predict_proba", "matrix", file="model/light.joblib", column=1)
    outputs = (Field("score", "float", "float32"),)
    made = packed(trained, tmp_path, "model/light.joblib", loader, FIVE, outputs=outputs)
    with oneshot.started(made.worker, made.version, "light", 1) as asked:
        (prediction,) = asked.predict([{f.name: 0.5 for f in FIVE}])
    assert prediction.failure == "raised"
    assert "gave 'score' as float64, the package says float32" in prediction.error


TELLTALE = """
class Telltale:
    def predict(self, frame):
        import pandas
        text = ";".join("%s:%s:%r" % (n, frame[n].dtype, frame[n].iloc[0]) for n in frame.columns)
        return {"seen": [text] * len(frame)}
"""


def test_dtypes_nulls_and_categories_reach_the_frame_as_the_schema_says(
    trained: tuple[Path, Path], tmp_path: Path
) -> None:
    inputs = (
        Field("f", "float", "float32", nullable=True),
        Field("i", "int", "int16", nullable=True),
        Field("k", "int", "int8"),
        Field("b", "bool"),
        Field("n", "bool", nullable=True),
        Field("s", "string"),
        Field("c", "string", "category", nullable=True, values=("x", "y")),
    )
    files = {"code/telltale.py": TELLTALE.encode()}
    loader = Loader("python", "predict", "frame", entry="telltale:Telltale")
    made = Maker(tmp_path, trained[0]).package(files, loader, inputs, (Field("seen", "string"),))
    with oneshot.started(made.worker, made.version, "t", 1) as asked:
        full, empty = asked.predict(
            [
                {"f": 0.5, "i": 3, "k": -1, "b": True, "n": False, "s": "ä", "c": "y"},
                {"f": None, "i": None, "k": -1, "b": False, "n": None, "s": "", "c": None},
            ]
        )
    assert output(full)["seen"].split(";") == [
        "f:float32:0.5", "i:float64:3.0", "k:int8:-1", "b:bool:True", "n:object:False", "s:object:'ä'", "c:category:'y'",
    ]  # fmt: skip
    assert output(empty)["seen"].split(";") == [
        "f:float32:nan", "i:float64:nan", "k:int8:-1", "b:bool:False", "n:object:None", "s:object:''", "c:category:nan",
    ]  # fmt: skip
