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
    """Return the object that the worker will call, loaded the way its format is loaded."""
    if request["entry"]:
        module, _, name = request["entry"].partition(":")
        return getattr(importlib.import_module(module), name)
    if request["format"] == "xgboost":
        booster = importlib.import_module("xgboost").Booster()
        booster.load_model(request["file"])
        return booster
    try:
        return importlib.import_module("joblib").load(request["file"])
    except ImportError as error:
        if error.name != "joblib":
            raise
    import pickle

    with open(request["file"], "rb") as file:
        return pickle.load(file)


def facts(model: Any) -> dict[str, Any]:
    """Return what packaging wants to know of the loaded object."""
    kind = model if isinstance(model, type) else type(model)
    classes: Any = getattr(model, "classes_", ())
    features = getattr(model, "feature_names_in_", None)
    if features is None and kind.__module__.partition(".")[0] == "xgboost":
        features = getattr(model, "feature_names", None)
    return {
        "class_name": kind.__module__ + "." + kind.__qualname__,
        "methods": [name for name in _METHODS if hasattr(model, name)],
        "classes": [str(label) for label in classes] if getattr(classes, "ndim", None) == 1 else None,
        "features": None if features is None else [str(name) for name in features],
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
