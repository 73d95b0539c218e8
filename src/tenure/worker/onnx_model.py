"""An ONNX graph as a model: rows in, the scores of its last output out, by the onnxruntime of the model's environment."""

from __future__ import annotations

import importlib
from typing import Any

#: the element types of ONNX inputs and what numpy calls them
_TYPES = {
    "tensor(float)": "float32", "tensor(double)": "float64", "tensor(float16)": "float16", "tensor(int64)": "int64",
    "tensor(int32)": "int32", "tensor(int16)": "int16", "tensor(int8)": "int8", "tensor(uint8)": "uint8",
    "tensor(bool)": "bool", "tensor(string)": "object",
}  # fmt: skip


class OnnxModel:
    """A graph with one input of many columns, or with one input per column.

    `predict` gives the first output. `predict_proba` gives the second one of a classifier: the probability of class
    two where there are two, else a vector. Graphs of a fixed number of rows are asked in portions of it.
    """

    def __init__(self, path: str, threads: int) -> None:
        self._numpy: Any = importlib.import_module("numpy")
        library = importlib.import_module("onnxruntime")
        options = library.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.execution_mode = library.ExecutionMode.ORT_SEQUENTIAL
        self._session = library.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self._inputs = self._session.get_inputs()
        self._outputs = [output.name for output in self._session.get_outputs()]
        first = (self._inputs[0].shape or [None])[0]
        self._portion = first if isinstance(first, int) and first > 0 else 0

    def predict(self, rows: Any) -> Any:
        """Return the first output, one value a row."""
        return self._flat(self._asked(rows, self._outputs[:1])[0])

    def predict_proba(self, rows: Any) -> Any:
        """Return the probabilities of a classifier."""
        given = self._asked(rows, self._outputs[1:2])[0]
        if isinstance(given, list):
            given = self._numpy.array([[row[label] for label in sorted(row)] for row in given], dtype="float32")
        return given[:, 1] if len(given.shape) == 2 and given.shape[1] == 2 else given

    def _asked(self, rows: Any, names: list[str]) -> list[Any]:
        count = len(rows)
        portion = self._portion or count
        parts = [self._portion_of(rows, start, portion, names) for start in range(0, count, portion)]
        if len(parts) == 1:
            return parts[0]
        return [_joined(self._numpy, pieces) for pieces in zip(*parts)]

    def _portion_of(self, rows: Any, start: int, portion: int, names: list[str]) -> list[Any]:
        feed = self._feed(rows[start : start + portion], portion)
        real = min(portion, len(rows) - start)
        return [output[:real] for output in self._session.run(names, feed)]

    def _feed(self, rows: Any, portion: int) -> dict[str, Any]:
        if not hasattr(rows, "shape"):
            columns = {one.name: [row[one.name] for row in rows] for one in self._inputs}
            arrays = {one.name: self._numpy.array(columns[one.name], _TYPES[one.type]) for one in self._inputs}
            return {name: self._filled(array.reshape(len(rows), -1), portion) for name, array in arrays.items()}
        only = self._inputs[0]
        return {only.name: self._filled(rows.astype(_TYPES[only.type], copy=False), portion)}

    def _filled(self, array: Any, portion: int) -> Any:
        """Return an array of exactly `portion` rows, the last one repeated."""
        lacking = portion - len(array)
        return self._numpy.concatenate([array, *[array[-1:]] * lacking]) if lacking else array

    @staticmethod
    def _flat(values: Any) -> Any:
        return values[:, 0] if len(values.shape) == 2 and values.shape[1] == 1 else values


def _joined(numpy: Any, pieces: Any) -> Any:
    if isinstance(pieces[0], list):
        return [row for piece in pieces for row in piece]
    return numpy.concatenate(pieces)
