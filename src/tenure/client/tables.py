"""Tables of a notebook as rows for the wire, and back; no library is loaded that the notebook does not have."""

from __future__ import annotations

import base64
import io
from typing import Any


def plain_rows(rows: Any) -> list[dict[str, Any]]:
    """Return a list of objects, a DataFrame (pandas, polars) or an Arrow table as rows that JSON carries."""
    if hasattr(rows, "to_pylist"):
        found = rows.to_pylist()
    elif hasattr(rows, "to_dicts"):
        found = rows.to_dicts()
    elif hasattr(rows, "to_dict"):
        found = rows.to_dict("records")
    else:
        found = rows
    return [{str(name): _plain(value) for name, value in row.items()} for row in found]


def arrow_table(rows: Any) -> Any:
    """Return the same as an Arrow table."""
    import pyarrow as pa

    if isinstance(rows, pa.Table):
        return rows
    if hasattr(rows, "to_arrow"):
        return rows.to_arrow()
    if hasattr(rows, "to_dict"):
        return pa.Table.from_pandas(rows, preserve_index=False)
    return pa.Table.from_pylist(list(rows))


def to_parquet(table: Any) -> str:
    """Return a table as a Parquet file in base64."""
    from pyarrow import parquet

    content = io.BytesIO()
    parquet.write_table(table, content)
    return base64.b64encode(content.getvalue()).decode()


def from_parquet(content: str | bytes) -> Any:
    """Return the table of a Parquet file in base64."""
    from pyarrow import parquet

    return parquet.read_table(io.BytesIO(base64.b64decode(content)))


def _plain(value: Any) -> Any:
    """Return a cell as JSON carries it: moments as text, numbers of numpy as Python's, what is missing as None."""
    if value != value:  # noqa: PLR0124 - NaN and NaT are not equal to themselves
        return None
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return value.item() if hasattr(value, "item") else value
