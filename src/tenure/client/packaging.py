"""`tenure.package`: a live model from a notebook or a training job becomes a package. Light imports only.

The model is saved by its own means, loaded again by another process, and only then sealed: what cannot be loaded
elsewhere is refused here, by name, while its author is still looking.
"""

from __future__ import annotations

import pickle
import warnings
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import msgspec

from tenure.app import packaging as composition
from tenure.contract.schema import Field
from tenure.kit.errors import Kind, TenureError
from tenure.model.packaging.source import InMain, PackageSource, Table
from tenure.worker import outputs as worker_outputs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tenure.model.package import Manifest

    Progress = Callable[[str], None]


class CannotBeSaved(TenureError):
    """The object has no way to be saved that another process could load."""

    code = "cannot-be-saved"
    kind = Kind.BAD_INPUT
    message = "{name} cannot be packaged as an object: {why}"
    next_step = 'write a class with load(folder) and predict(rows) in a file and package it: tenure.package(entry="model.py:Class", code=["model.py"], …)'


@dataclass(frozen=True, slots=True)
class Package:
    """A package that was just made; `register()` sends it to a Tenure."""

    folder: Path
    digest: str
    sealed: bool
    manifest: Manifest
    notes: tuple[str, ...]

    def register(self, client: Any = None) -> Any:
        """Upload the package and return its version; the server is that of TENURE_URL unless a `Client` is given."""
        if client is None:
            from tenure.client.client import Client

            client = Client()
        return client.register(self.folder)

    def __str__(self) -> str:
        return f"{self.manifest.name} {self.digest[:19]} in {self.folder}"


def package(
    model: Any = None,
    name: str = "",
    *,
    inputs: Any = None,
    reference: Any = None,
    predict: str = "",
    entry: str = "",
    code: Sequence[str | Path] = (),
    requirements: Sequence[str] | str | Path = (),
    python: str = "",
    metrics: Mapping[str, float] | None = None,
    data: str = "",
    target: str = "",
    author: str = "",
    threads: int = 1,
    tolerance: float = 0.0,
    explain: str = "",
    card: Mapping[str, Any] | None = None,
    output: str | Path | None = None,
    progress: Progress = print,
) -> Package:
    """Make a package of a model: a fitted object, a saved file, a folder with model.toml, an MLflow model.

    Objects may be of scikit-learn, XGBoost, LightGBM, statsmodels or ONNX, or of any class with `predict`; an MLflow
    model is a folder, `models:/…` or `runs:/…`.

    `inputs` are golden inputs as the model takes them: their outputs are recorded as bytes and must come out again
    wherever the package is registered. `reference` is what monitoring compares with. Classifiers are asked for
    probabilities unless `predict` says otherwise. `explain` asks for one way to tell reasons within a decision
    (docs/explaining.md), as "shap", which is then sealed with the package. Raises `InMain`, `CannotBeSaved`, `BadSource` and others.
    """
    with TemporaryDirectory(prefix="tenure-") as folder:
        live = not isinstance(model, (str, Path)) and model is not None
        method = predict or (_default(model) if live else "")
        if live:
            progress(f"predict: {method}")
        source = PackageSource(
            source=_saved(model, Path(folder)) if live else _place(model, entry, code),
            name=name,
            inputs=inputs,
            reference=reference,
            outputs=_answers(model, method, inputs) if live else None,
            requirements=Path(requirements) if isinstance(requirements, (str, Path)) else tuple(requirements),
            python=python,
            predict=method,
            entry=_module(entry),
            code=tuple(Path(path) for path in code),
            metrics=metrics,
            data=data,
            target=target,
            author=author,
            threads=threads,
            tolerance=tolerance,
            explain=explain,
            card=card or {},
        )
        made = composition.package(source, Path(output) if output else None, progress=progress)
    return Package(made.folder, made.digest, made.sealed, made.manifest, made.notes)


