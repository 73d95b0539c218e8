"""A DuckDB connection over the log as it is at one moment, shut off from everything else."""

from __future__ import annotations

from bisect import bisect_right
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tenure.adapters.analytics.views import LOG, VIEWS
from tenure.adapters.decision_log import parquet

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tenure.adapters.decision_log.reader import Whole
    from tenure.model.monitoring.alert import Alert

_MEMORY = "1GB"
_THREADS = 2


@dataclass(frozen=True, slots=True)
class Part:
    """Which records are meant: sealed leaves in [first, end), all and the unsealed tail where `end` is None.

    `since` (UTC microseconds) leaves out what was made or told before; `application` keeps one's own.
    """

    first: int = 0
    end: int | None = None
    since: int | None = None
    application: str = ""


@contextmanager
def opened(whole: Whole, part: Part = Part(), alerts: Sequence[Alert] = ()) -> Iterator[Any]:
    """Give a connection with the views; from the first question on it reaches neither files nor the network."""
    import duckdb

    with duckdb.connect() as connection:
        files = [str(file) for file in _files(whole, part)]
        connection.execute(f"SET memory_limit = '{_MEMORY}'; SET threads = {_THREADS}")
        # A name in a query must never find a variable of this process, or a file beside those that are named here.
        connection.execute("SET python_enable_replacements = false; SET temp_directory = ''")
        connection.execute("SET autoinstall_known_extensions = false; SET autoload_known_extensions = false")
        if files:
            connection.execute("SET allowed_paths = ?", [files])
        connection.execute("SET enable_external_access = false; SET lock_configuration = true")
        connection.register("unsealed", _unsealed(whole, part))
        connection.register("every_alert", _alerts(alerts))
        connection.execute(f"CREATE VIEW log AS {_log(files, part)}")
        for name, text in VIEWS.items():
            connection.execute(f"CREATE VIEW {name} AS {text}")
        yield connection


def _files(whole: Whole, part: Part) -> list[Any]:
    """Return the files that may hold leaves of the part."""
    start = max(0, bisect_right(whole.firsts, part.first) - 1)
    end = whole.ending if part.end is None else part.end
    pairs = zip(whole.files[start:], whole.firsts[start:], strict=True)
    return [file for file, first in pairs if first < end]


def _unsealed(whole: Whole, part: Part) -> Any:
    entries = whole.unsealed if part.end is None else ()
    return parquet.table(whole.ending, [("", entry.sequence, entry.head, entry.record) for entry in entries])


def _log(files: Sequence[str], part: Part) -> str:
    where = _where(part)
    names = ", ".join(_quoted(file) for file in files)
    sealed = [LOG.format(source=f"read_parquet([{names}])", where=where)] if files else []
    return " UNION ALL ".join([*sealed, LOG.format(source="unsealed", where=where)])


def _where(part: Part) -> str:
    tests = ["kind NOT IN ('unreadable', 'expired')", f"leaf >= {part.first:d}"]
    tests += [] if part.end is None else [f"leaf < {part.end:d}"]
    tests += [] if part.since is None else [f'"at" >= make_timestamp({part.since:d})']
    tests += [f"application = {_quoted(part.application)}"] if part.application else []
    return " AND ".join(tests)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _alerts(alerts: Sequence[Alert]) -> Any:
    import msgspec
    import pyarrow as pa

    text, number = pa.string(), pa.int64()
    columns: dict[str, tuple[Any, list[Any]]] = {
        "alert_id": (text, [one.id for one in alerts]),
        "model": (text, [one.model for one in alerts]),
        "version": (number, [one.version for one in alerts]),
        "kind": (text, [one.kind for one in alerts]),
        "column_name": (text, [one.column for one in alerts]),
        "state": (text, [one.state.value for one in alerts]),
        "opened_at": (number, [one.opened_at for one in alerts]),
        "first_day": (text, [one.first_day for one in alerts]),
        "last_day": (text, [one.last_day for one in alerts]),
        "windows": (number, [one.windows for one in alerts]),
        "evidence": (text, [msgspec.json.encode(one.evidence).decode() for one in alerts]),
        "acknowledged_by": (text, [one.acknowledged_by for one in alerts]),
        "acknowledged_at": (number, [one.acknowledged_at for one in alerts]),
        "note": (text, [one.note for one in alerts]),
        "resolved_at": (number, [one.resolved_at for one in alerts]),
    }
    return pa.table({name: pa.array(values, kind) for name, (kind, values) in columns.items()})
