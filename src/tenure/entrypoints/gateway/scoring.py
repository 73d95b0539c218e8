"""MLflow's scoring protocol: its five forms of rows, and its answers. Pure; the routes are elsewhere.

Source: mlflow/pyfunc/scoring_server/__init__.py and mlflow/utils/proto_json_utils.py. NaN is refused in, and null out
(MLflow itself writes a bare NaN, which is no JSON).
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

import msgspec

from tenure.entrypoints.gateway.model_rows import MOST_ROWS, TEXTS, BadInput, by_name, checked
from tenure.kit.errors import Kind, TenureError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tenure.contract.predictor import Prediction
    from tenure.contract.schema import Field, Schema

_JSON, _CSV = "application/json", "text/csv"
_TRUTH = {"true": True, "false": False, "1": True, "0": False}


class UnknownContentType(TenureError):
    """The body is of a type that scoring does not take."""

    code = "unknown-content-type"
    kind = Kind.BAD_INPUT
    message = "this route takes application/json and text/csv in UTF-8, not {found!r}"
    next_step = "send the header Content-Type: application/json"


def rows_of(content_type: str, content: bytes, schema: Schema) -> list[dict[str, Any]]:
    """Return the rows of a body; columns that the model does not take are left out. Raises `BadInput`."""
    given = _from_csv(content, schema) if _kind(content_type) == _CSV else _from_json(content, schema)
    if len(given) > MOST_ROWS:
        raise BadInput(why=f"{len(given)} rows in one request; at most {MOST_ROWS}")
    return checked(given, schema)


def _kind(content_type: str) -> str:
    kind, *parameters = (part.strip().lower() for part in content_type.split(";"))
    strange = [one for one in parameters if one.replace('"', "") not in {"charset=utf-8", "charset=utf8"}]
    if kind not in {_JSON, _CSV} or strange:
        raise UnknownContentType(found=content_type)
    return kind


# ---- JSON


def _from_json(content: bytes, schema: Schema) -> list[Mapping[str, Any]]:
    try:
        document = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        hint = "; NaN and Infinity are none, send null" if b"NaN" in content or b"Infinity" in content else ""
        raise BadInput(why=f"the body is no JSON: {error}{hint}") from None
    found = [name for name in _FORMS if isinstance(document, dict) and name in document]
    if len(found) != 1 or set(document) - {found[0], "params"}:
        raise BadInput(why=f"the body is an object with exactly one of {', '.join(_FORMS)}, and params if need be")
    return _FORMS[found[0]](document[found[0]], schema)


def _split(split: Any, schema: Schema) -> list[Mapping[str, Any]]:
    if not isinstance(split, dict) or not isinstance(split.get("data"), list):
        raise BadInput(why="dataframe_split needs columns and data")
    columns = split.get("columns") or [field.name for field in schema]
    rows: list[Mapping[str, Any]] = []
    for place, row in enumerate(split["data"]):
        if not isinstance(row, list) or not isinstance(columns, list) or len(row) != len(columns):
            raise BadInput(why=f"row {place} of dataframe_split does not fit its columns")
        rows.append(dict(zip(map(str, columns), row, strict=True)))
    return rows


def _records(records: Any, _: Schema) -> list[Mapping[str, Any]]:
    if not isinstance(records, list) or not all(isinstance(row, dict) for row in records):
        raise BadInput(why="dataframe_records is a list of objects")
    return records


def _instances(instances: Any, schema: Schema) -> list[Mapping[str, Any]]:
    if not isinstance(instances, list):
        raise BadInput(why="a list of rows is needed")
    return [_instance(place, row, schema) for place, row in enumerate(instances)]


def _instance(place: int, row: Any, schema: Schema) -> Mapping[str, Any]:
    """Return one row that is an object, a list of values, or the value of the only input."""
    if isinstance(row, dict):
        return row
    if len(schema) == 1 and (schema[0].shape or not isinstance(row, list)):
        return {schema[0].name: row}
    return by_name(row if isinstance(row, list) else [row], schema, place)


def _inputs(inputs: Any, schema: Schema) -> list[Mapping[str, Any]]:
    if not isinstance(inputs, dict):
        return _instances(inputs, schema)
    columns = {name: values if isinstance(values, list) else [values] for name, values in inputs.items()}
    lengths = {len(values) for values in columns.values()}
    if len(lengths) != 1:
        raise BadInput(why="the columns of inputs have different lengths")
    scalar = {field.name for field in schema if not field.shape}
    return [
        {name: _alone(values[nth]) if name in scalar else values[nth] for name, values in columns.items()}
        for nth in range(lengths.pop())
    ]


def _alone(value: Any) -> Any:
    """Return the item of a column of shape `[n, 1]`, as numpy clients send."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


_FORMS: dict[str, Callable[[Any, Schema], list[Mapping[str, Any]]]] = {
    "dataframe_split": _split,
    "dataframe_records": _records,
    "instances": _instances,
    "inputs": _inputs,
}


# ---- CSV


def _from_csv(content: bytes, schema: Schema) -> list[Mapping[str, Any]]:
    try:
        rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadInput(why=f"the body is no CSV in UTF-8: {error}") from None
    return [{field.name: _cell(place, field, row) for field in schema} for place, row in enumerate(rows)]


def _cell(place: int, field: Field, row: Mapping[str, Any]) -> Any:
    text = row.get(field.name)
    if text is None or text == "":
        return None
    try:
        return _reading(field)(text)
    except (KeyError, ValueError):
        raise BadInput(why=f"row {place}: {field.name} is no {field.wire_dtype}") from None


def _reading(field: Field) -> Callable[[str], Any]:
    dtype = field.wire_dtype
    if dtype in TEXTS:
        return str
    if dtype == "bool":
        return lambda text: _TRUTH[text.lower()]
    return float if dtype.startswith("float") else int


# ---- answers


def answer(schema: Schema, predictions: Sequence[Prediction]) -> bytes:
    """Return the answer: values where the model has one output, else records. Every prediction has an output."""
    outputs = [one.output or {} for one in predictions]
    if len(schema) == 1:
        return msgspec.json.encode({"predictions": [output[schema[0].name] for output in outputs]})
    return msgspec.json.encode({"predictions": outputs})