def _place(model: str | Path | None, entry: str, code: Sequence[str | Path]) -> Path:
    """Return where the source lies; a class alone needs no more than the folder of its code."""
    if model is not None:
        return Path(model)
    if not entry or not code:
        raise CannotBeSaved(name="nothing", why="neither a model nor an entry with its code was given")
    return Path(code[0]).absolute().parent


def _module(entry: str) -> str:
    place, _, name = entry.partition(":")
    return f"{Path(place).stem if place.endswith('.py') else place}:{name}" if entry else ""


def _default(model: Any) -> str:
    if _library(model) == "onnx":
        return ""
    if _is_native(model) or not hasattr(model, "predict_proba"):
        return "predict"
    return "predict_proba"


def _library(model: Any) -> str:
    return type(model).__module__.partition(".")[0]


def _is_native(model: Any) -> bool:
    """Return whether the object is kept in its library's own format, which outlives versions of the library."""
    return _library(model) in {"xgboost", "lightgbm"}


def _saved(model: Any, folder: Path) -> Path:
    """Return the file the object was saved to: its library's own format where there is one, else joblib or pickle."""
    if _library(model) == "onnx":
        path = folder / "model.onnx"
        path.write_bytes(model.SerializeToString())
        return path
    if isinstance(model, type) or not hasattr(model, "predict"):
        raise CannotBeSaved(
            name=_called(model), why="it is a class" if isinstance(model, type) else "it has no predict"
        )
    if type(model).__module__ == "__main__":
        raise InMain(name=type(model).__name__)
    if _library(model) == "xgboost":
        path = folder / "model.ubj"
        model.save_model(path)
        return path
    if _library(model) == "lightgbm":
        path = folder / "model.txt"
        getattr(model, "booster_", model).save_model(str(path))
        return path
    return _pickled(model, folder / "model.joblib")


def _pickled(model: Any, path: Path) -> Path:
    try:
        import joblib
    except ImportError:
        path = path.with_suffix(".pkl")
        path.write_bytes(_dumped(model))
        return path
    try:
        joblib.dump(model, path)
    except (pickle.PicklingError, TypeError, AttributeError) as error:
        raise CannotBeSaved(name=_called(model), why=str(error)) from error
    return path


def _dumped(model: Any) -> bytes:
    try:
        return pickle.dumps(model)
    except (pickle.PicklingError, TypeError, AttributeError) as error:
        raise CannotBeSaved(name=_called(model), why=str(error)) from error


def _called(model: Any) -> str:
    return model.__name__ if isinstance(model, type) else f"a {type(model).__name__}"


def _answers(model: Any, method: str, inputs: Any) -> Table | None:
    """Return what the model gives here and now for the golden inputs, to be compared with what the sealed one gives."""
    if inputs is None or isinstance(inputs, (str, Path)) or not method:
        return None
    if type(model).__name__ == "Booster" and _library(model) == "xgboost":
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        given = worker_outputs.named(_asked(model, method, inputs), _column(model, method))
    count = len(inputs)
    fields = tuple(msgspec.convert(field, Field) for field in worker_outputs.describe(given, count))
    lists = {name: values.tolist() if hasattr(values, "tolist") else list(values) for name, values in given.items()}
    return Table(fields, [{name: values[n] for name, values in lists.items()} for n in range(count)])


def _asked(model: Any, method: str, inputs: Any) -> Any:
    """Return the answer in the terms of the saved model: a library's own format gives a classifier's probabilities."""
    if _is_native(model) and hasattr(model, "predict_proba"):
        answer = model.predict_proba(inputs)
        return answer[:, 1] if answer.shape[1] == 2 else answer
    return getattr(model, method)(inputs)


def _column(model: Any, method: str) -> int | None:
    classes: Any = getattr(model, "classes_", ())
    binary = method == "predict_proba" and getattr(classes, "ndim", 0) == 1 and len(classes) == 2
    return 1 if binary else None
