"""Who asks, tokens, audit, policy, and the home itself."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from tenure.app.wire.restorable import Restorable
from tenure.app.wire.shared import Input, Limit, Listing, Output


class WhoamiAnswer(Output, frozen=True):
    """Who is asking: `actor` as people know them, a token by its name; `actor_id` as the audit chain has them."""

    actor: str
    role: str
    applications: list[str]
    permissions: list[str]
    actor_id: str = ""


class WorkAnswer(Output, frozen=True):
    """An action under way that takes its time: so many of `total` are done."""

    action: str
    target: str
    done: int
    total: int


class StatusAnswer(Output, frozen=True):
    """What is served and by whom; `troubles` says of each version that should be served and cannot be, why.

    `roles` says of each version in service what it does there. After an upgrade, or in a home made from a backup, `reruns`
    says of each what its golden rows came to when they were run again before it took traffic: `verdict` or `failed`.
    """

    home: str
    version: str
    policy: str
    generation: int | None
    serving: dict[str, Any] | None
    models: dict[str, int | None]
    applications: dict[str, int]
    troubles: dict[str, str]
    restorable: Restorable | None = None
    roles: dict[str, str] = {}
    reruns: dict[str, dict[str, Any]] = {}
    working: list[WorkAnswer] = []


class Backup(Input, frozen=True):
    """Into which new folder of the home's machine everything is copied."""

    folder: str
    reason: str = ""


class BackupAnswer(Output, frozen=True):
    """What the backup holds: everything that was acknowledged before `at`."""

    folder: str
    at: str
    files: int
    bytes: int
    url: str = ""


class CreateToken(Input, frozen=True):
    """A token for a role, limited to some applications, or to those of a project, if any are named.

    `expires` is a moment or an age as `90d`.

    `rate` is how often it may ask, as `50/s`, `600/min` or `10000/h`; empty: as often as it likes. What it does stands in
    the audit trail under token:NAME.
    """

    role: Literal["caller", "viewer", "builder", "operator", "validator", "approver", "auditor", "admin"]
    applications: list[str] = []
    expires: str = ""
    rate: str = ""
    reason: str = ""
    name: Annotated[str, msgspec.Meta(max_length=64)] = ""
    project: str = ""


class RevokeToken(Input, frozen=True):
    """The token that must stop working."""

    token: str
    reason: str = ""


class ListTokens(Listing, frozen=True):
    """Which tokens to list, oldest first: those whose name contains `name`, those of one role."""

    name: str = ""
    role: str = ""


class TokenAnswer(Output, frozen=True):
    """A token without its secret; `created_by` is as people know them, a token by its name."""

    id: str
    role: str
    applications: list[str]
    created_at: str
    created_by: str
    expires_at: str | None
    revoked_at: str | None
    rate: str
    name: str = ""
    #: of this state of it, for If-Match
    etag: str = ""


class NewTokenAnswer(TokenAnswer, frozen=True, kw_only=True):
    """A token with its secret, which is shown this once and stored nowhere."""

    token: str
    url: str = ""


class AuditLog(Listing, frozen=True):
    """The newest events; `target` keeps those about one object, as churn/2, `actor` and `action` those of one of them."""

    target: str = ""
    actor: str = ""
    action: str = ""
    limit: Limit = 100


class EventAnswer(Output, frozen=True):
    """One row of the audit chain. `actor` is as people know them, a token by its name; the chain has its `actor_id`."""

    sequence: int
    at: str
    actor: str
    role: str
    action: str
    target: str
    reason: str
    request: str
    before: dict[str, Any]
    after: dict[str, Any]
    digest: str
    actor_id: str = ""


class PolicyAnswer(Output, frozen=True):
    """`open`: who registers may deploy, recorded as self-approval; `four-eyes`: another person approves first."""

    policy: str


class SetPolicy(Input, frozen=True):
    """The policy from now on."""

    policy: Literal["open", "four-eyes"]
    reason: str
