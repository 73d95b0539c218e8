"""What the model's own library says each input contributed to a score: XGBoost, LightGBM, or a method of the model's own.

Nothing here is believed: whoever asks adds the parts up and compares them with the score that was served. Trees are
asked for their path-dependent contributions, whose base is the mean over the rows that the trees were grown on.
"""

from __future__ import annotations

import importlib
from typing import Any, Callable

from .columns import Codec, FrameError
from .formats import categorised


class Explainer:
    """Gives the parts of a row's score by the library that made the model."""

    def __init__(self, method: str, matrix: Callable[[Any], Any], codec: Codec) -> None:
        self.method, self._matrix, self._codec = method, matrix, codec

    def explain(self, given: Any) -> dict[str, Any]:
        """Return method, base and the part of each input for one row as the model is given it."""
        values = [float(value) for value in self._matrix(given)[0]]
        widths = [column.width for column in self._codec.columns]
        if len(values) != sum(widths) + 1:
            raise FrameError("the library gave %d parts for %d inputs" % (len(values) - 1, sum(widths)))
        parts, at = {}, 0
        for column, width in zip(self._codec.columns, widths):
            parts[column.name] = sum(values[at : at + width])
            at += width
        return {"method": self.method, "base": values[-1], "parts": parts}


def explainer(model: Any, loader: dict[str, Any], codec: Codec) -> Explainer | None:
    """Return what explains the model, None where its library has nothing that fits what it is asked for."""
    kind = type(model).__name__
    module = type(model).__module__.split(".")[0]
    if module == "xgboost" and _fits(kind, loader):
        return Explainer("native", _xgboost(model), codec)
    if module == "lightgbm" and _fits(kind, loader):
        return Explainer("native", lambda rows: model.predict(categorised(rows), pred_contrib=True), codec)
    if loader["format"] == "python" and callable(getattr(model, "contributions", None)):
        return Explainer("own", _own(model, codec), codec)
    return None


def by_shap(model: Any, loader: dict[str, Any], codec: Codec) -> Explainer:
    """Return what explains a model of trees by the shap of its own environment; raise what shap raises.

    Path-dependent contributions, told against the rows that the trees were grown on. shap's own check of additivity
    stays on; a pipeline is not taken, because its trees see other columns than its inputs.
    """
    trees = importlib.import_module("shap").TreeExplainer(model, feature_perturbation="tree_path_dependent")
    place = loader.get("column")

    def contributions(rows: Any) -> Any:
        numpy = importlib.import_module("numpy")
        values = trees.shap_values(rows)
        # Older ones give a list with an entry for each class, newer ones a last axis, and one class alone neither.
        values = numpy.stack(values, axis=-1) if isinstance(values, list) else numpy.asarray(values)
        base = numpy.atleast_1d(numpy.asarray(trees.expected_value, dtype="float64"))
        if values.ndim == 3:
            values = values[:, :, place or 0]
        start = base[place or 0] if len(base) > 1 else base[0]
        return [[*row, start] for row in values]

    return Explainer("shap", contributions, codec)


def _fits(kind: str, loader: dict[str, Any]) -> bool:
    """Return whether the one number that is served is the one that the contributions are of."""
    if kind.endswith("Classifier"):
        return (loader["predict"], loader.get("column")) == ("predict_proba", 1)
    return bool(loader["predict"] == "predict")


def _xgboost(model: Any) -> Callable[[Any], Any]:
    library = importlib.import_module("xgboost")
    booster = model if isinstance(model, library.Booster) else model.get_booster()
    # A wrapped model may end before its last tree (early stopping), and then its scores do.
    best = getattr(model, "best_iteration", None) if booster is not model and _stopped(booster) else None
    span = {} if best is None else {"iteration_range": (0, best + 1)}

    def contributions(rows: Any) -> Any:
        names = booster.feature_names if booster is model else None
        categorical = {"enable_categorical": True} if hasattr(rows, "dtypes") else {}
        matrix = library.DMatrix(rows, feature_names=names, nthread=1, **categorical)
        return booster.predict(matrix, pred_contribs=True, **span)

    return contributions


def _stopped(booster: Any) -> bool:
    return bool(booster.attributes().get("best_iteration"))


def _own(model: Any, codec: Codec) -> Callable[[Any], Any]:
    """Return the parts that the model's own method `contributions(rows)` gives: a dict a row, with the key "" for the base."""

    def contributions(rows: Any) -> Any:
        return [[row[name] for name in codec.names] + [row[""]] for row in model.contributions(rows)]

    return contributions
