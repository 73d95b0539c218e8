"""A feature view: named columns by key, with an owner, a time to live and defaults."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from tenure.contract.schema import Field
from tenure.kit.errors import Kind, TenureError

MOST_LISTED = 1000


class Aggregate(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a column is computed from events: over all of a key, or over those of the last `window_us` microseconds.

    A `list` has each value once, the one that came last first, and at most the newest `MOST_LISTED`.
    """

    name: str
    how: Literal["count", "sum", "mean", "last", "list"]
    of: str = ""
    window_us: int | None = None


class Feed(msgspec.Struct, frozen=True, omit_defaults=True):
    """The application's own events that a view is computed from, the event's fields, and how each column is made."""

    application: str
    event: str
    fields: tuple[Field, ...]
    columns: tuple[Aggregate, ...]


class View(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a view holds. `key` names the column of a file that carries the key, `entity` says what a key stands for.

    A value older than `ttl_us` microseconds counts as missing; None means that it never grows old. `defaults` stand in
    for what is missing where an application says `on_missing: default`.
    """

    name: str
    key: str
    columns: tuple[Field, ...]
    owner: str = ""
    ttl_us: int | None = None
    defaults: dict[str, Any] = {}
    entity: str = ""
    description: str = ""
    feed: Feed | None = None


class FedByEvents(TenureError):
    """The view is computed from events, so nobody writes rows into it."""

    code = "fed-by-events"
    kind = Kind.CONFLICT
    message = "the feature view {view} is computed from the event {event} of {application}"
    next_step = "tell events instead: POST /api/v1/applications/{application}/events, or tenure events import"


class UnknownView(TenureError):
    """No such view has been defined."""

    code = "unknown-view"
    kind = Kind.NOT_FOUND
    message = "there is no feature view {view!r}"
    next_step = "define it with its first rows: tenure features ingest {view} FILE --key COLUMN"


class ViewChanged(TenureError):
    """A view may gain columns, an owner, defaults and a time to live; what it has keeps its meaning."""

    code = "view-changed"
    kind = Kind.CONFLICT
    message = "{view}: {why}"
    next_step = "give the changed column another name, or define another view"


class BadRow(TenureError):
    """A row does not fit the view."""

    code = "bad-feature-row"
    kind = Kind.BAD_INPUT
    message = "row {row} of {view}, column {column!r}: {why}"
    next_step = "correct the row, or name the column with each row's time (--at-column); nothing of this file was taken"


def widened(old: View, new: View) -> View:
    """Return the new definition if no column that the old one has is lost or changes its type, else raise `ViewChanged`."""
    after = {column.name: column for column in new.columns}
    for column in old.columns:
        if column.name not in after:
            raise ViewChanged(view=old.name, why=f"the column {column.name!r} would be lost")
        if after[column.name].type != column.type:
            raise ViewChanged(
                view=old.name, why=f"{column.name!r} is {column.type} and would become {after[column.name].type}"
            )
    if new.key != old.key:
        raise ViewChanged(view=old.name, why=f"its key is {old.key!r} and would become {new.key!r}")
    return new
