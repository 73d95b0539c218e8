"""From a package's files to one function: row bytes in, output row bytes out.

What this module does decides bits, so a package names the `worker.pyz` it was sealed with. numpy and pandas are used
only where the model's own environment has them and the model is given them.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from typing import Any, Callable, Sequence

from . import outputs
from .batching import MOST_ROWS
from .columns import Codec, FrameError
from .contributions import by_shap, explainer
from .inputs import arranger
from .package import Package, Refused, check_file
from .reasons import SCALES, Reasoner, baseline_rows


class Model:
    """A loaded model. `outputs` is None as long as nobody knows what it gives (a draft)."""

    def __init__(self, package: Package) -> None:
        manifest = package.manifest
        self._package, self.form = package, package.form()
        self.loader = manifest["loader"]
        self.inputs = Codec(manifest["inputs"])
        self.outputs = Codec(manifest["outputs"]) if manifest["outputs"] else None
        self._model = model = _opened(package, self.loader)
        self._predict = _method(model, self.loader)
        self._arrange = arranger(self.loader["form"], self.inputs)
        self.explainer = explainer(model, self.loader, self.inputs)
        self._margin = _margin(model, self.loader)
        self.reasons: Reasoner | None = None
        self.is_sealed = bool(manifest.get("batch"))
        # What a draft says is only what its author wishes for.
        if self.is_sealed and manifest.get("explain"):
            self.plan(manifest["explain"])

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
        return None if self.explainer is None else self._explain(row)

    def _explain(self, row: bytes) -> dict[str, Any]:
        assert self.explainer is not None
        told: dict[str, Any] = self.explainer.explain(self._arrange([row]))
        return told

    def plan(self, plan: dict[str, Any]) -> None:
        """Tell reasons by this plan from now on; raise when the model or its baseline does not allow it."""
        if plan["method"] == "shap":
            self.explainer = by_shap(self._model, self.loader, self.inputs)
        baseline: list[bytes] = []
        if plan.get("source"):
            told = self._package.manifest["files"][plan["source"]]
            check_file(self._package.folder, plan["source"], told)
            with open(self._package.path(plan["source"]), "rb") as file:
                baseline = baseline_rows(file.read(), told["digest"], self.inputs, plan["rows"])
        library = None if self.explainer is None else self._explain
        self.reasons = Reasoner(plan, self.inputs, self._scores(plan), baseline, library)

    def _scores(self, plan: dict[str, Any]) -> Callable[[Sequence[bytes]], list[float]]:
        """Return what gives the scores of rows on the plan's scale, in calls of the batch form."""
        to = SCALES[plan["scale"]]
        form = self.form

        def by_call(rows: list[bytes]) -> list[float]:
            assert self.outputs is not None
            return [_linked(to, self.outputs.unpack_row(row)[plan["output"]]) for row in self.call(rows)]

        def by_margin(rows: list[bytes]) -> list[float]:
            assert self._margin is not None
            return [float(value) for value in self._margin(self._arrange(rows))]

        ask = by_margin if self._margin is not None and plan["scale"] == "log-odds" else by_call

        def scores(rows: Sequence[bytes]) -> list[float]:
            found: list[float] = []
            most = form.most(MOST_ROWS)
            for start in range(0, len(rows), most):
                some = list(rows[start : start + most])
                real = len(some)
                found += ask(some + [some[-1]] * (form.shape(real) - real))[:real]
            return found

        return scores

    def _named(self, rows: list[bytes]) -> dict[str, Any]:
        return outputs.named(self._predict(self._arrange(rows)), self.loader.get("column"))


def _linked(to: Callable[[float], float], value: Any) -> float:
    """Return a score on a scale; NaN where it has no place there, as the log-odds of 1."""
    try:
        return to(value)
    except (TypeError, ValueError):
        return float("nan")


def _margin(model: Any, loader: dict[str, Any]) -> Callable[[Any], Any] | None:
    """Return what gives a binary classifier's log-odds as its library keeps them, exact where its probability is 1."""
    binary = (loader["predict"], loader.get("column")) == ("predict_proba", 1)
    method = getattr(model, "decision_function", None)
    return method if binary and callable(method) else None


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
