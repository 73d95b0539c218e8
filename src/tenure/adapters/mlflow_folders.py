"""MLflow model folders, of any MLflow since 1.x, as sources: `MLmodel` is read here, nothing of MLflow is needed for that.

A flavour whose library has a loader here (sklearn, xgboost, lightgbm, statsmodels, onnx) is loaded by that library, and
MLflow is left out of the environment; any other `python_function` is loaded by MLflow's own loader in the model's own
environment. The whole folder is kept in the package. Nothing is unpickled here.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import yaml

from tenure.adapters import tables
from tenure.adapters.folders import files_in
from tenure.model.packaging.source import BadSource, Table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tenure.contract.schema import Field, FieldType
    from tenure.model.packaging.source import PackageSource

DESCRIPTION = "MLmodel"
#: flavour -> its key for the file, and our format
_NATIVE = {
    "sklearn": ("pickled_model", "sklearn"),
    "xgboost": ("data", "xgboost"),
    "lightgbm": ("data", "lightgbm"),
    "statsmodels": ("data", "statsmodels"),
    "onnx": ("data", "onnx"),
}
_PICKLES = {".pkl", ".pickle", ".joblib", ".skops"}
#: MLflow's column types -> ours, with the dtype that MLflow casts to
_TYPES: dict[str, tuple[FieldType, str]] = {
    "boolean": ("bool", "bool"),
    "integer": ("int", "int32"),
    "long": ("int", "int64"),
    "float": ("float", "float32"),
    "double": ("float", "float64"),
    "string": ("string", "str"),
}
_OWN = re.compile(r"mlflow(-skinny)?\b", re.IGNORECASE)
_PASSED_OVER = {"__pycache__", ".git"}


@dataclass(frozen=True, slots=True)
class _Loading:
    """How a folder's model is loaded: our format, the file or folder in it, MLflow's loader module where that is needed."""

    flavour: str
    format: str
    place: str
    entry: str = ""


def completed(source: PackageSource) -> PackageSource:
    """Return the source of an MLflow model folder with everything that the folder says and the author did not."""
    folder = source.source
    told = _told(folder)
    loading = _loading(folder, told)
    code = _code_folder(folder, told)
    python = told["flavors"].get("python_function", {}).get("python_version", "")
    files = _files(folder, code)
    return replace(
        source,
        source=folder / loading.place,
        place=loading.place,
        format=loading.format,
        entry=loading.entry,
        files=files,
        code=(*((code,) if code else ()), *source.code),
        python=source.python or ".".join(str(python).split(".")[:2]),
        requirements=source.requirements or _requirements(folder, told, loading),
        inputs=_inputs(folder, told, source.inputs),
        reference=_typed(source.reference, told),
        as_of=source.as_of or _day_after(str(told.get("utc_time_created", ""))),
        card={"mlflow": _card(told, loading.flavour), **source.card},
    )


def _told(folder: Path) -> dict[str, Any]:
    path = folder / DESCRIPTION
    try:
        told = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise BadSource(what=f"{path} cannot be read: {error}", cure="save the model again with MLflow") from error
    if not isinstance(told, dict) or not isinstance(told.get("flavors"), dict):
        raise BadSource(what=f"{path} names no flavors", cure="give the folder that MLflow's save_model wrote")
    return told


def _loading(folder: Path, told: Mapping[str, Any]) -> _Loading:
    flavors = told["flavors"]
    for name, (key, format_) in _NATIVE.items():
        place = flavors.get(name, {}).get(key)
        if place and (folder / place).is_file():
            return _Loading(
                name, "sklearn" if Path(place).suffix in _PICKLES and name != "statsmodels" else format_, place
            )
    function = flavors.get("python_function")
    if not function or not function.get("loader_module"):
        kinds = ", ".join(sorted(flavors)) or "none"
        raise BadSource(
            what=f"the folder has the flavors {kinds}; none of them can be loaded here",
            cure="save it with a python_function flavor, or write a class with load and predict (model.toml, entry)",
        )
    place = function.get("data") or function.get("model_path") or "."
    return _Loading("python_function", "mlflow", str(place), str(function["loader_module"]))


def _day_after(moment: str) -> str:
    """Return the day after a moment of MLflow's; empty where it has none."""
    try:
        return (date.fromisoformat(moment[:10]) + timedelta(days=1)).isoformat()
    except ValueError:
        return ""


def _code_folder(folder: Path, told: Mapping[str, Any]) -> Path | None:
    """Return the folder of the author's own modules, which must lie inside."""
    flavors = told["flavors"].values()
    named = next((flavor["code"] for flavor in flavors if isinstance(flavor, dict) and flavor.get("code")), None)
    if named is None:
        return None
    found = (folder / str(named)).resolve()
    if not found.is_dir() or folder.resolve() not in found.parents:
        raise BadSource(what=f"{DESCRIPTION} names the code {named}, which is not in the folder", cure="save it again")
    return found


def _files(folder: Path, code: Path | None) -> dict[str, Path]:
    """Return path below `model/` -> file: the whole folder but for the code, which has a place of its own."""
    found = {}
    for file in files_in(folder):
        inner = file.relative_to(folder)
        own = code is not None and code in file.resolve().parents
        if not own and not _PASSED_OVER & set(inner.parts):
            found[inner.as_posix()] = file
    return found


