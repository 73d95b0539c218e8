"""Feature views."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from tenure.app import wire
from tenure.app.calls.moments import moment, shown
from tenure.application.features.events import Told
from tenure.application.features.ports import Watermark
from tenure.kit.clock import SECOND, iso

if TYPE_CHECKING:
    from tenure.app.control import Control
    from tenure.application.features.actions import ViewState
    from tenure.governance.access import Actor


def ingest(control: Control, actor: Actor, given: wire.Ingest) -> wire.IngestAnswer:
    """Take rows into a view."""
    now = control.clock.now()
    mark = given.watermark
    taken = control.features.ingest(
        actor,
        given.view,
        given.rows,
        key=given.key,
        known_at=moment(given.known_at, now),
        at_column=given.at_column,
        written_column=given.written_column,
        watermark=None if mark is None else Watermark(mark.source, mark.column, mark.value, now),
        defaults=given.defaults,
        owner=given.owner,
        reason=given.reason,
    )
    return wire.IngestAnswer(view=taken.view.name, rows=taken.rows, new=taken.new)


def apply(control: Control, actor: Actor, given: wire.ApplyView) -> wire.ViewDetail:
    """Define a view."""
    view, changed = control.features.apply(actor, given.text, given.reason)
    found = control.features.show(actor, view.name)
    return msgspec.structs.replace(_detail(control, found), changed=changed)


def feature(control: Control, actor: Actor, given: wire.Feature) -> wire.FeatureAnswer:
    """Show the values of a key."""
    now = control.clock.now()
    asked = moment(given.as_of, now)
    found = control.features.get(actor, given.view, given.key, asked)
    if found is None:
        return wire.FeatureAnswer(view=given.view, key=given.key, values=None, known_at=None)
    values: dict[str, Any] = dict(found[0])
    age = ((now if asked is None else asked) - found[1]) / SECOND
    return wire.FeatureAnswer(view=given.view, key=given.key, values=values, known_at=shown(found[1]), age=age)


def views(control: Control, actor: Actor, _: wire.ListViews) -> list[wire.ViewAnswer]:
    """List feature views."""
    return [wire.ViewAnswer(**_facts(control, state)) for state in control.features.all(actor)]


def show(control: Control, actor: Actor, given: wire.ShowView) -> wire.ViewDetail:
    """Show one view."""
    return _detail(control, control.features.show(actor, given.view))


def tell(control: Control, actor: Actor, given: wire.ImportEvents) -> wire.EventsAnswer:
    """Record what happened."""
    told = [Told(one.event, one.values, one.id, one.at) for one in given.events]
    ids = control.events.tell(actor, given.application, told)
    return wire.EventsAnswer(application=given.application, recorded=len(ids), ids=ids)


def join(control: Control, actor: Actor, given: wire.Join) -> wire.JoinAnswer:
    """Join rows with what was known at their moments."""
    uses = control.applications.show(actor, given.application).definition.features if given.application else ()
    rows, content = control.features.join(actor, given.table, given.at, given.views, uses)
    return wire.JoinAnswer(rows=rows, parquet=content)


def _facts(control: Control, state: ViewState) -> dict[str, Any]:
    view, held = state.view, state.held
    return {
        "view": view.name,
        "key": view.key,
        "owner": view.owner,
        "columns": [msgspec.to_builtins(column) for column in view.columns],
        "defaults": view.defaults,
        "keys": held.keys,
        "newest": shown(held.newest),
        "stale": held.stale,
        "age": None if held.newest is None else (control.clock.now() - held.newest) / SECOND,
        "ttl": None if view.ttl_us is None else view.ttl_us / SECOND,
        "entity": view.entity or view.key,
        "description": view.description,
        "feed": None if view.feed is None else msgspec.to_builtins(view.feed),
        "url": control.url(f"/features/{view.name}"),
    }


def _detail(control: Control, state: ViewState) -> wire.ViewDetail:
    keys = state.held.keys
    name = state.view.name
    active = control.revisions.all_active()
    return wire.ViewDetail(
        **_facts(control, state),
        missing={column: count / keys for column, count in state.missing.items()} if keys else {},
        watermarks=[
            wire.WatermarkAnswer(source=one.source, column=one.column, value=one.value, at=iso(one.at))
            for one in state.watermarks
        ],
        used_by=sorted(one.ref for one in active if any(use.view == name for use in one.definition.features)),
    )
