"""The officer's file and the inventory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tenure.accountability.packing import Span
from tenure.app import wire
from tenure.app.calls.known import known_as
from tenure.app.calls.moments import moment
from tenure.app.calls.versions import named
from tenure.kit.clock import iso
from tenure.model.registry.attaching import plain
from tenure.model.version import parse_name

if TYPE_CHECKING:
    from tenure.accountability.inventory import Line
    from tenure.app.control import Control
    from tenure.governance.access import Actor


def attach(control: Control, actor: Actor, given: wire.Attach) -> wire.PaperAnswer:
    """Attach a file to a version."""
    ref = named(given.model, given.version)
    paper = control.papers.attach(actor, ref, given.kind, given.name, given.content, given.note)
    return wire.PaperAnswer(ref=paper.ref, url=control.url(f"/models/{paper.ref}"), **plain(paper, known_as(control)))


def paper(control: Control, actor: Actor, given: wire.ReadPaper) -> wire.PaperContent:
    """Give an attached file back."""
    found, content = control.papers.read(actor, named(given.model, given.version), given.paper)
    url = control.url(f"/models/{found.ref}")
    return wire.PaperContent(ref=found.ref, url=url, content=content, **plain(found, known_as(control)))


def inventory(control: Control, actor: Actor, given: wire.ShowInventory) -> wire.InventoryAnswer:
    """Show the inventory as of a moment."""
    now = control.clock.now()
    at = moment(given.as_of, now) if given.as_of else None
    lines = control.inventory.show(actor, at)
    return wire.InventoryAnswer(
        as_of=iso(now if at is None else at),
        models=[_line(control, one) for one in lines],
        url=control.url("/models"),
    )


def add(control: Control, actor: Actor, given: wire.AddInventory) -> wire.InventoryLine:
    """Say something of a model."""
    return _line(control, control.inventory.add(actor, given.model, given.said(), given.reason))


def pack(control: Control, actor: Actor, given: wire.PackModel) -> wire.PackAnswer:
    """Gather all that is kept about a model."""
    now = control.clock.now()
    since, until = moment(given.since, now), moment(given.until or "", now)
    span = Span(parse_name(given.model), since or 0, now if until is None else until, given.samples, given.seed)
    made = control.packs.pack(actor, span)
    return wire.PackAnswer(
        model=span.model,
        digest=made.digest,
        key=made.signature.key,
        document=made.document,
        content=made.content,
        url=control.url(f"/models/{span.model}"),
    )


def _line(control: Control, line: Line) -> wire.InventoryLine:
    url = control.url(f"/models/{line.model}" if line.served_here else "/models")
    return wire.InventoryLine(**msgspec.structs.asdict(line), url=url)
