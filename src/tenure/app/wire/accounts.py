"""Accounts of people, and how they sign in."""

from __future__ import annotations

from typing import Literal

from tenure.app.wire.shared import Input, Listing, Output


class CreateUser(Input, frozen=True):
    """An account with a role, limited to some applications or a project if any are named; without a password a link opens it."""

    user: str
    role: Literal["caller", "viewer", "builder", "operator", "validator", "approver", "auditor", "admin"]
    applications: list[str] = []
    password: str = ""
    reason: str = ""
    project: str = ""


class ChangeUser(Input, frozen=True):
    """Another role, or other limits: to these applications, and those of the project; what is null stays as it is."""

    user: str
    role: Literal["caller", "viewer", "builder", "operator", "validator", "approver", "auditor", "admin"] | None = None
    applications: list[str] | None = None
    reason: str = ""
    project: str = ""


class NamedUser(Input, frozen=True):
    """The account meant."""

    user: str
    reason: str = ""


class SetPassword(Input, frozen=True):
    """A new password; one's own needs the `current` one, if there is any. All sessions of the account end."""

    user: str
    password: str
    current: str = ""
    reason: str = ""


class ListUsers(Listing, frozen=True):
    """Which accounts to list: those whose name contains `name`, those of one role."""

    name: str = ""
    role: str = ""


class ShowUser(Input, frozen=True):
    """One account."""

    user: str


class UserAnswer(Output, frozen=True):
    """An account, without its password; `created_by` is as people know them, a token by its name."""

    user: str
    role: str
    applications: list[str]
    has_password: bool
    created_at: str
    created_by: str
    disabled_at: str | None
    url: str = ""
    #: of this state of it, for If-Match
    etag: str = ""


class MakeLink(Input, frozen=True):
    """Whom the link shall sign in: a user, or oneself when none is named."""

    user: str = ""


class LinkAnswer(Output, frozen=True):
    """A link that signs `subject` in once, until `expires_at`; shown this once and stored nowhere."""

    subject: str
    url: str
    code: str
    expires_at: str


class ListSessions(Listing, frozen=True):
    """Which sessions to list: all, or those of one subject, as user:ann."""

    subject: str = ""


class SessionRow(Output, frozen=True):
    """A session in force; `subject` is who acts with it, a token by its name; the chain has its `subject_id`."""

    session: str
    subject: str
    subject_id: str
    began_at: str
    expires_at: str


class EndSession(Input, frozen=True):
    """The session that must end."""

    session: str
    reason: str = ""


class SignIn(Input, frozen=True):
    """One way to sign in: `user` with `password`, or a `token`, or the `code` of a one-time link.

    With `bearer` no cookie is set and the answer carries a `token` to send as `Authorization: Bearer`.
    """

    user: str = ""
    password: str = ""
    token: str = ""
    code: str = ""
    bearer: bool = False


class SessionAnswer(Output, frozen=True):
    """Who is signed in and what they may do. A write that comes with the cookie sends `csrf_token` as X-CSRF-Token."""

    actor: str
    role: str
    applications: list[str]
    actions: list[str]
    session: str | None = None
    expires_at: str | None = None
    csrf_token: str | None = None
    token: str | None = None
