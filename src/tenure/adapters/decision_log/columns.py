"""Finding records by the columns of a sealed file: what no index knows, as scores and latencies, in a span of time."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Any

from tenure.adapters.decision_log.heads import head_of
from tenure.adapters.decision_log.parquet import GROUP_ROWS

if TYPE_CHECKING:
    from pathlib import Path

    from tenure.adapters.decision_log.index import Bounds, Sought


def places(path: Path, first: int, sought: Sought) -> list[tuple[str, int]]:
    """Return (id, leaf) of the records of one file that are sought, its leaves beginning at `first`."""
    from pyarrow import parquet

    equal, ranges = _equal(sought), _ranges(sought)
    with parquet.ParquetFile(path) as file:
        if "score" in ranges and "score" not in file.schema_arrow.names:
            return _one_by_one(file, first, sought)
        groups = [group for group in range(file.num_row_groups) if _may_hold(file, group, ranges)]
        listed = ["rules"] if sought.rule is not None else []
        table = file.read_row_groups(groups, columns=["id", "leaf", *equal, *ranges, *listed])
    table = table.filter(_mask(table, equal, ranges))
    pairs = zip(table["id"].to_pylist(), table["leaf"].to_pylist(), strict=True)
    if sought.rule is not None:
        fired = (sought.rule in (rules or ()) for rules in table["rules"].to_pylist())
        pairs = (pair for pair, is_meant in zip(pairs, fired, strict=True) if is_meant)  # type: ignore[assignment]
    return [(name, leaf) for name, leaf in pairs if sought.after is None or name < sought.after]


def _equal(sought: Sought) -> dict[str, Any]:
    """Return which columns must have which value."""
    asked = {
        "kind": sought.kind,
        "application": sought.application,
        "entity": sought.entity,
        "decided_by": sought.decided_by,
        "model": sought.model,
        "version": sought.version,
        "decision": sought.decision,
    }
    return {name: value for name, value in asked.items() if value is not None}


def _ranges(sought: Sought) -> dict[str, Bounds]:
    """Return between which values, both counted, which columns must lie."""
    span = (sought.since, None if sought.until is None else sought.until - 1)
    asked = {"at": span, "score": sought.score, "elapsed_us": sought.elapsed_us}
    return {name: bounds for name, bounds in asked.items() if bounds != (None, None)}


def _may_hold(file: Any, group: int, ranges: dict[str, Bounds]) -> bool:
    """Return whether a row group's least and greatest values leave it possible that it holds something meant."""
    names = file.schema.names
    for name, (low, high) in ranges.items():
        known = file.metadata.row_group(group).column(names.index(name)).statistics
        if known is None or not known.has_min_max:
            continue
        if (low is not None and known.max_raw < low) or (high is not None and known.min_raw > high):
            return False
    return True


def _mask(table: Any, equal: dict[str, Any], ranges: dict[str, Bounds]) -> Any:
    """Return which rows are meant; what has no value lies in no range."""
    import pyarrow.compute as pc

    tests = [pc.equal(table[name], value) for name, value in equal.items()]
    for name, (low, high) in ranges.items():
        values = table["at"].cast("int64") if name == "at" else table[name]
        tests += [pc.greater_equal(values, low)] if low is not None else []
        tests += [pc.less_equal(values, high)] if high is not None else []
    return reduce(pc.and_, tests)


def _one_by_one(file: Any, first: int, sought: Sought) -> list[tuple[str, int]]:
    """Do the same in a file from before scores had a column: by reading the records."""
    found: list[tuple[str, int]] = []
    for group in range(file.num_row_groups):
        records = file.read_row_group(group, columns=["record"])["record"].to_pylist()
        heads = ((first + group * GROUP_ROWS + row, head_of(record)) for row, record in enumerate(records) if record)
        found += [(head.id, leaf) for leaf, head in heads if sought.holds(head)]
    return found
