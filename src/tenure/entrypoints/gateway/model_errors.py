"""Errors in the forms of the model protocols, and the statuses that these prescribe."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tenure.entrypoints.api import errors
from tenure.entrypoints.gateway.problems import Answer
from tenure.entrypoints.gateway.scoring import UnknownContentType
from tenure.kit.errors import Kind, TenureError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tenure.contract.predictor import Prediction

_JSON = (b"content-type", b"application/json")
_OF_FAILURE = {"raised": 500, "timeout": 504, "unavailable": 503, "overloaded": 429, "quarantined": 422, "bad_row": 400}
#: the words of MLflow's own protocol buffers (mlflow.protos.databricks_pb2.ErrorCode)
_WORDS = {
    400: "BAD_REQUEST",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "RESOURCE_DOES_NOT_EXIST",
    405: "BAD_REQUEST",
    409: "BAD_REQUEST",
    413: "BAD_REQUEST",
    422: "BAD_REQUEST",
    429: "REQUEST_LIMIT_EXCEEDED",
    503: "TEMPORARILY_UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


class NoPrediction(TenureError):
    """The version did not answer a row; the record of the row says so too."""

    code = "no-prediction"
    kind = Kind.UNAVAILABLE
    message = "row {row}: {why}"
    next_step = "see `tenure logs` of the version"


def check_answered(predictions: Sequence[Prediction]) -> None:
    """Raise `NoPrediction` for the first row without an output: these protocols answer all rows or none."""
    for row, one in enumerate(predictions):
        if one.output is None:
            raise NoPrediction(row=row, why=one.error or one.failure, failure=one.failure)


def status_of(error: TenureError) -> int:
    """Return the status: 400 for what is wrong with the request, as both protocols have it."""
    if isinstance(error, NoPrediction):
        return _OF_FAILURE[error.facts["failure"]]
    if isinstance(error, UnknownContentType):
        return 415
    return 400 if error.kind is Kind.BAD_INPUT else errors.status_of(error)


def in_oip(error: TenureError) -> Answer:
    """Return an error in the form of the Open Inference Protocol."""
    return _answer(error, status_of(error), msgspec.json.encode({"error": str(error)}))


def in_mlflow(error: TenureError) -> Answer:
    """Return an error in MLflow's form; where the model raised it is 400, as from MLflow's own server."""
    status = status_of(error)
    if isinstance(error, UnknownContentType):
        return Answer(status, [(b"content-type", b"text/plain; charset=utf-8")], str(error).encode())
    if isinstance(error, NoPrediction) and error.facts["failure"] == "raised":
        status = 400
    word = _WORDS.get(status, "INTERNAL_ERROR")
    return _answer(error, status, msgspec.json.encode({"error_code": word, "message": str(error)}))


def _answer(error: TenureError, status: int, content: bytes) -> Answer:
    more = [(name.lower().encode(), value.encode()) for name, value in errors.headers_of(error).items()]
    if status not in {401, 405, 429, 503}:
        more = []
    return Answer(status, [_JSON, (b"content-length", str(len(content)).encode()), *more], content)
