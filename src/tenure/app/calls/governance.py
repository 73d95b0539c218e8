"""Tokens, the audit trail, the policy, and what runs."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

from tenure import __version__
from tenure.app import wire
from tenure.app.calls.known import known_as
from tenure.app.calls.moments import shown
from tenure.app.calls.restorable import restorable
from tenure.app.calls.roles import role_of
from tenure.app.states import etag
from tenure.governance.access import ROLES, Permission, Role, authorize
from tenure.governance.approvals import Policy
from tenure.governance.scopes import limits
from tenure.kit.clock import iso
from tenure.kit.cursors import number_in
from tenure.model.version import CHAMPION
from tenure.serving.announce import NoSupervisor, SupervisorRefused
from tenure.serving.announce import status as supervisor_status

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tenure.app.control import Control
    from tenure.governance.access import Actor
    from tenure.governance.audit import Entry
    from tenure.governance.tokens import Token


def whoami(control: Control, actor: Actor, __: wire.Nothing) -> wire.WhoamiAnswer:
    """Say who is asking."""
    authorize(actor, Permission.WHOAMI)
    return wire.WhoamiAnswer(
        actor=known_as(control)(actor.id),
        actor_id=actor.id,
        role=actor.role.value,
        applications=sorted(actor.applications),
        permissions=sorted(permission.value for permission in ROLES[actor.role]),
    )


def status(control: Control, actor: Actor, _: wire.Nothing) -> wire.StatusAnswer:
    """Say what runs; who is limited to some applications sees only those."""
    authorize(actor, Permission.STATUS)
    newest = control.publisher.newest()
    scope = actor.applications
    revisions = {one.application: one.number for one in control.revisions.all_active()}
    return wire.StatusAnswer(
        home=str(control.home.root),
        version=__version__,
        policy=control.policies.in_force().value,
        generation=newest.generation if newest else None,
        serving=None if scope else _serving(control),
        models={} if scope else {one.name: one.aliases.get(CHAMPION) for one in control.registry.models()},
        applications={name: number for name, number in revisions.items() if not scope or name in scope},
        roles={} if scope else {str(one.ref): role_of(one) for one in control.registry.in_service()},
        reruns={} if scope else _reruns(control),
        troubles={} if scope else dict(control.publisher.contents.troubles),
        restorable=None if scope else restorable(control),
        working=[
            wire.WorkAnswer(action=one.action, target=one.target, done=one.done, total=one.total)
            for one in control.working.now()
            if not scope or one.target in scope
        ],
    )


def _reruns(control: Control) -> dict[str, dict[str, Any]]:
    found = {str(one.ref): control.rerunning.newest(one.ref) for one in control.registry.in_service()}
    told = ("verdict", "failed", "rows", "seconds")
    return {
        ref: {"at": iso(said["at"])} | {name: said[name] for name in told if name in said}
        for ref, said in found.items()
        if said
    }


def _serving(control: Control) -> dict[str, Any] | None:
    if control.home.supervisor_socket.exists():
        with contextlib.suppress(NoSupervisor, SupervisorRefused):
            return supervisor_status(control.home.supervisor_socket)
    return None


def create_token(control: Control, actor: Actor, given: wire.CreateToken) -> wire.NewTokenAnswer:
    """Make a token."""
    role = Role(given.role)
    limited = limits(given.applications, given.project)
    token, text = control.tokens.create(actor, role, limited, given.expires, given.reason, given.rate, given.name)
    return wire.NewTokenAnswer(**_facts(token, known_as(control)), token=text, url=control.url("/access"))


def tokens(control: Control, actor: Actor, _: wire.ListTokens) -> list[wire.TokenAnswer]:
    """List tokens."""
    known = known_as(control)
    return [wire.TokenAnswer(**_facts(token, known)) for token in control.tokens.all(actor)]


def revoke_token(control: Control, actor: Actor, given: wire.RevokeToken) -> wire.TokenAnswer:
    """Revoke a token."""
    return wire.TokenAnswer(**_facts(control.tokens.revoke(actor, given.token, given.reason), known_as(control)))


def _facts(token: Token, known: Callable[[str], str]) -> dict[str, Any]:
    return {
        "id": token.id,
        "role": token.role.value,
        "applications": sorted(token.applications),
        "created_at": iso(token.created_at),
        "created_by": known(token.created_by),
        "expires_at": shown(token.expires_at),
        "revoked_at": shown(token.revoked_at),
        "rate": token.rate,
        "name": token.name,
        "etag": etag(token),
    }


def audit_log(control: Control, actor: Actor, given: wire.AuditLog) -> list[wire.EventAnswer]:
    """List the newest events."""
    before, names = number_in(given.cursor), control.tokens.names()
    # Several tokens may have one name: the one that follows another, say.
    by = [token for token, name in names.items() if name == given.actor] or [given.actor] * bool(given.actor)
    found = control.trail.log(actor, given.target, given.limit, before, by=by, action=given.action)
    return [event_answer(entry, names) for entry in found]


def audit_verify(control: Control, actor: Actor, _: wire.Nothing) -> wire.VerifyAnswer:
    """Check the audit chain."""
    report = control.trail.verify(actor)
    return wire.VerifyAnswer(
        intact=not report.problems, checked={"audit rows": report.rows}, problems=list(report.problems)
    )


def event_answer(entry: Entry, names: Mapping[str, str]) -> wire.EventAnswer:
    """Return one row of the chain for a person, who knows tokens by their names."""
    return wire.EventAnswer(
        sequence=entry.sequence,
        at=iso(entry.at),
        actor=names.get(entry.actor, entry.actor),
        actor_id=entry.actor,
        role=entry.role,
        action=entry.action,
        target=entry.target,
        reason=entry.reason,
        request=entry.request,
        before=json.loads(entry.before),
        after=json.loads(entry.after),
        digest=entry.digest,
    )


def policy(control: Control, actor: Actor, _: wire.Nothing) -> wire.PolicyAnswer:
    """Show the policy."""
    return wire.PolicyAnswer(policy=control.policies.show(actor).value)


def set_policy(control: Control, actor: Actor, given: wire.SetPolicy) -> wire.PolicyAnswer:
    """Set the policy."""
    return wire.PolicyAnswer(policy=control.policies.set(actor, Policy(given.policy), given.reason).value)
