"""Asked of a model in a process of its own: what are you, what can you do, what did loading you import?

This file is run as a script by the author's interpreter or by the rebuilt one, so it is standard library alone and
Python 3.7 syntax. It prints one line of JSON. A refusal of its own is `{"in_main": NAME}` or `{"error": TEXT}`.
"""
# ruff: noqa: PTH123, S301, UP031, B905, BLE001 - Python 3.7, and the model is the author's own

from __future__ import annotations

import importlib
import json
import os
import re
import sys
import traceback
from typing import Any

_METHODS = ("predict", "predict_proba", "decision_function", "transform", "load")


def load(request: dict[str, Any]) -> Any:
    """Return the object that the worker will call, or that tells what it needs, loaded the way its format is loaded."""
    if request["format"] == "mlflow":
        return importlib.import_module(request["entry"])._load_pyfunc(request["file"])  # noqa: SLF001
    if request["entry"]:
        module, _, name = request["entry"].partition(":")
        return getattr(importlib.import_module(module), name)
    if request["format"] == "xgboost":
        booster = importlib.import_module("xgboost").Booster()
        booster.load_model(request["file"])
        return booster
    if request["format"] == "lightgbm":
        return importlib.import_module("lightgbm").Booster(model_file=request["file"])
    if request["format"] == "onnx":
        return importlib.import_module("onnxruntime").InferenceSession(
            request["file"], providers=["CPUExecutionProvider"]
        )
    return unpickled(request["file"])


def unpickled(path: str) -> Any:
    """Return what a pickle, or a file of joblib or skops, holds."""
    if path.endswith(".skops"):
        skops = importlib.import_module("skops.io")
        return skops.load(path, trusted=skops.get_untrusted_types(file=path))
    try:
        return importlib.import_module("joblib").load(path)
    except ImportError as error:
        if error.name != "joblib":
            raise
    import pickle

    with open(path, "rb") as file:
        return pickle.load(file)


def facts(model: Any) -> dict[str, Any]:
    """Return what packaging wants to know of the loaded object."""
    kind = model if isinstance(model, type) else type(model)
    classes: Any = getattr(model, "classes_", ())
    found = {
        "class_name": kind.__module__ + "." + kind.__qualname__,
        "methods": [name for name in _METHODS if hasattr(model, name)],
        "classes": [str(label) for label in classes] if getattr(classes, "ndim", None) == 1 else None,
        "features": features(model, kind.__module__.partition(".")[0]),
    }
    special = {"lightgbm": of_lightgbm, "statsmodels": of_statsmodels, "onnxruntime": of_onnx}
    found.update(special.get(kind.__module__.partition(".")[0], lambda _: {})(model))
    return found


def features(model: Any, library: str) -> list[str] | None:
    """Return the column names that the model was fitted with, None where it was fitted with an array."""
    names = getattr(model, "feature_names_in_", None)
    if names is None and library == "xgboost":
        names = getattr(model, "feature_names", None)
    return None if names is None else [str(name) for name in names]


def of_lightgbm(model: Any) -> dict[str, Any]:
    """Return what LightGBM's own file keeps: names, and the categories of a data frame."""
    if type(model).__name__ != "Booster":
        return {}
    names = model.feature_name()
    unnamed = all(re.match(r"Column_\d+$", name) for name in names)
    return {"features": None if unnamed else names, "form": "frame" if model.pandas_categorical else "matrix"}


def of_statsmodels(model: Any) -> dict[str, Any]:
    """Return what fitted results take: the frame of a formula's variables, or the columns of a design matrix."""
    fitted = getattr(model, "model", None)
    if getattr(fitted, "formula", None) is not None:
        return {"form": "frame"}
    data = getattr(fitted, "data", None)
    named = hasattr(getattr(data, "orig_exog", None), "columns")
    return {"form": "matrix", "features": list(data.xnames) if data is not None and named else None}


def of_onnx(session: Any) -> dict[str, Any]:
    """Return what a graph takes and gives: a classifier's second output has its probabilities."""
    inputs, outputs = session.get_inputs(), session.get_outputs()
    proven = len(outputs) == 2 and (outputs[1].type.startswith("seq(map") or len(outputs[1].shape or ()) == 2)
    single = len(inputs) == 1
    return {
        "methods": ["predict", "predict_proba"] if proven else ["predict"],
        "form": "matrix" if single else "records",
        "features": None if single else [one.name for one in inputs],
    }


def distributions(before: set[str]) -> tuple[list[str], list[str]]:
    """Return the distributions of the modules imported since `before`, and those of them that no other one needs."""
    from importlib import metadata

    owners = metadata.packages_distributions()
    tops = {name.partition(".")[0] for name in set(sys.modules) - before}
    used = sorted({owner for top in tops for owner in owners.get(top, ())} - {"pip", "setuptools", "tenure"})
    needed = {name for owner in used for name in requirements(owner)}
    pins = ["%s==%s" % (name, metadata.version(name)) for name in used]
    return pins, [pin for pin, name in zip(pins, used) if plain(name) not in needed]


def requirements(owner: str) -> set[str]:
    """Return the plain names that a distribution always requires."""
    from importlib import metadata

    listed = [line for line in metadata.requires(owner) or () if "extra ==" not in line]
    return {plain(re.split(r"[^A-Za-z0-9._-]", line, maxsplit=1)[0]) for line in listed}


def plain(name: str) -> str:
    """Return a distribution's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def answered(request: dict[str, Any]) -> dict[str, Any]:
    """Return the answer."""
    sys.path[:0] = [request["code"]] if request["code"] else []
    before = set(sys.modules)
    answer = facts(load(request))
    if wants_frame(answer, request):
        importlib.import_module("pandas")
    if request["distributions"]:
        answer["pins"], answer["distributions"] = distributions(before)
    return answer


def wants_frame(answer: dict[str, Any], request: dict[str, Any]) -> bool:
    """Return whether the model will be given a data frame: the rule of model/packaging/calling.py."""
    if answer.get("form") is not None:
        return bool(answer["form"] == "frame")
    own = not answer["class_name"].startswith("sklearn.")
    return request["format"] == "sklearn" and (answer["features"] is not None or (own and request["frame"]))


def refused(error: Exception) -> dict[str, Any]:
    """Return why the model could not be loaded."""
    lost = re.search(r"attribute '(\w+)' on <module '__main__'", str(error))
    if lost:
        return {"in_main": lost.group(1)}
    return {"error": "".join(traceback.format_exception_only(type(error), error)).strip()}


def main() -> None:
    """Print the answer to the question that stands in the environment."""
    out, sys.stdout = sys.stdout, sys.stderr  # what loading prints must not mix with the answer
    del sys.path[0]  # this script's folder, whose modules are none of the model's
    try:
        answer = answered(json.loads(os.environ["TENURE_QUESTION"]))
    except Exception as error:
        answer = refused(error)
    out.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
