"""Questions over the whole log: SQL from outside, exports by leaf, training sets, and what waits for people."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from tenure.adapters.analytics.asking import ask
from tenure.adapters.analytics.counting import counted
from tenure.adapters.analytics.opened import Part, opened
from tenure.adapters.analytics.training import training_tables
from tenure.adapters.analytics.views import OF_LOG, VIEWS
from tenure.application.decisions.data_out import Portion, Written

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tenure.adapters.analytics.training import Columns
    from tenure.adapters.decision_log.reader import LogReader
    from tenure.application.decisions.data_out import Rows, Wanted
    from tenure.application.decisions.figures import ApplicationFigures, Span
    from tenure.model.monitoring.alert import Alert

#: records that are exported at once
PORTION = 50_000
_SECONDS = 60.0


class Analytics:
    """The log as tables; every question opens the log anew, as it is at that moment."""

    def __init__(
        self,
        reader: LogReader,
        alerts: Callable[[], Sequence[Alert]],
        seal: Callable[[], object],
        columns: Callable[[], Mapping[str, Columns]],
        portion: int = PORTION,
    ) -> None:
        self._reader = reader
        self._alerts = alerts
        self._seal = seal
        self._columns = columns
        self._portion = portion

    def ask(self, sql: str, limit: int) -> Rows:
        """Return the rows of one SELECT over the views."""
        with opened(self._reader.whole(), alerts=self._alerts()) as connection:
            return ask(connection, sql, limit, _SECONDS)

    def portion(self, wanted: Wanted) -> Portion:
        """Return every view's rows of the next records in the log's order, as Parquet; all that is durable is sealed first."""
        part, ending, more = self._next(wanted)
        whole = self._reader.whole()
        with opened(whole, part, self._alerts()) as connection:
            names = OF_LOG if more or wanted.application else VIEWS
            tables = {name: connection.sql(f"SELECT * FROM {name}").to_arrow_table() for name in names}  # noqa: S608
        return Portion(part.first, ending, more, tuple(_written(name, each) for name, each in tables.items()))

    def training(self, wanted: Wanted, parts: Sequence[str]) -> Portion:
        """Return the next decisions as rows to train with, a table for each application."""
        part, ending, more = self._next(wanted)
        whole = self._reader.whole()
        tables = training_tables(whole, part, self._columns(), parts)
        return Portion(part.first, ending, more, tuple(_written(name, each) for name, each in tables.items()))

    def made(self, application: str, since: int | None, until: int | None) -> int:
        """Return how many decisions were made in [since, until)."""
        bound = "" if until is None else f" AND moment < make_timestamp({until:d})"
        part = Part(application=application, since=since)
        with opened(self._reader.whole(), part) as connection:
            rows = connection.sql(f"SELECT count(*) FROM log WHERE kind = 'decision'{bound}").fetchall()  # noqa: S608
        return int(rows[0][0])

    def figures(self, span: Span, application: str) -> list[ApplicationFigures]:
        """Return the figures of one application, or of all that decided anything in the span."""
        part = Part(application=application, since=span.since)
        with opened(self._reader.whole(span.since, span.until), part) as connection:
            return counted(connection, span)

    def _next(self, wanted: Wanted) -> tuple[Part, int, bool]:
        self._seal()
        last = self._reader.whole().ending
        ending = min(last, wanted.after + self._portion)
        part = Part(wanted.after, max(ending, wanted.after), wanted.since, wanted.application)
        return part, max(ending, wanted.after), ending < last


def _written(name: str, table: Any) -> Written:
    from pyarrow import parquet

    content = io.BytesIO()
    parquet.write_table(table, content, compression="zstd")
    return Written(name, table.num_rows, content.getvalue())
