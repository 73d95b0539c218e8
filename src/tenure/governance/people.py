"""Local accounts: a person with a name and a role, who signs in with a password or by a one-time link."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tenure.governance.access import Actor
from tenure.kit.errors import Kind, TenureError

if TYPE_CHECKING:
    from tenure.governance.access import Role

_NAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,63}")

#: what NIST SP 800-63B asks of a password: length, and nothing about the kinds of characters in it
SHORTEST_PASSWORD = 10
LONGEST_PASSWORD = 1024


class UnknownUser(TenureError):
    """Nobody has this name."""

    code = "unknown-user"
    kind = Kind.NOT_FOUND
    message = "there is no user {user}"
    next_step = "see `tenure users list`"


class UserExists(TenureError):
    """The name is taken; names are never used twice, because the audit trail speaks of them."""

    code = "user-exists"
    kind = Kind.CONFLICT
    message = "there is a user {user} already"
    next_step = "take another name, or enable the account again: tenure users enable {user}"


class BadUserName(TenureError):
    """The text cannot be a user's name."""

    code = "bad-user-name"
    kind = Kind.BAD_INPUT
    message = "{user!r} cannot be a user's name"
    next_step = "use 1 to 64 of a-z, 0-9 and . _ @ + -, beginning with a letter or a digit"


class BadPassword(TenureError):
    """The password is too short or far too long."""

    code = "bad-password"
    kind = Kind.BAD_INPUT
    message = "the password has {length} characters; it needs {shortest} to {longest}"
    next_step = "take a longer one: several words are easy to remember"


class UserDisabled(TenureError):
    """The account is closed."""

    code = "user-disabled"
    kind = Kind.REFUSED
    message = "the account {user} is disabled"
    next_step = "enable it first: tenure users enable {user}"


@dataclass(frozen=True, slots=True)
class User:
    """An account as it is kept: `password` is an argon2id hash, empty while none is set. Times are UTC microseconds."""

    name: str
    role: Role
    applications: frozenset[str]
    created_at: int
    created_by: str
    password: str = ""
    disabled_at: int | None = None

    @property
    def actor(self) -> Actor:
        """Return who acts when this person does."""
        return Actor(f"user:{self.name}", self.role, self.applications, kind="user")


def checked_name(name: str) -> str:
    """Return the name; raise `BadUserName`."""
    if not _NAME.fullmatch(name):
        raise BadUserName(user=name)
    return name


def checked_password(password: str) -> str:
    """Return the password; raise `BadPassword`."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise BadPassword(length=len(password), shortest=SHORTEST_PASSWORD, longest=LONGEST_PASSWORD)
    return password
