"""What states of configuration are told apart by: the present tag of what an action reads or writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tenure.application.revisions.source import Source

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenure.app import wire
    from tenure.app.control import Control


def _policy(control: Control, _: Any) -> tuple[str, str | None]:
    return "the policy", control.policies.in_force().value


def _application(control: Control, given: wire.Application | wire.ShowApplication) -> tuple[str, str | None]:
    active = control.revisions.active(given.application)
    return given.application, str(active.number) if active else None


def _applied(control: Control, given: wire.Apply) -> tuple[str, str | None]:
    data = Source(given.text).data
    name = data.get("application") if isinstance(data, dict) else None
    # A rehearsal changes nothing, and `base` says the same in the body.
    if not isinstance(name, str) or given.dry_run or given.base is not None:
        return "", None
    active = control.revisions.active(name)
    return name, str(active.number) if active else None


#: action → what it reads or writes, and the tag of its present state, None while there is none
TAGS: dict[str, Callable[[Control, Any], tuple[str, str | None]]] = {
    "policy:show": _policy,
    "policy:set": _policy,
    "applications:show": _application,
    "applications:apply": _applied,
}
