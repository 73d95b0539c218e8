"""Data on its way out: SQL, exports, training sets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenure.app import wire
from tenure.app.calls.moments import moment
from tenure.application.decisions.data_out import Wanted

if TYPE_CHECKING:
    from tenure.app.control import Control
    from tenure.governance.access import Actor

_MOST_ROWS = 100_000


def sql(control: Control, actor: Actor, given: wire.Sql) -> wire.SqlAnswer:
    """Ask in SQL."""
    found = control.data_out.sql(actor, given.query, min(max(1, given.limit), _MOST_ROWS))
    columns = [{"name": name, "type": kind} for name, kind in found.columns]
    return wire.SqlAnswer(columns=columns, rows=found.rows, more=found.more)


def export(control: Control, actor: Actor, given: wire.Export) -> wire.ExportAnswer:
    """Export the next portion."""
    wanted = Wanted(max(0, given.after), moment(given.since, control.clock.now()), given.application)
    found = control.data_out.export(actor, wanted, given.parts)
    tables = [wire.ExportedTable(name=one.name, rows=one.rows, parquet=one.content) for one in found.tables]
    return wire.ExportAnswer(first=found.first, ending=found.ending, more=found.more, tables=tables)
