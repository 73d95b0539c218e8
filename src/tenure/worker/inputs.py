"""Row bytes to what a model is given: a list of dicts, a matrix, or a data frame with the exact dtypes.

The layout depends on the schema alone, never on the values, so that two calls with the same rows are the same call.
"""

from __future__ import annotations

from typing import Any, Callable

from .columns import Codec
from .package import Refused


def arranger(form: str, codec: Codec) -> Callable[[list[bytes]], Any]:
    """Return the function that makes the model's argument of many rows' bytes."""
    if form == "records":
        return lambda rows: [codec.unpack_row(row) for row in rows]
    if form == "matrix":
        return _Arrays(codec).matrix
    if form == "frame":
        return _Frames(codec)
    raise Refused("this worker does not know the input form %r" % form)


class _Arrays:
    """Columns of row bytes as numpy arrays."""

    def __init__(self, codec: Codec) -> None:
        import numpy

        self.numpy, self.codec = numpy, codec
        numbers = [column for column in codec.columns if column.format]
        #: one row's number columns as a packed record: validity bytes as v0, v1, …, values as f0, f1, …
        self.record = numpy.dtype([part for nth, column in enumerate(numbers) for part in _parts(nth, column)])
        dtypes = {(column.dtype, column.nullable) for column in codec.columns}
        #: the dtype of all columns when all are numbers of one kind that are never null
        self.single = numbers[0].dtype if len(dtypes) == 1 and codec.fixed and not numbers[0].nullable else None

    def matrix(self, rows: list[bytes]) -> Any:
        """Return the rows as one array, columns side by side; one column of a shape keeps that shape."""
        if self.single:
            block = self.block(rows)
            alone = self.codec.columns[0] if len(self.codec.columns) == 1 else None
            return block.reshape((len(rows), *alone.shape)) if alone is not None and alone.shape else block
        flat = [array.reshape(len(rows), -1) for array in self.columns(rows)]
        return self.numpy.ascontiguousarray(self.numpy.concatenate(flat, axis=1))

    def block(self, rows: list[bytes]) -> Any:
        """Return the rows of one single dtype as a writable matrix in row order."""
        # A bytearray, because arrays over bytes are read-only and compiled models refuse these.
        return self.numpy.frombuffer(bytearray().join(rows), _little(self.single)).reshape(len(rows), -1)

    def columns(self, rows: list[bytes]) -> list[Any]:
        """Return one array per column, in order."""
        records, texts = self._records(rows)
        arrays, numbers, strings = [], 0, iter(texts)
        for column in self.codec.columns:
            if column.format:
                arrays.append(self._numbers(column, records, numbers))
                numbers += 1
            else:
                arrays.append(self._objects(next(strings), column))
        return arrays

    def _records(self, rows: list[bytes]) -> tuple[Any, list[list[Any]]]:
        if self.codec.fixed:
            return self.numpy.frombuffer(bytearray().join(rows), self.record), []
        apart = [self.codec.apart(row) for row in rows]
        fixed = self.numpy.frombuffer(bytearray().join([fixed for fixed, _ in apart]), self.record)
        return fixed if self.record.itemsize else None, [list(texts) for texts in zip(*[texts for _, texts in apart])]

    def _numbers(self, column: Any, records: Any, nth: int) -> Any:
        values = self.numpy.ascontiguousarray(records["f%d" % nth])
        values = values != 0 if column.dtype == "bool" else values
        if not column.nullable:
            return values
        absent = records["v%d" % nth] == 0
        return self._with_nulls(column, values, absent)

    def _with_nulls(self, column: Any, values: Any, absent: Any) -> Any:
        """Return values with nulls as pandas reads them: NaN for numbers (integers become float64), None for bool."""
        if column.dtype == "bool":
            values = values.astype(object)
            values[absent] = None
            return values
        values = values if column.dtype.startswith("float") else values.astype("float64")
        values[absent] = self.numpy.nan
        return values

    def _objects(self, texts: list[Any], column: Any) -> Any:
        array = self.numpy.empty((len(texts), *column.shape), dtype=object)
        for nth, text in enumerate(texts):
            array[nth] = self.numpy.nan if text is None else text
        return array


class _Frames(_Arrays):
    """Rows as pandas data frames."""

    def __init__(self, codec: Codec) -> None:
        _Arrays.__init__(self, codec)
        import pandas

        self.pandas = pandas
        if any(column.shape for column in codec.columns):
            raise Refused("a data frame holds no column of a shape: use the form matrix or records")

    def __call__(self, rows: list[bytes]) -> Any:
        """Return the data frame of these rows."""
        if self.single and self.single != "bool":
            return self.pandas.DataFrame(self.block(rows), columns=self.codec.names, copy=False)
        arrays = zip(self.codec.columns, self.columns(rows))
        return self.pandas.DataFrame(
            {column.name: self._held(column, array) for column, array in arrays}, columns=self.codec.names
        )

    def _held(self, column: Any, array: Any) -> Any:
        """Return what makes pandas keep the column's dtype. A plain array costs it a third of what a Series does."""
        if column.dtype == "category":
            return self.pandas.Categorical(array, categories=list(column.values or ()) or None)  # noqa: PD011
        # Without the explicit dtype newer pandas would infer its own string type.
        return self.pandas.Series(array, dtype=object) if array.dtype == object else array


def _parts(nth: int, column: Any) -> list[tuple[Any, ...]]:
    value = ("f%d" % nth, _little("uint8" if column.dtype == "bool" else column.dtype), column.shape)
    return [("v%d" % nth, "u1"), value] if column.nullable else [value]


def _little(dtype: Any) -> str:
    kinds = {"float64": "<f8", "float32": "<f4", "int64": "<i8", "int32": "<i4", "int16": "<i2", "int8": "i1"}
    return kinds.get(dtype, "u1")
