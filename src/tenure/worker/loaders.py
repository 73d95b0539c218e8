"""From a package's files to one function: row bytes in, output row bytes out.

What this module does decides bits, so a package names the `worker.pyz` it was sealed with. numpy and pandas are used
only where the model's own environment has them and the model is given them.
"""

from __future__ import annotations

import os
import sys
from typing import Any, Callable, Sequence

from . import formats, outputs
from .batching import MOST_ROWS
from .columns import Codec, FrameError
from .contributions import by_shap, explainer
from .inputs import arranger
from .package import Package, check_file
from .reasons import SCALES, Reasoner, baseline_rows
from .unpickling import watched


class Model:
    """A loaded model. `outputs` is None as long as nobody knows what it gives (a draft)."""

    def __init__(self, package: Package) -> None:
        manifest = package.manifest
        self._package, self.form = package, package.form()
        self.loader = manifest["loader"]
        self.inputs = Codec(manifest["inputs"])
        self.outputs = Codec(manifest["outputs"]) if manifest["outputs"] else None
        with watched(self.loader.get("globals")) as watch:
            self._model = model = formats.opened(package, self.loader)
        #: what unpickling it looked up, where anything was unpickled
        self.globals = (
            formats.looked_up(package, self.loader, watch.seen) if watch.seen or _is_kept(self.loader) else None
        )
        self._predict = formats.method(model, self.loader)
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


def _is_kept(loader: dict[str, Any]) -> bool:
    """Return whether the model is of a kind that unpickles, or does as much."""
    return loader["format"] in ("sklearn", "statsmodels", "mlflow")


def arrange_path(package: Package) -> None:
    """Put the package's code after the environment on sys.path, and this worker's own zip last."""
    own = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    others = [entry for entry in sys.path if os.path.abspath(entry) != own]
    sys.path[:] = [*others, os.path.abspath(package.path("code")), own]
