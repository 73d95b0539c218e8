"""How people sign in and out, and who acts with a session."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tenure.governance.access import LOCAL, Permission, Unauthenticated, authorize, local_actor
from tenure.governance.audit import Event
from tenure.governance.people import UnknownUser, UserDisabled
from tenure.governance.sessions import (
    BEARER_LIFE,
    LINK_LIFE,
    SESSION_LIFE,
    Session,
    SignInLink,
    SignInRefused,
    UnknownSession,
    link_code,
    secret_digest,
    session_secret,
)
from tenure.governance.tokens import token_digest

if TYPE_CHECKING:
    from tenure.governance.access import Actor
    from tenure.governance.attempts import Attempts
    from tenure.governance.people import User
    from tenure.governance.ports import Audit, Passwords, SessionStore, TokenStore, UserStore
    from tenure.kit.clock import Clock

_LOG = logging.getLogger("tenure.control")
_USER = "user:"


@dataclass(frozen=True, slots=True)
class Begun:
    """A session that has just begun; its secret exists nowhere else."""

    session: Session
    secret: str
    actor: Actor


class Sessions:
    """Collection of actions on sessions and sign-in links.

    `address` is where a person signs in from, and counts for how often that may fail. A `bearer` session lasts longer:
    its secret is kept by the command line.
    """

    def __init__(
        self,
        sessions: SessionStore,
        users: UserStore,
        tokens: TokenStore,
        passwords: Passwords,
        attempts: Attempts,
        audit: Audit,
        clock: Clock,
    ) -> None:
        self._sessions = sessions
        self._users = users
        self._tokens = tokens
        self._passwords = passwords
        self._attempts = attempts
        self._audit = audit
        self._clock = clock

    # ---- beginning

    def by_password(self, name: str, password: str, address: str = "", *, bearer: bool = False) -> Begun:
        """Sign a user in; raise `SignInRefused`, or `TooManyAttempts` before anything is looked at."""
        now = self._clock.now()
        self._attempts.refuse_too_many(name, address, now)
        user = self._users.get(name)
        # A name that does not exist takes as long as a wrong password: the time must not tell which names there are.
        matches = self._passwords.verify(user.password if user else "", password)
        if user is None or not matches or user.disabled_at is not None:
            self._failed(name, address, now, user)
            raise SignInRefused(what="the name, the password, or both are wrong")
        return self._begin(user.actor, address, now, "password", bearer=bearer)

    def by_token(self, text: str, address: str = "", *, bearer: bool = False) -> Begun:
        """Sign in whoever has a token, with the token's rights and for as long as it lives."""
        now = self._clock.now()
        self._attempts.refuse_too_many("", address, now)
        token = self._tokens.by_digest(token_digest(text))
        if token is None or not token.is_valid(now):
            self._failed("", address, now)
            raise SignInRefused(what="the token is unknown, revoked or expired")
        return self._begin(token.actor(), address, now, "token", bearer=bearer)

    def by_link(self, code: str, address: str = "", *, bearer: bool = False) -> Begun:
        """Sign in whoever has a link that was not used before."""
        now = self._clock.now()
        self._attempts.refuse_too_many("", address, now)
        with self._audit.transaction():
            link = self._sessions.link(secret_digest(code))
            actor = self._actor(link.subject, now) if link and link.is_valid(now) else None
            if link is not None and actor is not None:
                self._sessions.save_link(replace(link, used_at=now))
                return self._begin(actor, address, now, "link", bearer=bearer)
        self._failed("", address, now)
        raise SignInRefused(what="the link is unknown, used or too old")

    def link(self, actor: Actor, user: str = "") -> tuple[SignInLink, str]:
        """Make a one-time link for oneself, or for a user, and return it with its code."""
        authorize(actor, Permission.USERS_LINK)
        subject = actor.id
        if user and f"{_USER}{user}" != actor.id:
            authorize(actor, Permission.USERS_CREATE)
            subject = _usable(self._users.get(user), user).actor.id
        now = self._clock.now()
        code = link_code()
        link = SignInLink(secret_digest(code), subject, now, actor.id, now + LINK_LIFE)
        with self._audit.transaction():
            self._sessions.add_link(link)
            after = {"expires_at": link.expires_at}
            self._audit.write(Event(Permission.USERS_LINK, actor, now, _target(subject), after=after))
        return link, code

    # ---- using

    def authenticate(self, secret: str) -> Actor:
        """Return who acts with this session's secret; raise `Unauthenticated` when it opens nothing."""
        now = self._clock.now()
        session = self._sessions.by_digest(secret_digest(secret))
        actor = self._actor(session.subject, now) if session and session.is_valid(now) else None
        if actor is None:
            raise Unauthenticated
        return actor

    def of_secret(self, secret: str) -> Session:
        """Return the session of a secret; raise `Unauthenticated`."""
        session = self._sessions.by_digest(secret_digest(secret))
        if session is None or not session.is_valid(self._clock.now()):
            raise Unauthenticated
        return session

    def in_force(self) -> list[tuple[Session, Actor]]:
        """Return all sessions that open something now, with who acts."""
        now = self._clock.now()
        found = [(session, self._actor(session.subject, now)) for session in self._sessions.open(now)]
        return [(session, actor) for session, actor in found if actor is not None]

    # ---- ending

    def all(self, actor: Actor) -> list[Session]:
        """Return the sessions in force, newest first: everybody's to who may see them, else one's own."""
        authorize(actor, Permission.SESSIONS_LIST)
        return [session for session, _ in reversed(self.in_force())]

    def sign_out(self, actor: Actor, secret: str) -> Session:
        """End the session of this secret."""
        return self._end(actor, self.of_secret(secret))

    def end(self, actor: Actor, session_id: str, reason: str = "") -> Session:
        """End any session; raise `UnknownSession`."""
        authorize(actor, Permission.SESSIONS_END)
        session = self._sessions.get(session_id)
        if session is None:
            raise UnknownSession(session=session_id)
        return self._end(actor, session, reason)

    def _end(self, actor: Actor, session: Session, reason: str = "") -> Session:
        if session.ended_at is not None:
            return session
        now = self._clock.now()
        ended = replace(session, ended_at=now)
        with self._audit.transaction():
            self._sessions.save(ended)
            self._audit.write(
                Event(Permission.SESSIONS_END, actor, now, _target(session.subject), reason, {"session": session.id})
            )
        return ended

    # ---- inside

    def _begin(self, actor: Actor, address: str, now: int, how: str, *, bearer: bool) -> Begun:
        session_id, secret = session_secret()
        life = BEARER_LIFE if bearer else SESSION_LIFE
        session = Session(session_id, secret_digest(secret), actor.id, now, now + life)
        with self._audit.transaction():
            self._sessions.add(session)
            after = {"session": session_id, "how": how, "from": address}
            self._audit.write(Event(Permission.SESSIONS_BEGIN, actor, now, _target(actor.id), after=after))
        return Begun(session, secret, actor)

    def _failed(self, name: str, address: str, now: int, user: User | None = None) -> None:
        self._attempts.failed(name, address, now)
        # The text may be a password typed into the wrong field: only names that exist are written down.
        _LOG.warning("an attempt to sign in from %s failed (%s)", address, user.name if user else "nobody known")
        if user is not None:
            with self._audit.transaction():
                after = {"refused": True, "from": address}
                self._audit.write(
                    Event(Permission.SESSIONS_BEGIN, user.actor, now, _target(user.actor.id), after=after)
                )

    def _actor(self, subject: str, now: int) -> Actor | None:
        """Return who a subject is now: an account may have been closed and a token revoked since."""
        if subject.startswith(LOCAL):
            return local_actor(subject.removeprefix(LOCAL))
        if subject.startswith(_USER):
            user = self._users.get(subject.removeprefix(_USER))
            return user.actor if user is not None and user.disabled_at is None else None
        token = self._tokens.get(subject)
        return token.actor() if token is not None and token.is_valid(now) else None


def _usable(user: User | None, name: str) -> User:
    if user is None:
        raise UnknownUser(user=name)
    if user.disabled_at is not None:
        raise UserDisabled(user=name)
    return user


def _target(subject: str) -> str:
    return f"user/{subject.removeprefix(_USER)}" if subject.startswith(_USER) else f"session/{subject}"
