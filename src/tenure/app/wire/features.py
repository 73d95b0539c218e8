"""Feature views: their definitions, their rows, training sets."""

from __future__ import annotations

from typing import Any

from tenure.app.wire.shared import Input, Listing, Output


class WatermarkGiven(Input, frozen=True):
    """How far a source was read: the greatest value of `column` in what is taken now or was before."""

    source: str
    column: str
    value: Any


class Ingest(Input, frozen=True):
    """Rows for a view, all or none; a view that does not exist yet is defined by them (then `key` is needed).

    The rows are known since `known_at` (RFC 3339), or since what their column `at_column` says; default is now. Of rows
    for one key and moment the one written last counts: as `written_column` says, else the one taken last. `watermark`
    is kept with the rows, so that whoever reads a source goes on where they end.
    """

    view: str
    rows: list[dict[str, Any]]
    key: str = ""
    known_at: str = ""
    at_column: str = ""
    written_column: str = ""
    watermark: WatermarkGiven | None = None
    defaults: dict[str, Any] = {}
    owner: str = ""
    reason: str = ""


class IngestAnswer(Output, frozen=True):
    """How many rows were taken, and how many of them said something new."""

    view: str
    rows: int
    new: int


class ApplyView(Input, frozen=True):
    """The text of a view's file (docs/features.md)."""

    text: str
    reason: str = ""


class ListViews(Listing, frozen=True):
    """Which feature views to list: those whose name contains `name`, those of an owner."""

    name: str = ""
    owner: str = ""


class ShowView(Input, frozen=True):
    """One feature view."""

    view: str


class Feature(Input, frozen=True):
    """The values of a key, now or `as_of` a moment (RFC 3339)."""

    view: str
    key: str
    as_of: str = ""


class FeatureAnswer(Output, frozen=True):
    """The values, since when they are known, and how old they are in seconds; None where there are none."""

    view: str
    key: str
    values: dict[str, Any] | None
    known_at: str | None
    age: float | None = None


class ViewAnswer(Output, frozen=True):
    """One view with how much it holds and how fresh it is: `age` of the newest value and `ttl` in seconds, `stale` keys."""

    view: str
    key: str
    owner: str
    columns: list[dict[str, Any]]
    defaults: dict[str, Any]
    keys: int
    newest: str | None
    stale: int = 0
    age: float | None = None
    ttl: float | None = None
    entity: str = ""
    description: str = ""
    #: the application's own events that the columns are computed from
    feed: dict[str, Any] | None = None
    url: str = ""


class WatermarkAnswer(Output, frozen=True):
    """How far a source was read into a view, and when."""

    source: str
    column: str
    value: Any
    at: str


class ViewDetail(ViewAnswer, frozen=True):
    """One view; `missing` is for each column the share of keys without a value, `used_by` the applications in force."""

    missing: dict[str, float] = {}
    watermarks: list[WatermarkAnswer] = []
    used_by: list[str] = []
    #: whether a definition that was applied differs from the one before
    changed: bool = False


class ToldEvent(Input, frozen=True):
    """Something that happened. `id` is the caller's own: the same one counts once. `at` is RFC 3339, else now."""

    event: str
    values: dict[str, Any]
    id: str = ""
    at: str | None = None


class ImportEvents(Input, frozen=True):
    """Events of an application, all recorded or none; the next decision knows them."""

    application: str
    events: list[ToldEvent]


class EventsAnswer(Output, frozen=True):
    """How many events are in the log now, and the ids of their records."""

    application: str
    recorded: int
    ids: list[str]
    fresh: bool = True


class Join(Input, frozen=True):
    """Rows (`table`, a Parquet file) to be joined with what views knew at each row's moment, its column `at`.

    `views` names views, each with the rows' column that carries its key (empty: the view's own key); `application` takes
    those that its revision in force reads, with its defaults.
    """

    table: bytes
    at: str
    views: dict[str, str] = {}
    application: str = ""


class JoinAnswer(Output, frozen=True):
    """The same rows in the same order with the views' columns; `parquet` is the file."""

    rows: int
    parquet: bytes