def _requirements(folder: Path, told: Mapping[str, Any], loading: _Loading) -> tuple[str, ...]:
    """Return what the folder asks for; MLflow itself only where it has to load the model."""
    listed = _listed(folder)
    if loading.format == "mlflow":
        return tuple(listed)
    own = [line for line in listed if not _OWN.match(line)]
    # MLflow brought pandas along, so it is not listed by itself in older folders.
    framed = loading.flavour in {"lightgbm", "statsmodels"} or _names_columns(told)
    lacks = framed and not any(re.match(r"pandas\b", line) for line in own)
    return (*own, *(("pandas",) if lacks else ()))


def _names_columns(told: Mapping[str, Any]) -> bool:
    """Return whether the library remembers the frame it was fitted with, and so is given one: scikit-learn since 1.0."""
    version = str(told["flavors"].get("sklearn", {}).get("sklearn_version", "0"))
    return not version.startswith("0")


def _listed(folder: Path) -> list[str]:
    plain = folder / "requirements.txt"
    if plain.is_file():
        lines = [line.split(" #")[0].strip() for line in plain.read_text(encoding="utf-8").splitlines()]
        return [line for line in lines if line and not line.startswith(("#", "-"))]
    conda = folder / "conda.yaml"
    if conda.is_file():
        return _conda(yaml.safe_load(conda.read_text(encoding="utf-8")) or {})
    return []


def _conda(told: Mapping[str, Any]) -> list[str]:
    """Return conda's dependencies in pip's words: those of pip as they are, others where PyPI calls them the same."""
    found: list[str] = []
    for one in told.get("dependencies") or ():
        if isinstance(one, dict):
            found += [str(line) for line in one.get("pip", ())]
        elif not re.match(r"(python|pip|setuptools|wheel)\b", str(one)):
            name, *version = re.split(r"=+", str(one).split("::")[-1])
            found.append(f"{name}=={version[0]}" if version and not re.search(r"[<>!~]", str(one)) else str(one))
    return found


def _inputs(folder: Path, told: Mapping[str, Any], given: Any) -> Any:
    if given is not None:
        return _typed(given, told)
    example = _example(folder, told)
    if example is None:
        raise BadSource(
            what="the folder has no input_example, so there are no golden inputs",
            cure="give some rows as the model takes them: --inputs FILE",
        )
    return _typed(example, told)


def _example(folder: Path, told: Mapping[str, Any]) -> Table | None:
    """Return the rows of the folder's input example, None where it has none that is a table."""
    info = told.get("saved_input_example_info") or {}
    path = folder / str(info.get("artifact_path", ""))
    if not info or not path.is_file():
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise BadSource(what=f"{path} cannot be read: {error}", cure="give --inputs FILE") from error
    if isinstance(found, dict) and "columns" in found:
        return tables.read([dict(zip(map(str, found["columns"]), row, strict=True)) for row in found["data"]])
    if isinstance(found, list) and found and isinstance(found[0], dict):
        return tables.read(found)
    matrix = found.get("inputs", found.get("data")) if isinstance(found, dict) else found
    if isinstance(matrix, list) and matrix and isinstance(matrix[0], list):
        rows = [{f"x{n}": value for n, value in enumerate(row)} for row in matrix]
        return replace(tables.read(rows), form="matrix")
    return None


def _typed(given: Any, told: Mapping[str, Any]) -> Any:
    """Return rows with the types of the folder's signature, which JSON cannot tell (3 may stand for 3.0)."""
    if given is None:
        return None
    table = tables.read(given)
    columns = json.loads((told.get("signature") or {}).get("inputs") or "[]")
    if len(columns) == 1 and columns[0].get("type") == "tensor":
        dtype = str(columns[0]["tensor-spec"]["dtype"])
        known = {name: pair for pair in _TYPES.values() for name in [pair[1]]}
        kinds = {field.name: known.get(dtype) for field in table.fields}
    else:
        kinds = {str(one.get("name")): _TYPES.get(str(one.get("type"))) for one in columns}
    fields = tuple(_cast(field, kinds.get(field.name)) for field in table.fields)
    rows = [{field.name: _value(row[field.name], field) for field in fields} for row in table.rows]
    form = "frame" if table.form == "records" else table.form
    return Table(_ordered(fields, list(kinds)), rows, form)


def _ordered(fields: tuple[Field, ...], names: list[str]) -> tuple[Field, ...]:
    """Return the fields in the signature's order; a model without names of its own is given columns by their place."""
    place = {name: n for n, name in enumerate(names)}
    return tuple(sorted(fields, key=lambda field: place.get(field.name, len(place))))


def _cast(field: Field, kind: tuple[FieldType, str] | None) -> Field:
    return field if kind is None else msgspec.structs.replace(field, type=kind[0], dtype=kind[1])


def _value(value: Any, field: Field) -> Any:
    if value is None:
        return None
    kinds: dict[str, Any] = {"float": float, "int": int, "bool": bool, "string": str}
    return kinds[field.type](value) if field.type in kinds else value


def _card(told: Mapping[str, Any], flavour: str) -> dict[str, Any]:
    """Return what a person later asks about where the model came from."""
    kept = ("run_id", "model_uuid", "model_id", "mlflow_version", "utc_time_created")
    return {"flavor": flavour, **{name: str(told[name]) for name in kept if told.get(name)}}
