"""Which page shows a thing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenure.entrypoints.cli.caller import version_at
from tenure.entrypoints.cli.names import is_model
from tenure.kit.ids import BadIdentifier, parse_id

if TYPE_CHECKING:
    from tenure.entrypoints.cli.caller import Caller


def page_of(tenure: Caller, ref: str) -> str:
    """Return the path of the page of a decision, a model, a version or an application; `/` for nothing."""
    if not ref:
        return "/"
    try:
        return f"/decisions/{parse_id(ref)}"
    except BadIdentifier:
        pass
    if "@" in ref:
        at = version_at(ref)
        return f"/models/{at['model']}/{at['version']}"
    name = ref.partition("/")[0]
    return f"/models/{ref}" if is_model(tenure, name) else f"/applications/{name}"
