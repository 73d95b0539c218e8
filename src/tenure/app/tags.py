"""What states of configuration are told apart by: the present tag of what an action reads or writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tenure.app.calls.keeping import kept_target
from tenure.app.states import state
from tenure.app.wire import ShowView
from tenure.application.revisions.source import Source

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenure.app import wire
    from tenure.app.control import Control


def _policy(control: Control, _: Any) -> tuple[str, str | None]:
    return "the policy", control.policies.in_force().value


def _application(control: Control, given: Any) -> tuple[str, str | None]:
    active = control.revisions.active(given.application)
    return given.application, str(active.number) if active else None


def _applied(control: Control, given: wire.Apply) -> tuple[str, str | None]:
    data = Source(given.text).data
    name = data.get("application") if isinstance(data, dict) else None
    # A rehearsal changes nothing, and `base` says the same in the body, as `seen` does where a revision was that.
    if not isinstance(name, str) or given.dry_run or given.base is not None:
        return "", None
    if given.seen and control.applications.knows(name, given.seen):
        return "", None
    active = control.revisions.active(name)
    return name, str(active.number) if active else None


def _user(control: Control, given: Any) -> tuple[str, str | None]:
    return f"user {given.user}", state(control.users.found(given.user))


def _token(control: Control, given: wire.RevokeToken) -> tuple[str, str | None]:
    return f"token {given.token}", state(control.tokens.found(given.token))


def _project(control: Control, given: Any) -> tuple[str, str | None]:
    return f"project {given.project}", state(control.projects.found(given.project))


def _view(control: Control, given: wire.ShowView) -> tuple[str, str | None]:
    return f"feature view {given.view}", state(control.features_db.views().get(given.view))


def _written_view(control: Control, given: wire.ApplyView) -> tuple[str, str | None]:
    data = Source(given.text).data
    name = data.get("view") if isinstance(data, dict) else None
    return _view(control, ShowView(view=name)) if isinstance(name, str) else ("", None)


def _webhook(control: Control, given: Any) -> tuple[str, str | None]:
    return f"webhook {given.webhook}", state(control.notices.found(given.webhook))


def _kept_as(control: Control, given: wire.AssignClass) -> tuple[str, str | None]:
    target, _ = kept_target(control, given.target)
    use = next((one for one in control.retentions.uses() if one.target == target), None)
    return f"the retention class of {given.target}", state(use)


def _retention_class(control: Control, given: wire.DefineClass) -> tuple[str, str | None]:
    return f"retention class {given.name}", state(control.retentions.classes().get(given.name))


#: action → what it reads or writes, and the tag of its present state, None while there is none
TAGS: dict[str, Callable[[Control, Any], tuple[str, str | None]]] = {
    "policy:show": _policy,
    "policy:set": _policy,
    "applications:show": _application,
    "applications:apply": _applied,
    "users:show": _user,
    "users:change": _user,
    "users:disable": _user,
    "users:enable": _user,
    "users:password": _user,
    "tokens:revoke": _token,
    "projects:show": _project,
    "projects:set": _project,
    "features:show": _view,
    "features:apply": _written_view,
    "webhooks:set": _webhook,
    "webhooks:remove": _webhook,
    "retention:define": _retention_class,
    "retention:assign": _kept_as,
    "applications:approve": _application,
    "applications:activate": _application,
    "applications:end": _application,
    "applications:rollback": _application,
}

#: Steps along a table of legal moves (decisions/0019): they put nothing in the place of what somebody else wrote, so they
#: need no If-Match; where one is sent, it must name the revision in force.
STEPS = frozenset({"applications:approve", "applications:activate", "applications:end", "applications:rollback"})
