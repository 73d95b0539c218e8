"""What a folder of MLflow says, read without MLflow."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest

from tenure.adapters import mlflow_downloads, mlflow_folders, sources
from tenure.model.packaging.source import BadSource, PackageSource, Table

MODELS = Path(__file__).parent / "models"


def folder(place: Path, description: str, **files: str) -> PackageSource:
    place.mkdir(exist_ok=True)
    (place / "MLmodel").write_text(description)
    for name, text in files.items():
        (place / name.replace("__", ".")).write_text(text)
    return PackageSource(place, name="m", inputs=[{"x": 1}])


def test_a_flavour_of_a_known_library_is_preferred_to_mlflows_own() -> None:
    found = sources.completed(PackageSource(MODELS / "mlflow-1.30", name="iris"))
    assert (found.format, found.place, found.entry) == ("sklearn", "model.pkl", "")
    assert found.requirements == ("cloudpickle==2.2.1", "scikit-learn==0.24.2", "numpy==1.19.5", "scipy==1.6.3")
    assert found.as_of == "2026-11-26"
    assert isinstance(found.inputs, Table)
    assert len(found.inputs.rows) == 5
    assert {field.dtype for field in found.inputs.fields} == {"float64"}


def test_the_code_of_a_folder_goes_to_the_code_of_the_package() -> None:
    found = sources.completed(PackageSource(MODELS / "mlflow-3-code", name="sums"))
    assert (found.format, found.entry, found.place) == ("mlflow", "mlflow.pyfunc.model", ".")
    assert [path.name for path in found.code] == ["code"]
    assert not [name for name in found.files if name.startswith("code/")]
    assert found.requirements == ("mlflow==3.17.2", "cloudpickle==3.1.3", "numpy==2.4.6")


def test_conda_is_read_where_there_are_no_requirements(tmp_path: Path) -> None:
    conda = "dependencies:\n- python=3.7.9\n- pip\n- numpy=1.19.5\n- conda-forge::scipy==1.6\n- pip:\n  - mlflow<=1.20\n  - joblib==1.0\n"
    description = "flavors:\n  sklearn: {pickled_model: model.pkl, sklearn_version: 0.24.1}\n  python_function: {python_version: 3.7.9}\n"
    found = sources.completed(folder(tmp_path / "m", description, conda__yaml=conda, model__pkl=""))
    assert found.requirements == ("numpy==1.19.5", "scipy==1.6", "joblib==1.0")
    assert found.python == "3.7"


@pytest.mark.parametrize(
    ("description", "said"),
    [
        ("flavors:\n  spark: {model_data: x}\n", "flavors spark"),
        ("a list: [", "cannot be read"),
        ("artifact_path: model\n", "names no flavors"),
        ("flavors:\n  python_function: {loader_module: m, code: ../elsewhere}\n", "not in the folder"),
        ("flavors: !!python/object/apply:os.system ['true']\n", "cannot be read"),
    ],
)
def test_a_folder_that_cannot_be_loaded_is_refused_by_name(tmp_path: Path, description: str, said: str) -> None:
    with pytest.raises(BadSource, match=said):
        sources.completed(folder(tmp_path / "m", description))


def test_a_link_out_of_the_folder_is_refused_by_name_and_one_within_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text("secret")
    description = "flavors:\n  python_function: {loader_module: m, python_version: 3.11.7}\n"
    source = folder(tmp_path / "m", description, data__txt="2", requirements__txt="numpy==2.4.6\n")

    (source.source / "same.txt").symlink_to("data.txt")
    assert "same.txt" in sources.completed(source).files
    (source.source / "data").symlink_to(tmp_path / "key.pem")
    with pytest.raises(BadSource, match="data is a link that leads out of its folder"):
        sources.completed(source)


def test_a_folder_without_an_example_asks_for_inputs(tmp_path: Path) -> None:
    source = folder(tmp_path / "m", "flavors:\n  python_function: {loader_module: m}\n")
    with pytest.raises(BadSource, match="no input_example") as refusal:
        mlflow_folders.completed(PackageSource(source.source, name="m"))
    assert "--inputs" in refusal.value.hint


def test_an_address_is_fetched_by_the_authors_own_mlflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    fake, artifacts = ModuleType("mlflow"), ModuleType("mlflow.artifacts")

    def download(artifact_uri: str, dst_path: str) -> str:
        asked.append(artifact_uri)
        return dst_path

    artifacts.download_artifacts = download  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "mlflow", fake)
    monkeypatch.setitem(sys.modules, "mlflow.artifacts", artifacts)
    assert mlflow_downloads.is_address(Path("models:/churn/3"))
    assert not mlflow_downloads.is_address(Path("model.joblib"))
    assert mlflow_downloads.fetched(Path("runs:/abc/model"), tmp_path) == tmp_path
    assert asked == ["runs:/abc/model"]
    assert mlflow_downloads.model_name("models:/churn@champion") == "churn"
    assert mlflow_downloads.model_name("runs:/abc/model") == ""


def test_an_address_without_any_mlflow_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mlflow.artifacts", None)
    with pytest.raises(mlflow_downloads.NoMlflow, match=r"models:/churn/3") as refusal:
        mlflow_downloads.fetched(Path("models:/churn/3"), tmp_path)
    assert "give its folder" in refusal.value.hint
