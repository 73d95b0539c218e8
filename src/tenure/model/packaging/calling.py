"""How the model will be called: its format from its file, the method, the form of the rows, the column that is the score."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenure.model.package import Loader
from tenure.model.packaging.source import BadSource, ModelFile

if TYPE_CHECKING:
    from pathlib import Path

    from tenure.model.package import InputForm, ModelFormat
    from tenure.model.packaging.source import Facts

_FORMATS: dict[str, ModelFormat] = {
    ".joblib": "sklearn",
    ".pkl": "sklearn",
    ".pickle": "sklearn",
    ".json": "xgboost",
    ".ubj": "xgboost",
    ".skops": "sklearn",
    ".txt": "lightgbm",
    ".lgb": "lightgbm",
    ".onnx": "onnx",
}
_WITH_FILE = frozenset(_FORMATS.values()) | {"statsmodels", "mlflow"}


def recognise(file: Path | None, wanted: str, entry: str, place: str = "") -> ModelFile:
    """Return what kind of model this is, by what was said, else by the file's name; raise `BadSource`.

    `place` is the file's path below `model/`, where that is not its name alone.
    """
    if entry:
        return ModelFile("mlflow" if wanted == "mlflow" else "python", file, entry, place)
    if file is None or not file.is_file():
        raise BadSource(what=f"there is no model file {file}", cure="give a saved model, or a folder with model.toml")
    found = wanted or _FORMATS.get(file.suffix.lower())
    if found not in _WITH_FILE:
        raise BadSource(
            what=f"{file.name} is no kind of model that is known here",
            cure=f"save it as one of {', '.join(_FORMATS)}, or write a class with load and predict and name it as entry",
        )
    return ModelFile(found, file, place=place)  # type: ignore[arg-type]


def loader_of(model: ModelFile, facts: Facts, form: InputForm, predict: str) -> Loader:
    """Return how the worker loads and calls the model; classifiers are asked for probabilities unless told otherwise."""
    method = predict or default_method(model, facts)
    if method not in facts.methods:
        raise BadSource(
            what=f"{facts.class_name} has no method {method}", cure=f"choose one of {', '.join(sorted(facts.methods))}"
        )
    classes = facts.classes or () if method == "predict_proba" else ()
    return Loader(
        format=format_of(model, facts),
        predict=method,
        form=form_of(model, facts, form),
        file=model.inside,
        entry=model.entry,
        column=1 if len(classes) == 2 else None,
        classes=classes if len(classes) > 2 else (),
    )


def default_method(model: ModelFile, facts: Facts) -> str:
    """Return `predict_proba` for a classifier that has it, else `predict`."""
    return "predict_proba" if model.format in {"sklearn", "onnx"} and "predict_proba" in facts.methods else "predict"


def format_of(model: ModelFile, facts: Facts) -> ModelFormat:
    """Return the format; a pickle's name does not say whose it is, but what came out of it does."""
    is_statistics = model.format == "sklearn" and facts.class_name.startswith("statsmodels.")
    return "statsmodels" if is_statistics else model.format


def form_of(model: ModelFile, facts: Facts, given: InputForm) -> InputForm:
    """Return what the method is handed: what the model was fitted with, not what the examples happen to be kept in."""
    if facts.form is not None:
        return facts.form
    if model.format == "python":
        return "records"
    if model.format == "mlflow":
        return given if given == "matrix" else "frame"
    if model.format == "xgboost":
        return "matrix"
    if facts.features is not None:
        return "frame"
    # scikit-learn's own remember the names of a frame they were fitted with; it has none, so it was fitted with an array.
    return "matrix" if facts.class_name.startswith("sklearn.") else given
