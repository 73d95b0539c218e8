"""Signing in and out: what a person does before they are anybody, and so no action of the table."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from tenure.app import wire
from tenure.app.publishing import NotYetServed
from tenure.governance.access import ROLES
from tenure.governance.sessions import SignInRefused, csrf_token
from tenure.kit.clock import iso

if TYPE_CHECKING:
    from tenure.app.publishing import Publisher
    from tenure.governance.access import Actor
    from tenure.governance.sessions import Session
    from tenure.governance.signing_in import Begun, Sessions


class Reception:
    """Begins and ends sessions, and has the gateways know them."""

    def __init__(self, sessions: Sessions, publisher: Publisher) -> None:
        self._sessions = sessions
        self._publisher = publisher

    def sign_in(self, given: wire.SignIn, address: str) -> tuple[wire.SessionAnswer, str]:
        """Begin a session and return it with its secret; raise `SignInRefused` or `TooManyAttempts`."""
        begun = self._begun(given, address)
        self._tell_gateways()
        answer = session_answer(begun.actor, begun.session, begun.secret)
        return answer, begun.secret

    def sign_out(self, actor: Actor, secret: str) -> None:
        """End the session of this secret."""
        self._sessions.sign_out(actor, secret)
        self._tell_gateways()

    def current(self, actor: Actor, secret: str | None) -> wire.SessionAnswer:
        """Say who is asking and what they may do; `secret` is the session's, if they came with one."""
        if secret is None:
            return session_answer(actor)
        return session_answer(actor, self._sessions.of_secret(secret), secret)

    def _begun(self, given: wire.SignIn, address: str) -> Begun:
        if given.code:
            return self._sessions.by_link(given.code, address, bearer=given.bearer)
        if given.token:
            return self._sessions.by_token(given.token, address, bearer=given.bearer)
        if given.user and given.password:
            return self._sessions.by_password(given.user, given.password, address, bearer=given.bearer)
        raise SignInRefused(what="neither a name with a password, nor a token, nor a code was given")

    def _tell_gateways(self) -> None:
        # One that is just being started learns of the session with its first snapshot.
        with contextlib.suppress(NotYetServed):
            self._publisher.serve()


def session_answer(actor: Actor, session: Session | None = None, secret: str = "") -> wire.SessionAnswer:
    """Return what a client may know of the session and of who it is."""
    return wire.SessionAnswer(
        actor=actor.id,
        role=actor.role.value,
        applications=sorted(actor.applications),
        actions=sorted(permission.value for permission in ROLES[actor.role]),
        session=session.id if session else None,
        expires_at=iso(session.expires_at) if session else None,
        csrf_token=csrf_token(secret) if secret else None,
    )
