"""SQL and exports."""

from __future__ import annotations

from typing import Any

import msgspec

from tenure.app.wire.shared import Input, Output


class Sql(Input, frozen=True):
    """One SELECT over the views of docs/data-out.md; at most `limit` rows (100,000 at most) are returned."""

    query: str
    limit: int = 1000


class SqlAnswer(Output, frozen=True):
    """The columns with their types, the rows in the same order, and whether there were more than asked for."""

    columns: list[dict[str, str]]
    rows: list[list[Any]]
    more: bool


class Export(Input, frozen=True):
    """The next portion of an export: records after place `after` of the log, in its order; 0 begins.

    `since` (an age or a moment) leaves out what was made or told before. `with` features, outcomes: not the views but
    the training set, one row for each decision.
    """

    after: int = 0
    application: str = ""
    since: str = ""
    parts: list[str] = msgspec.field(default_factory=list, name="with")


class ExportedTable(Output, frozen=True):
    """One table of a portion; `parquet` is the file."""

    name: str
    rows: int
    parquet: bytes


class ExportAnswer(Output, frozen=True):
    """The records from place `first` up to `ending`, which is `after` of the next portion; `more` if there is one."""

    first: int
    ending: int
    more: bool
    tables: list[ExportedTable]
