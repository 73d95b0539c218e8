"""Versions on their way between homes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tenure.app import wire
from tenure.app.calls.versions import named
from tenure.governance.access import Permission, authorize

if TYPE_CHECKING:
    from tenure.app.control import Control
    from tenure.governance.access import Actor


def export(control: Control, actor: Actor, given: wire.ExportVersion) -> wire.ExportedAnswer:
    """Sign the history of a version."""
    authorize(actor, Permission.VERSIONS_EXPORT)
    history, content, signature = control.travelling.export(actor, named(given.model, given.version))
    files = {name: file.digest for name, file in history.files.items()}
    url = control.url(f"/models/{history.ref}")
    return wire.ExportedAnswer(ref=history.ref, history=content, signature=signature, files=files, url=url)


def content(control: Control, actor: Actor, given: wire.Content) -> wire.ContentAnswer:
    """Give a portion of a version's content."""
    authorize(actor, Permission.VERSIONS_CONTENT)
    found, more = control.travelling.content(named(given.model, given.version), given.digest, given.start)
    return wire.ContentAnswer(content=found, more=more)


def receive(control: Control, actor: Actor, given: wire.ImportVersion) -> wire.ImportedAnswer:
    """Take a version from elsewhere."""
    authorize(actor, Permission.VERSIONS_IMPORT)
    arrived, origin = control.travelling.receive(actor, Path(given.package), given.reason)
    record = control.registry.get(arrived.record.ref)
    return wire.ImportedAnswer(
        ref=str(record.ref),
        was=origin["from"]["ref"],
        stage=record.stage.value,
        again=arrived.again,
        trusted=origin["from"]["trusted"],
        signed_by=origin["from"]["key"],
        url=control.url(f"/models/{record.ref}"),
    )
