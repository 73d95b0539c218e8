"""Accounts and sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenure.app import wire
from tenure.app.calls.known import known_as
from tenure.app.calls.moments import shown
from tenure.app.states import etag
from tenure.governance.access import Role
from tenure.governance.scopes import limits
from tenure.kit.clock import iso

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenure.app.control import Control
    from tenure.governance.access import Actor
    from tenure.governance.people import User
    from tenure.governance.sessions import Session


def users(control: Control, actor: Actor, _: wire.ListUsers) -> list[wire.UserAnswer]:
    """List accounts."""
    known = known_as(control)
    return [_user(control, one, known) for one in control.users.all(actor)]


def user(control: Control, actor: Actor, given: wire.ShowUser) -> wire.UserAnswer:
    """Show an account."""
    return _user(control, control.users.show(actor, given.user), known_as(control))


def create_user(control: Control, actor: Actor, given: wire.CreateUser) -> wire.UserAnswer:
    """Make an account."""
    limited = limits(given.applications, given.project)
    made = control.users.create(actor, given.user, Role(given.role), limited, given.password, given.reason)
    return _user(control, made, known_as(control))


def change_user(control: Control, actor: Actor, given: wire.ChangeUser) -> wire.UserAnswer:
    """Change an account's role or limits."""
    role = None if given.role is None else Role(given.role)
    limited = limits(given.applications or (), given.project)
    keeps = given.applications is None and not given.project
    changed = control.users.change(actor, given.user, role, None if keeps else limited, given.reason)
    return _user(control, changed, known_as(control))


def disable_user(control: Control, actor: Actor, given: wire.NamedUser) -> wire.UserAnswer:
    """Close an account."""
    return _user(control, control.users.disable(actor, given.user, given.reason), known_as(control))


def enable_user(control: Control, actor: Actor, given: wire.NamedUser) -> wire.UserAnswer:
    """Open an account again."""
    return _user(control, control.users.enable(actor, given.user, given.reason), known_as(control))


def set_password(control: Control, actor: Actor, given: wire.SetPassword) -> wire.UserAnswer:
    """Set a password."""
    return _user(
        control,
        control.users.set_password(actor, given.user, given.password, given.current, given.reason),
        known_as(control),
    )


def link(control: Control, actor: Actor, given: wire.MakeLink) -> wire.LinkAnswer:
    """Make a one-time sign-in link."""
    made, code = control.sessions.link(actor, given.user)
    url = control.url(f"/sign-in?code={code}")
    return wire.LinkAnswer(subject=made.subject, url=url, code=code, expires_at=iso(made.expires_at))


def sessions(control: Control, actor: Actor, _: wire.ListSessions) -> list[wire.SessionRow]:
    """List the sessions in force."""
    known = known_as(control)
    return [_session(one, known) for one in control.sessions.all(actor)]


def end_session(control: Control, actor: Actor, given: wire.EndSession) -> wire.SessionRow:
    """End a session."""
    return _session(control.sessions.end(actor, given.session, given.reason), known_as(control))


def _user(control: Control, user: User, known: Callable[[str], str]) -> wire.UserAnswer:
    return wire.UserAnswer(
        user=user.name,
        role=user.role.value,
        applications=sorted(user.applications),
        has_password=bool(user.password),
        created_at=iso(user.created_at),
        created_by=known(user.created_by),
        disabled_at=shown(user.disabled_at),
        url=control.url("/access"),
        etag=etag(user),
    )


def _session(session: Session, known: Callable[[str], str]) -> wire.SessionRow:
    return wire.SessionRow(
        session=session.id,
        subject=known(session.subject),
        subject_id=session.subject,
        began_at=iso(session.began_at),
        expires_at=iso(session.expires_at),
    )
