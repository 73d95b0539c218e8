"""What is done to local accounts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tenure.governance.access import Permission, authorize
from tenure.governance.audit import Event
from tenure.governance.people import UnknownUser, User, UserExists, checked_name, checked_password
from tenure.governance.sessions import SignInRefused

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tenure.governance.access import Actor, Role
    from tenure.governance.ports import Audit, Passwords, SessionStore, UserStore
    from tenure.kit.clock import Clock


class Users:
    """Collection of actions on accounts; a disabled one stays on the list, and its name is never given to another."""

    def __init__(
        self, users: UserStore, sessions: SessionStore, passwords: Passwords, audit: Audit, clock: Clock
    ) -> None:
        self._users = users
        self._sessions = sessions
        self._passwords = passwords
        self._audit = audit
        self._clock = clock

    def all(self, actor: Actor) -> list[User]:
        """Return all accounts by name."""
        authorize(actor, Permission.USERS_LIST)
        return self._users.all()

    def show(self, actor: Actor, name: str) -> User:
        """Return one account; raise `UnknownUser`."""
        authorize(actor, Permission.USERS_SHOW)
        return self._known(name)

    def found(self, name: str) -> User | None:
        """Return an account as it is now, for what tells its states apart; nobody is asked, and nobody is shown it."""
        return self._users.get(name)

    def create(
        self,
        actor: Actor,
        name: str,
        role: Role,
        applications: Iterable[str] = (),
        password: str = "",
        reason: str = "",
    ) -> User:
        """Make an account; without a password it is entered by a one-time link alone."""
        authorize(actor, Permission.USERS_CREATE)
        checked_name(name)
        hashed = self._passwords.hash(checked_password(password)) if password else ""
        now = self._clock.now()
        user = User(name, role, frozenset(applications), now, actor.id, hashed)
        with self._audit.transaction():
            if self._users.get(name) is not None:
                raise UserExists(user=name)
            self._users.add(user)
            self._audit.write(Event(Permission.USERS_CREATE, actor, now, _target(user), reason, after=_facts(user)))
        return user

    def change(
        self, actor: Actor, name: str, role: Role | None, applications: Iterable[str] | None, reason: str = ""
    ) -> User:
        """Give an account another role or other limits; sessions have them from now on."""
        authorize(actor, Permission.USERS_CHANGE)
        with self._audit.transaction():
            user = self._known(name)
            limits = user.applications if applications is None else frozenset(applications)
            changed = replace(user, role=role or user.role, applications=limits)
            self._save(Permission.USERS_CHANGE, actor, user, changed, reason)
        return changed

    def disable(self, actor: Actor, name: str, reason: str = "") -> User:
        """Close an account and end its sessions; closing it again changes nothing."""
        authorize(actor, Permission.USERS_DISABLE)
        with self._audit.transaction():
            user = self._known(name)
            if user.disabled_at is not None:
                return user
            now = self._clock.now()
            disabled = replace(user, disabled_at=now)
            self._sessions.end_all(user.actor.id, now)
            self._save(Permission.USERS_DISABLE, actor, user, disabled, reason)
        return disabled

    def enable(self, actor: Actor, name: str, reason: str = "") -> User:
        """Open an account again."""
        authorize(actor, Permission.USERS_ENABLE)
        with self._audit.transaction():
            user = self._known(name)
            enabled = replace(user, disabled_at=None)
            if user != enabled:
                self._save(Permission.USERS_ENABLE, actor, user, enabled, reason)
        return enabled

    def set_password(self, actor: Actor, name: str, password: str, current: str = "", reason: str = "") -> User:
        """Set a password and end the account's sessions. One's own needs the current one, another's the permission."""
        user = self._known(name) if actor.id == f"user:{name}" else None
        if user is None:
            authorize(actor, Permission.USERS_PASSWORD)
        elif user.password and not self._passwords.verify(user.password, current):
            raise SignInRefused(what="the current password is wrong")
        hashed = self._passwords.hash(checked_password(password))
        with self._audit.transaction():
            user = self._known(name)
            changed = replace(user, password=hashed)
            self._sessions.end_all(user.actor.id, self._clock.now())
            self._save(Permission.USERS_PASSWORD, actor, user, changed, reason)
        return changed

    def _known(self, name: str) -> User:
        user = self._users.get(name)
        if user is None:
            raise UnknownUser(user=name)
        return user

    def _save(self, permission: Permission, actor: Actor, before: User, after: User, reason: str) -> None:
        self._users.save(after)
        event = Event(permission, actor, self._clock.now(), _target(after), reason, _facts(before), _facts(after))
        self._audit.write(event)


def _target(user: User) -> str:
    return f"user/{user.name}"


def _facts(user: User) -> dict[str, object]:
    return {
        "role": user.role.value,
        "applications": sorted(user.applications),
        "has_password": bool(user.password),
        "disabled_at": user.disabled_at,
    }
