"""What can be done with features: define, ingest, read, list, join for training."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from tenure.application.features.joining import NoViews, as_used, by_name
from tenure.application.features.rows import Times, guessed_view, typed_defaults, typed_rows
from tenure.application.features.view import FedByEvents, UnknownView, View, widened
from tenure.application.features.written import parse_view
from tenure.governance.access import Permission, authorize
from tenure.governance.audit import Event

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tenure.application.features.ports import FeatureStore, Held, PointInTime, Watermark
    from tenure.application.revisions.terms import FeatureUse
    from tenure.governance.access import Actor
    from tenure.governance.ports import Audit
    from tenure.kit.clock import Clock


@dataclass(frozen=True, slots=True)
class Ingested:
    """How many rows were taken, how many of them were new, and the view as it is now."""

    view: View
    rows: int
    new: int


@dataclass(frozen=True, slots=True)
class ViewState:
    """A view with how much it holds and how fresh it is.

    `missing` counts the keys without a value by column, `watermarks` say how far sources were read; both only of one view.
    """

    view: View
    held: Held
    missing: Mapping[str, int] = field(default_factory=dict)
    watermarks: tuple[Watermark, ...] = ()


class Features:
    """The actions on feature views."""

    def __init__(self, store: FeatureStore, join: PointInTime, audit: Audit, clock: Clock) -> None:
        self._store = store
        self._join = join
        self._audit = audit
        self._clock = clock

    def ingest(
        self,
        actor: Actor,
        name: str,
        rows: Sequence[Mapping[str, Any]],
        *,
        key: str = "",
        known_at: int | None = None,
        at_column: str = "",
        written_column: str = "",
        watermark: Watermark | None = None,
        defaults: Mapping[str, Any] | None = None,
        ttl_us: int | None = None,
        owner: str = "",
        reason: str = "",
    ) -> Ingested:
        """Take rows into a view, all or none; a view that does not exist yet is defined by them (then `key` is needed).

        The rows are known since `known_at`, or since what their column `at_column` says; default is now. Of rows for one
        moment the one written last counts: the later one taken, or what `written_column` says.
        """
        authorize(actor, Permission.FEATURES_INGEST)
        old = self._store.views().get(name)
        if old is None and not key:
            raise UnknownView(view=name)
        if old is not None and old.feed is not None:
            raise FedByEvents(view=name, event=old.feed.event, application=old.feed.application)
        view = _stated(old or guessed_view(name, key, rows, {at_column, written_column}), defaults, ttl_us, owner)
        now = self._clock.now()
        times = Times(now if known_at is None else known_at, now, at_column, written_column)
        typed = typed_rows(view, rows, times)
        with self._audit.transaction():
            self._audit.write(_event(Permission.FEATURES_INGEST, actor, now, view, old, len(typed), reason))
            if view != old:
                self._store.define(view)
            new = self._store.ingest(view, typed, watermark)
        return Ingested(view, len(typed), new)

    def apply(self, actor: Actor, text: str, reason: str = "") -> tuple[View, bool]:
        """Define a view as its file says, or widen one; what it has keeps its meaning. Return it and whether it changed."""
        authorize(actor, Permission.FEATURES_APPLY)
        view = parse_view(text)
        old = self._store.views().get(view.name)
        new = msgspec.structs.replace(view, defaults=typed_defaults(view, view.defaults))
        if old is not None:
            widened(old, new)
        if new != old:
            with self._audit.transaction():
                self._audit.write(_event(Permission.FEATURES_APPLY, actor, self._clock.now(), new, old, 0, reason))
                self._store.define(new)
        return new, new != old

    def get(self, actor: Actor, name: str, key: str, moment: int | None = None) -> tuple[Mapping[str, Any], int] | None:
        """Return the values of a key with when they became known, now or as of a past moment."""
        authorize(actor, Permission.FEATURES_GET)
        if name not in self._store.views():
            raise UnknownView(view=name)
        return self._store.read(name, key) if moment is None else self._store.read_as_of(name, key, moment)

    def all(self, actor: Actor) -> list[ViewState]:
        """Return every view by name."""
        authorize(actor, Permission.FEATURES_LIST)
        return [ViewState(view, self._store.held(name)) for name, view in sorted(self._store.views().items())]

    def show(self, actor: Actor, name: str) -> ViewState:
        """Return one view with what is missing in it and how far its sources were read; raise `UnknownView`."""
        authorize(actor, Permission.FEATURES_SHOW)
        view = self._store.views().get(name)
        if view is None:
            raise UnknownView(view=name)
        store = self._store
        return ViewState(view, store.held(name), store.missing(view), tuple(store.watermarks(name)))

    def join(
        self, actor: Actor, table: bytes, at_column: str, views: Mapping[str, str], uses: Sequence[FeatureUse] = ()
    ) -> tuple[int, bytes]:
        """Return a Parquet file's rows with what the views knew at each row's own moment: every row once, in order.

        `views` are named with the rows' key column (empty: the view's own), `uses` are those of an application.
        """
        authorize(actor, Permission.FEATURES_JOIN)
        known = self._store.views()
        joinings = by_name(known, views) + as_used(known, uses)
        if not joinings:
            raise NoViews
        found = self._join.join(table, at_column, joinings)
        names = sorted(one.view.name for one in joinings)
        with self._audit.transaction():
            after = {"rows": found[0], "views": names}
            self._audit.write(Event(Permission.FEATURES_JOIN, actor, self._clock.now(), "features", after=after))
        return found


def _stated(view: View, defaults: Mapping[str, Any] | None, ttl_us: int | None, owner: str) -> View:
    """Return the view with what the caller states about it; the rest stays."""
    return msgspec.structs.replace(
        view,
        defaults=typed_defaults(view, defaults) if defaults else view.defaults,
        ttl_us=ttl_us or view.ttl_us,
        owner=owner or view.owner,
    )


def _event(
    permission: Permission, actor: Actor, at: int, view: View, old: View | None, rows: int, reason: str
) -> Event:
    before = {} if old is None or old == view else {"view": msgspec.to_builtins(old)}
    after = {"rows": rows} if old == view else {"rows": rows, "view": msgspec.to_builtins(view)}
    return Event(permission, actor, at, f"features:{view.name}", reason, before, after)
