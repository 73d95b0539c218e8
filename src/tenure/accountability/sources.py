"""Where each input of a model came from in one decision: the request, a feature view, or an expression over them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tenure.application.decisions.scopes import before_model

if TYPE_CHECKING:
    from tenure.application.revisions.terms import Definition
    from tenure.contract.schema import Schema


@dataclass(frozen=True, slots=True)
class Source:
    """`text` for a person; `view` where a feature view gave it; `personal` where a personal field is in it."""

    text: str
    view: str = ""
    personal: bool = False


def sources(definition: Definition, inputs: Schema) -> dict[str, Source]:
    """Return the source of every input, as the definition maps them."""
    scope = before_model(definition)
    hidden = {*definition.personal, *((definition.entity,) if definition.entity else ())}
    found = {}
    for field in inputs:
        written = definition.inputs.get(field.name)
        known = scope.names.get((written or field.name).strip())
        if known is None:
            found[field.name] = Source(f"computed: {written}", personal=_mentions(written or "", hidden))
            continue
        place, name = known.key.split(".", 1)
        view = "" if place == "request" else place
        text = f"feature view {view}" if view else "request"
        renamed = f", as {name}" if name != field.name else ""
        found[field.name] = Source(text + renamed, view, known.personal)
    return found


def _mentions(expression: str, names: set[str]) -> bool:
    return any(re.search(rf"\b{re.escape(name)}\b", expression) for name in names)
