"""From a package's files to one function: row bytes in, output row bytes out.

What this module does decides bits, so a package names the `worker.pyz` it was sealed with. numpy and pandas are used
only where the model's own environment has them and the model is given them.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from typing import Any, Callable

from . import outputs
from .columns import Codec, FrameError
from .contributions import explainer
from .inputs import arranger
from .package import Package, Refused


class Model:
    """A loaded model. `outputs` is None as long as nobody knows what it gives (a draft)."""

    def __init__(self, package: Package) -> None:
        manifest = package.manifest
        self.loader = manifest["loader"]
        self.inputs = Codec(manifest["inputs"])
        self.outputs = Codec(manifest["outputs"]) if manifest["outputs"] else None
        model = _opened(package, self.loader)
        self._predict = _method(model, self.loader)
        self._arrange = arranger(self.loader["form"], self.inputs)
        self.explainer = explainer(model, self.loader, self.inputs)

    def call(self, rows: list[bytes]) -> list[bytes]:
        """Return the output's row bytes for each row, by one call to the model; raise whatever the model raises."""
        if self.outputs is None:
            raise FrameError("nobody knows yet what this model gives: ask it to describe its outputs first")
        return outputs.encode(self.outputs, self._named(rows), len(rows))

    def join(self, rows: list[bytes]) -> bytes:
        """Return the column bytes of many rows of output."""
        assert self.outputs is not None
        return self.outputs.join_rows(rows)

    def describe(self, rows: list[bytes]) -> list[dict[str, Any]]:
        """Return the fields of what the model gives for these rows; a draft takes them as its outputs from now on."""
        fields = outputs.describe(self._named(rows), len(rows))
        if self.outputs is None:
            self.outputs = Codec(fields)
        return fields

    def explain(self, row: bytes) -> dict[str, Any] | None:
        """Return what the model's own library says of one row, None where it has nothing to say."""
        return None if self.explainer is None else self.explainer.explain(self._arrange([row]))

    def _named(self, rows: list[bytes]) -> dict[str, Any]:
        return outputs.named(self._predict(self._arrange(rows)), self.loader.get("column"))


def arrange_path(package: Package) -> None:
    """Put the package's code after the environment on sys.path, and this worker's own zip last."""
    own = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    others = [entry for entry in sys.path if os.path.abspath(entry) != own]
    sys.path[:] = [*others, os.path.abspath(package.path("code")), own]


def _opened(package: Package, loader: dict[str, Any]) -> Any:
    """Return the model. Loading runs the package's own code, which is why it was verified before."""
    formats = {"sklearn": _pickled, "xgboost": _xgboost, "python": _python}
    if loader["format"] not in formats:
        raise Refused("this worker does not load the format %r" % loader["format"])
    return formats[loader["format"]](package, loader)


def _method(model: Any, loader: dict[str, Any]) -> Callable[[Any], Any]:
    """Return the method to call."""
    method = getattr(model, loader["predict"], None)
    if not callable(method):
        raise Refused("the model (%s) has no method %r" % (type(model).__name__, loader["predict"]))
    return _with_matrix(model, method) if type(model).__name__ == "Booster" else method


def _pickled(package: Package, loader: dict[str, Any]) -> Any:
    path = package.path(loader["file"])
    if importlib.util.find_spec("joblib") is not None:
        return importlib.import_module("joblib").load(path)
    import pickle

    with open(path, "rb") as file:
        return pickle.load(file)


def _xgboost(package: Package, loader: dict[str, Any]) -> Any:
    name = (loader.get("entry") or "Booster").split(":")[-1]
    model = getattr(importlib.import_module("xgboost"), name)()
    model.load_model(package.path(loader["file"]))
    return model


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


def _with_matrix(model: Any, method: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return a call that gives an XGBoost Booster the DMatrix it wants, with one thread unless the manifest says more."""
    matrix = importlib.import_module("xgboost").DMatrix
    threads = int(os.environ.get("OMP_NUM_THREADS", "1"))
    model.set_param({"nthread": threads})
    return lambda rows: method(matrix(rows, feature_names=model.feature_names, nthread=threads))
