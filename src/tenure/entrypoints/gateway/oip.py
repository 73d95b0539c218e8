"""The Open Inference Protocol V2 over HTTP: requests to rows, predictions to answers. Pure; the routes are elsewhere.

Source: kserve/open-inference-protocol `specification/protocol/inference_rest.md` and `open_inference_rest.yaml`; binary
tensors as in `oip_binary`. NaN and infinity are refused in, and null out.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

import msgspec

from tenure.entrypoints.gateway.model_rows import MOST_ROWS, BadInput, by_name, checked
from tenure.entrypoints.gateway.oip_binary import DATATYPES, datatype_of, read_tensor, write_tensor

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tenure.contract.predictor import Prediction
    from tenure.contract.schema import Field, Schema

EXTENSIONS = ("binary_tensor_data",)
PLATFORM = "tenure"
_UNSUPPORTED = ("shared_memory_region", "classification")


class _Tensor(msgspec.Struct):
    name: str
    shape: list[int]
    datatype: str
    parameters: dict[str, Any] = {}
    data: list[Any] | msgspec.UnsetType = msgspec.UNSET


class _Wanted(msgspec.Struct):
    name: str
    parameters: dict[str, Any] = {}


class _Document(msgspec.Struct):
    inputs: list[_Tensor]
    id: str = ""
    parameters: dict[str, Any] = {}
    outputs: list[_Wanted] = []


@dataclass(frozen=True, slots=True)
class Tensor:
    """One input: its shape, and its items row by row."""

    name: str
    shape: tuple[int, ...]
    items: list[Any]


@dataclass(frozen=True, slots=True)
class Inference:
    """A request, read. `outputs` maps the names wanted (None: all) to whether they go back raw; `timeout_us` 0 is none."""

    id: str
    tensors: list[Tensor]
    outputs: dict[str, bool] | None
    raw_outputs: bool
    timeout_us: int


_DECODE = msgspec.json.Decoder(_Document).decode


def parse(content: bytes, json_length: int | None = None) -> Inference:
    """Return what a body asks; `json_length` is its Inference-Header-Content-Length. Raises `BadInput`."""
    length = len(content) if json_length is None else json_length
    if not 0 <= length <= len(content):
        raise BadInput(why=f"Inference-Header-Content-Length is {length}, the body has {len(content)} bytes")
    document = _document(content[:length])
    tensors, at = [], length
    for tensor in document.inputs:
        size = _raw_size(tensor)
        tensors.append(_tensor(tensor, content[at : at + size]))
        at += size
    if at != len(content):
        raise BadInput(why=f"the inputs account for {at} bytes, the body has {len(content)}")
    raw = _flag(document.parameters, "binary_data_output", default=False)
    return Inference(
        id=document.id,
        tensors=tensors,
        outputs={one.name: _wanted(one, default=raw) for one in document.outputs} or None,
        raw_outputs=raw,
        timeout_us=_timeout(document.parameters),
    )


def _document(content: bytes) -> _Document:
    try:
        return _DECODE(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadInput(why=f"the request cannot be read: {error}") from None


def _raw_size(tensor: _Tensor) -> int:
    size = tensor.parameters.get("binary_data_size", 0)
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise BadInput(why=f"binary_data_size of input {tensor.name!r} is no number of bytes")
    return size


def _tensor(tensor: _Tensor, raw: bytes) -> Tensor:
    _check_parameters(tensor.name, tensor.parameters)
    if tensor.datatype not in DATATYPES:
        raise BadInput(why=f"input {tensor.name!r} has the unknown datatype {tensor.datatype!r}")
    if not tensor.shape or any(side < 0 for side in tensor.shape):
        raise BadInput(why=f"the shape of input {tensor.name!r} needs a number of rows and no negative side")
    return Tensor(tensor.name, tuple(tensor.shape), _items(tensor, raw, prod(tensor.shape)))


def _items(tensor: _Tensor, raw: bytes, count: int) -> list[Any]:
    is_raw = "binary_data_size" in tensor.parameters
    if is_raw == (tensor.data is not msgspec.UNSET):
        raise BadInput(why=f"input {tensor.name!r} needs either data or binary_data_size")
    if is_raw:
        return read_tensor(tensor.datatype, count, raw)
    items = _flat(tensor.data)
    if len(items) != count:
        raise BadInput(why=f"input {tensor.name!r} has {len(items)} items, its shape says {count}")
    return items


def _flat(data: Any) -> list[Any]:
    """Return the items of data that is flat or nested as deep as its shape."""
    while data and isinstance(data[0], list):
        if not all(isinstance(part, list) for part in data):
            raise BadInput(why="nested data has lists and items side by side")
        data = [item for part in data for item in part]
    return list(data)


def _wanted(output: _Wanted, *, default: bool) -> bool:
    _check_parameters(output.name, output.parameters)
    return _flag(output.parameters, "binary_data", default=default)


def _check_parameters(name: str, parameters: Mapping[str, Any]) -> None:
    for unsupported in _UNSUPPORTED:
        if parameters.get(unsupported):
            raise BadInput(why=f"{name!r}: the extension for {unsupported} is not offered, see GET /v2")


def _flag(parameters: Mapping[str, Any], name: str, *, default: bool) -> bool:
    found = parameters.get(name, default)
    if not isinstance(found, bool):
        raise BadInput(why=f"the parameter {name} is true or false")
    return found


def _timeout(parameters: Mapping[str, Any]) -> int:
    """Return the microseconds that the client is ready to wait (Triton's parameter), 0 for no bound of its own."""
    found = parameters.get("timeout", 0)
    if not isinstance(found, int) or isinstance(found, bool) or found < 0:
        raise BadInput(why="the parameter timeout is a number of microseconds")
    return found


def rows_of(asked: Inference, schema: Schema) -> list[dict[str, Any]]:
    """Return the rows of a request: one tensor for each input, or one matrix with a column for each. Raises `BadInput`."""
    count = _row_count(asked.tensors)
    if (matrix := _matrix(asked.tensors, schema)) is not None:
        width = len(schema)
        cut = (matrix.items[start : start + width] for start in range(0, count * width, width))
        return checked((by_name(row, schema, place) for place, row in enumerate(cut)), schema)
    known = {field.name: field for field in schema}
    columns = {}
    for tensor in asked.tensors:
        if tensor.name not in known:
            raise BadInput(why=f"the model has no input {tensor.name!r}; it has {', '.join(known)}")
        columns[tensor.name] = _values(tensor, known[tensor.name])
    return checked(({name: values[nth] for name, values in columns.items()} for nth in range(count)), schema)


def _row_count(tensors: Sequence[Tensor]) -> int:
    counts = {tensor.shape[0] for tensor in tensors}
    if len(counts) > 1 or len({tensor.name for tensor in tensors}) < len(tensors):
        raise BadInput(why="every input comes once, and all have the same number of rows")
    count = counts.pop() if counts else 0
    if count > MOST_ROWS:
        raise BadInput(why=f"{count} rows in one request; at most {MOST_ROWS}")
    return count


def _matrix(tensors: Sequence[Tensor], schema: Schema) -> Tensor | None:
    """Return the only tensor when it is a matrix with a column for every input, as clients of scikit-learn servers send."""
    if len(tensors) != 1 or any(field.shape for field in schema):
        return None
    only = tensors[0]
    is_column = len(schema) == 1 and only.name == schema[0].name
    return only if only.shape[1:] == (len(schema),) and not is_column else None


def _values(tensor: Tensor, field: Field) -> list[Any]:
    """Return a tensor's value for each row; a scalar input may come as `[n]` or as `[n, 1]`."""
    own = tensor.shape[1:]
    if own != field.shape and not (not field.shape and own == (1,)):
        expected = [-1, *field.shape]
        raise BadInput(why=f"input {tensor.name!r} has the shape {list(tensor.shape)}, not {expected}")
    if not field.shape:
        return tensor.items
    step = field.width
    return [_nested(tensor.items[at : at + step], field.shape) for at in range(0, len(tensor.items), step)]


def _nested(items: list[Any], shape: tuple[int, ...]) -> list[Any]:
    if len(shape) == 1:
        return items
    step = len(items) // shape[0]
    return [_nested(items[at : at + step], shape[1:]) for at in range(0, len(items), step)]


# ---- answers


def answer(
    asked: Inference, request_id: str, schema: Schema, model: str, version: int, predictions: Sequence[Prediction]
) -> tuple[bytes, int | None]:
    """Return a body, and the length of its JSON when raw tensors follow it; every prediction has an output."""
    chosen = _chosen(asked, schema)
    told, raws = [], []
    for field in schema:
        if field.name in chosen:
            document, raw = _output(field, predictions, raw=chosen[field.name])
            told.append(document)
            raws += [raw] if raw is not None else []
    head = {"model_name": model, "model_version": str(version), "id": request_id, "outputs": told}
    content = msgspec.json.encode(head)
    return (b"".join([content, *raws]), len(content)) if raws else (content, None)


def check_outputs(asked: Inference, schema: Schema) -> None:
    """Raise `BadInput` when the request wants an output that the model does not have."""
    names = [field.name for field in schema]
    for name in asked.outputs or ():
        if name not in names:
            raise BadInput(why=f"the model has no output {name!r}; it has {', '.join(names)}")


def _chosen(asked: Inference, schema: Schema) -> dict[str, bool]:
    return asked.outputs or dict.fromkeys((field.name for field in schema), asked.raw_outputs)


def _output(field: Field, predictions: Sequence[Prediction], *, raw: bool) -> tuple[dict[str, Any], bytes | None]:
    items: list[Any] = []
    for one in predictions:
        value = (one.output or {})[field.name]
        items += [value] if not field.shape else _padded(value, field.width)
    datatype = datatype_of(field.wire_dtype)
    document: dict[str, Any] = {
        "name": field.name,
        "shape": [len(predictions), *field.shape],
        "datatype": datatype,
    }
    content = write_tensor(datatype, items) if raw else None
    if content is None:
        # msgspec writes NaN and infinity as null.
        return document | {"data": items}, None
    return document | {"parameters": {"binary_data_size": len(content)}}, content


def _padded(value: Any, width: int) -> list[Any]:
    return [None] * width if value is None else _flat(value)


def model_list(names: Sequence[str]) -> bytes:
    """Return the names of the models in service, as KServe lists them."""
    return msgspec.json.encode({"models": list(names)})


def ready_document(model: str) -> bytes:
    """Return that a model is ready."""
    return msgspec.json.encode({"name": model, "ready": True})


def server_document(version: str) -> bytes:
    """Return the metadata of the server."""
    return msgspec.json.encode({"name": PLATFORM, "version": version, "extensions": EXTENSIONS})


def model_document(model: str, versions: Sequence[int], inputs: Schema, outputs: Schema) -> bytes:
    """Return the metadata of a model."""
    return msgspec.json.encode(
        {
            "name": model,
            "versions": [str(number) for number in versions],
            "platform": PLATFORM,
            "inputs": [_described(field) for field in inputs],
            "outputs": [_described(field) for field in outputs],
        }
    )


def _described(field: Field) -> dict[str, Any]:
    return {"name": field.name, "datatype": datatype_of(field.wire_dtype), "shape": [-1, *field.shape]}
