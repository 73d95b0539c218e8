"""One function per format: from a package's files to the object that is called.

Loading runs the package's own code, which is why everything was verified before. What is done here decides bits.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
from typing import Any, Callable

from .onnx_model import OnnxModel
from .package import Package, Refused


def opened(package: Package, loader: dict[str, Any]) -> Any:
    """Return the model."""
    formats: dict[str, Callable[[Package, dict[str, Any]], Any]] = {
        "sklearn": _pickled,
        "statsmodels": _pickled,
        "xgboost": _xgboost,
        "lightgbm": _lightgbm,
        "onnx": lambda package, loader: OnnxModel(package.path(loader["file"]), threads()),
        "mlflow": _mlflow,
        "python": _python,
    }
    if loader["format"] not in formats:
        raise Refused("this worker does not load the format %r" % loader["format"])
    return formats[loader["format"]](package, loader)


def method(model: Any, loader: dict[str, Any]) -> Callable[[Any], Any]:
    """Return the method to call."""
    found = getattr(model, loader["predict"], None)
    if not callable(found):
        raise Refused("the model (%s) has no method %r" % (type(model).__name__, loader["predict"]))
    if loader["format"] == "lightgbm":
        return lambda rows: found(categorised(rows), num_threads=threads())
    return _with_matrix(model, found) if _is_booster(model) else found


def threads() -> int:
    """Return how many threads a library may use: one unless the manifest says more."""
    return int(os.environ.get("OMP_NUM_THREADS", "1"))


def categorised(rows: Any) -> Any:
    """Return a data frame's texts as categories, which LightGBM then reads by the list that its file keeps."""
    if not hasattr(rows, "select_dtypes"):
        return rows
    texts = rows.select_dtypes("object").columns
    return rows.astype(dict.fromkeys(texts, "category"))


def _pickled(package: Package, loader: dict[str, Any]) -> Any:
    path = package.path(loader["file"])
    if path.endswith(".skops"):
        return _skops(path, loader.get("globals"))
    if importlib.util.find_spec("joblib") is not None:
        return importlib.import_module("joblib").load(path)
    import pickle

    with open(path, "rb") as file:
        return pickle.load(file)


def _skops(path: str, allowed: Any) -> Any:
    """Return a model kept by skops, whose own list of what is harmless is the library's, never the file's."""
    library = importlib.import_module("skops.io")
    asked = sorted(library.get_untrusted_types(file=path))
    strange = [] if allowed is None else [name for name in asked if "skops:" + name not in allowed]
    if strange:
        raise Refused("the model asks for %s, which it did not when it was sealed" % ", ".join(strange))
    return library.load(path, trusted=asked)


def looked_up(package: Package, loader: dict[str, Any], seen: set[str]) -> list[str]:
    """Return all names that loading the model looked up, as the manifest keeps them."""
    if loader.get("file", "").endswith(".skops"):
        path = package.path(loader["file"])
        seen = seen | {"skops:" + name for name in importlib.import_module("skops.io").get_untrusted_types(file=path)}
    return sorted(seen)


def _xgboost(package: Package, loader: dict[str, Any]) -> Any:
    name = (loader.get("entry") or "Booster").split(":")[-1]
    model = getattr(importlib.import_module("xgboost"), name)()
    model.load_model(package.path(loader["file"]))
    return model


def _lightgbm(package: Package, loader: dict[str, Any]) -> Any:
    return importlib.import_module("lightgbm").Booster(model_file=package.path(loader["file"]))


def _mlflow(package: Package, loader: dict[str, Any]) -> Any:
    """Return what an MLflow loader module makes of its data: the contract of every `python_function` since MLflow 0.x."""
    module = importlib.import_module(loader["entry"])
    return module._load_pyfunc(package.path(loader["file"]))  # noqa: SLF001


def _python(package: Package, loader: dict[str, Any]) -> Any:
    module, _, name = loader["entry"].partition(":")
    found = importlib.import_module(module)
    where = os.path.abspath(getattr(found, "__file__", None) or "")
    if not where.startswith(os.path.abspath(package.path("code")) + os.sep) and os.path.isdir(package.path("code")):
        # The environment comes first on the path, so a name of its own would silently stand for the package's code.
        raise Refused(
            "the module %r comes from %s and hides the package's own: rename it" % (module, where or "Python")
        )
    model = getattr(found, name)()
    if hasattr(model, "load"):
        model.load(package.path("model"))
    return model


def _is_booster(model: Any) -> bool:
    kind = type(model)
    return kind.__name__ == "Booster" and kind.__module__.split(".")[0] == "xgboost"


def _with_matrix(model: Any, call: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return a call that gives an XGBoost Booster the DMatrix it wants, with one thread unless the manifest says more."""
    matrix = importlib.import_module("xgboost").DMatrix
    count = threads()
    model.set_param({"nthread": count})
    return lambda rows: call(matrix(rows, feature_names=model.feature_names, nthread=count))
