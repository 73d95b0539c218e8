"""What can be done with features: ingest, read, list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from tenure.application.features.rows import guessed_view, typed_defaults, typed_rows
from tenure.application.features.view import UnknownView, View, widened
from tenure.governance.access import Permission, authorize
from tenure.governance.audit import Event

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tenure.application.features.ports import FeatureStore
    from tenure.governance.access import Actor
    from tenure.governance.ports import Audit
    from tenure.kit.clock import Clock


@dataclass(frozen=True, slots=True)
class Ingested:
    """How many rows were taken, and the view as it is now."""

    view: View
    rows: int


@dataclass(frozen=True, slots=True)
class ViewState:
    """A view with how much it holds and how fresh it is (UTC microseconds)."""

    view: View
    keys: int
    newest: int | None


class Features:
    """The actions on feature views."""

    def __init__(self, store: FeatureStore, audit: Audit, clock: Clock) -> None:
        self._store = store
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
        defaults: Mapping[str, Any] | None = None,
        ttl_us: int | None = None,
        owner: str = "",
        reason: str = "",
    ) -> Ingested:
        """Take rows into a view, all or none; a view that does not exist yet is defined by them (then `key` is needed).

        The rows are known since `known_at`, or since what their column `at_column` says; default is now.
        """
        authorize(actor, Permission.FEATURES_INGEST)
        old = self._store.views().get(name)
        if old is None and not key:
            raise UnknownView(view=name)
        view = _stated(old or guessed_view(name, key, rows, at_column), defaults, ttl_us, owner)
        now = self._clock.now()
        typed = typed_rows(view, rows, now if known_at is None else known_at, at_column)
        with self._audit.transaction():
            self._audit.write(_event(actor, now, view, old, len(typed), reason))
            if view != old:
                self._store.define(view)
            self._store.ingest(view, typed)
        return Ingested(view, len(typed))

    def define(self, actor: Actor, view: View, reason: str = "") -> View:
        """Define a view, or widen one; what it has keeps its meaning."""
        authorize(actor, Permission.FEATURES_INGEST)
        old = self._store.views().get(view.name)
        whole = _stated(view, view.defaults, view.ttl_us, view.owner)
        new = whole if old is None else widened(old, whole)
        with self._audit.transaction():
            self._audit.write(_event(actor, self._clock.now(), new, old, 0, reason))
            self._store.define(new)
        return new

    def get(self, actor: Actor, name: str, key: str, moment: int | None = None) -> tuple[Mapping[str, Any], int] | None:
        """Return the values of a key with when they became known, now or as of a past moment."""
        authorize(actor, Permission.FEATURES_GET)
        if name not in self._store.views():
            raise UnknownView(view=name)
        return self._store.read(name, key) if moment is None else self._store.read_as_of(name, key, moment)

    def all(self, actor: Actor) -> list[ViewState]:
        """Return every view by name."""
        authorize(actor, Permission.FEATURES_LIST)
        return [ViewState(view, *self._store.size(name)) for name, view in sorted(self._store.views().items())]


def _stated(view: View, defaults: Mapping[str, Any] | None, ttl_us: int | None, owner: str) -> View:
    """Return the view with what the caller states about it; the rest stays."""
    return msgspec.structs.replace(
        view,
        defaults=typed_defaults(view, defaults) if defaults else view.defaults,
        ttl_us=ttl_us or view.ttl_us,
        owner=owner or view.owner,
    )


def _event(actor: Actor, at: int, view: View, old: View | None, rows: int, reason: str) -> Event:
    before = {} if old is None or old == view else {"view": msgspec.to_builtins(old)}
    after = {"rows": rows} if old == view else {"rows": rows, "view": msgspec.to_builtins(view)}
    return Event(Permission.FEATURES_INGEST, actor, at, f"features:{view.name}", reason, before, after)
