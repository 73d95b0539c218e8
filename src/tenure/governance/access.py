"""The closed list of permissions (one per action), the roles as one table, and the one question: may this actor?"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Literal, TypeAlias

from tenure.kit.errors import Kind, TenureError


class Permission(enum.StrEnum):
    """What can be done; an action, its permission, its audit event, its command and its button carry the same name."""

    WHOAMI = "whoami"
    STATUS = "status"
    VERIFY = "verify"
    REPLAY = "replay"

    MODELS_LIST = "models:list"
    MODELS_SHOW = "models:show"
    MODELS_HISTORY = "models:history"
    MODELS_ROLLBACK = "models:rollback"
    MODELS_PREDICT = "models:predict"
    MODELS_DOSSIER = "models:dossier"

    VERSIONS_REGISTER = "versions:register"
    VERSIONS_LIST = "versions:list"
    VERSIONS_SHOW = "versions:show"
    VERSIONS_COMPARE = "versions:compare"
    VERSIONS_HISTORY = "versions:history"
    VERSIONS_LOGS = "versions:logs"
    VERSIONS_EXPORT = "versions:export"
    VERSIONS_CONTENT = "versions:content"
    VERSIONS_IMPORT = "versions:import"
    VERSIONS_APPROVE = "versions:approve"
    VERSIONS_DEPLOY = "versions:deploy"
    VERSIONS_PROMOTE = "versions:promote"
    VERSIONS_DECOMMISSION = "versions:decommission"
    VERSIONS_ARCHIVE = "versions:archive"
    VERSIONS_RESTORE = "versions:restore"
    VERSIONS_RUN = "versions:run"
    VERSIONS_ATTACH = "versions:attach"
    VERSIONS_PAPER = "versions:paper"
    INVENTORY_SHOW = "inventory:show"
    INVENTORY_ADD = "inventory:add"

    APPLICATIONS_INIT = "applications:init"
    APPLICATIONS_APPLY = "applications:apply"
    APPLICATIONS_APPROVE = "applications:approve"
    APPLICATIONS_ACTIVATE = "applications:activate"
    APPLICATIONS_END = "applications:end"
    APPLICATIONS_REVISIONS = "applications:revisions"
    APPLICATIONS_TRIAL = "applications:trial"
    APPLICATIONS_DIFF = "applications:diff"
    APPLICATIONS_ROLLBACK = "applications:rollback"
    APPLICATIONS_SHOW = "applications:show"
    APPLICATIONS_LIST = "applications:list"
    APPLICATIONS_HISTORY = "applications:history"
    APPLICATIONS_DECIDE = "applications:decide"

    PROJECTS_LIST = "projects:list"
    PROJECTS_SHOW = "projects:show"
    PROJECTS_SET = "projects:set"

    RULES_CHECK = "rules:check"
    RULES_TEST = "rules:test"
    RULES_BACKTEST = "rules:backtest"
    RULES_EVALUATE = "rules:evaluate"

    DECISIONS_LIST = "decisions:list"
    DECISIONS_SHOW = "decisions:show"
    DECISIONS_WHY = "decisions:why"
    DECISIONS_FIGURES = "decisions:figures"
    DECISIONS_EXPLAIN = "decisions:explain"
    DECISIONS_DOSSIER = "decisions:dossier"
    DECISIONS_PERSONAL = "decisions:personal"
    OUTCOMES_IMPORT = "outcomes:import"
    EVENTS_IMPORT = "events:import"
    DECISIONS_RESOLVE = "decisions:resolve"
    DECISIONS_REVIEWS = "decisions:reviews"
    DECISIONS_OVERRIDES = "decisions:overrides"
    DECISIONS_EXPORT = "decisions:export"
    SQL = "sql"

    FEATURES_APPLY = "features:apply"
    FEATURES_INGEST = "features:ingest"
    FEATURES_GET = "features:get"
    FEATURES_LIST = "features:list"
    FEATURES_SHOW = "features:show"
    FEATURES_JOIN = "features:join"
    FEATURES_EXPIRE = "features:expire"

    MONITOR_REPORT = "monitor:report"
    ALERTS_LIST = "alerts:list"
    ALERTS_ACK = "alerts:ack"
    ALERTS_SILENCE = "alerts:silence"
    WEBHOOKS_SET = "webhooks:set"
    WEBHOOKS_LIST = "webhooks:list"
    WEBHOOKS_REMOVE = "webhooks:remove"
    WEBHOOKS_RETRY = "webhooks:retry"

    AUDIT_LOG = "audit:log"
    AUDIT_VERIFY = "audit:verify"
    TOKENS_CREATE = "tokens:create"
    TOKENS_LIST = "tokens:list"
    TOKENS_REVOKE = "tokens:revoke"
    USERS_LIST = "users:list"
    USERS_SHOW = "users:show"
    USERS_CREATE = "users:create"
    USERS_CHANGE = "users:change"
    USERS_DISABLE = "users:disable"
    USERS_ENABLE = "users:enable"
    USERS_PASSWORD = "users:password"  # noqa: S105 - the name of a permission
    USERS_LINK = "users:link"
    SESSIONS_BEGIN = "sessions:begin"
    SESSIONS_LIST = "sessions:list"
    SESSIONS_END = "sessions:end"
    LOG_PROOF = "log:proof"
    LOG_CHECKPOINT = "log:checkpoint"
    BACKUP = "backup"
    REPAIR = "repair"
    GC = "gc"
    RESTART = "restart"
    DRILL = "drill"
    HOLDS_ADD = "holds:add"
    HOLDS_RELEASE = "holds:release"
    RETENTION_LIST = "retention:list"
    RETENTION_DEFINE = "retention:define"
    RETENTION_ASSIGN = "retention:assign"
    RETENTION_EXPIRE = "retention:expire"
    VERSIONS_DESTROY = "versions:destroy"
    PERSONS_ERASE = "persons:erase"

    TRUST_ADD = "trust:add"
    TRUST_LIST = "trust:list"
    TRUST_REMOVE = "trust:remove"

    POLICY_SHOW = "policy:show"
    POLICY_SET = "policy:set"


class Role(enum.StrEnum):
    """What a token is for."""

    CALLER = "caller"
    VIEWER = "viewer"
    BUILDER = "builder"
    OPERATOR = "operator"
    VALIDATOR = "validator"
    APPROVER = "approver"
    AUDITOR = "auditor"
    ADMIN = "admin"


_P = Permission
_READS = frozenset({
    _P.WHOAMI, _P.STATUS, _P.USERS_LINK,
    _P.MODELS_LIST, _P.MODELS_SHOW, _P.MODELS_HISTORY,
    _P.VERSIONS_LIST, _P.VERSIONS_SHOW, _P.VERSIONS_COMPARE, _P.VERSIONS_HISTORY, _P.VERSIONS_LOGS,
    _P.VERSIONS_PAPER, _P.INVENTORY_SHOW,
    _P.APPLICATIONS_INIT, _P.APPLICATIONS_DIFF, _P.APPLICATIONS_SHOW, _P.APPLICATIONS_LIST, _P.APPLICATIONS_HISTORY,
    _P.APPLICATIONS_REVISIONS, _P.APPLICATIONS_TRIAL, _P.PROJECTS_LIST, _P.PROJECTS_SHOW,
    _P.RULES_CHECK, _P.RULES_TEST,
    _P.DECISIONS_LIST, _P.DECISIONS_SHOW, _P.DECISIONS_WHY, _P.DECISIONS_FIGURES,
    _P.DECISIONS_REVIEWS, _P.DECISIONS_OVERRIDES,
    _P.FEATURES_GET, _P.FEATURES_LIST, _P.FEATURES_SHOW, _P.MONITOR_REPORT, _P.ALERTS_LIST, _P.WEBHOOKS_LIST, _P.POLICY_SHOW,
    _P.LOG_PROOF, _P.LOG_CHECKPOINT, _P.RETENTION_LIST, _P.TRUST_LIST,
})  # fmt: skip
_TRIALS = frozenset(
    {
        _P.VERIFY,
        _P.RULES_BACKTEST,
        _P.RULES_EVALUATE,
        _P.REPLAY,
        _P.DECISIONS_EXPLAIN,
        _P.DECISIONS_DOSSIER,
        _P.VERSIONS_RUN,
    }
)

_OFFICE = frozenset({_P.VERSIONS_ATTACH, _P.INVENTORY_ADD, _P.MODELS_DOSSIER})

#: The whole of who may do what; a role that is missing here may do nothing.
ROLES: dict[Role, frozenset[Permission]] = {
    Role.CALLER: frozenset({_P.WHOAMI, _P.APPLICATIONS_DECIDE, _P.MODELS_PREDICT, _P.OUTCOMES_IMPORT, _P.EVENTS_IMPORT}),
    Role.VIEWER: _READS,
    Role.BUILDER: _READS | _TRIALS | _OFFICE | {
        _P.VERSIONS_REGISTER, _P.APPLICATIONS_APPLY, _P.FEATURES_APPLY, _P.FEATURES_INGEST, _P.FEATURES_JOIN, _P.OUTCOMES_IMPORT, _P.EVENTS_IMPORT,
        _P.VERSIONS_IMPORT, _P.VERSIONS_EXPORT, _P.VERSIONS_CONTENT,
        _P.APPLICATIONS_DECIDE, _P.MODELS_PREDICT, _P.DECISIONS_EXPORT,
        _P.APPLICATIONS_ACTIVATE, _P.APPLICATIONS_END, _P.PROJECTS_SET,
    },
    Role.OPERATOR: _READS | _TRIALS | _OFFICE | {
        _P.VERSIONS_DEPLOY, _P.VERSIONS_PROMOTE, _P.VERSIONS_DECOMMISSION, _P.VERSIONS_ARCHIVE, _P.VERSIONS_RESTORE,
        _P.REPAIR, _P.GC, _P.RESTART, _P.DRILL, _P.VERSIONS_DESTROY, _P.PERSONS_ERASE, _P.RETENTION_EXPIRE, _P.FEATURES_EXPIRE,
        _P.VERSIONS_IMPORT, _P.VERSIONS_EXPORT, _P.VERSIONS_CONTENT,
        _P.MODELS_ROLLBACK, _P.APPLICATIONS_APPLY, _P.APPLICATIONS_ROLLBACK,
        _P.FEATURES_APPLY, _P.FEATURES_INGEST, _P.OUTCOMES_IMPORT, _P.EVENTS_IMPORT, _P.ALERTS_ACK, _P.ALERTS_SILENCE, _P.WEBHOOKS_RETRY, _P.DECISIONS_RESOLVE,
        _P.APPLICATIONS_ACTIVATE, _P.APPLICATIONS_END, _P.PROJECTS_SET,
    },
    Role.VALIDATOR: _READS | _TRIALS | _OFFICE | {_P.DRILL},
    Role.APPROVER: _READS | _TRIALS | _OFFICE | {_P.VERSIONS_DESTROY, _P.RETENTION_EXPIRE, _P.FEATURES_EXPIRE, _P.VERSIONS_APPROVE, _P.APPLICATIONS_APPROVE, _P.DECISIONS_RESOLVE},
    Role.AUDITOR: _READS | _TRIALS | _OFFICE | {_P.VERSIONS_EXPORT, _P.VERSIONS_CONTENT, _P.HOLDS_ADD, _P.HOLDS_RELEASE, _P.RETENTION_DEFINE, _P.RETENTION_ASSIGN, _P.DRILL, _P.AUDIT_LOG, _P.AUDIT_VERIFY, _P.TOKENS_LIST, _P.USERS_LIST, _P.USERS_SHOW, _P.SESSIONS_LIST, _P.DECISIONS_PERSONAL, _P.SQL, _P.DECISIONS_EXPORT, _P.FEATURES_JOIN},
    Role.ADMIN: frozenset(Permission),
}  # fmt: skip

#: What an actor limited to some applications may still ask without naming one of them.
UNSCOPED = frozenset({_P.WHOAMI, _P.STATUS, _P.USERS_LINK, _P.PROJECTS_LIST, _P.PROJECTS_SHOW})

#: with this begins the id of who acts on the machine itself
LOCAL = "local:"

ActorKind: TypeAlias = Literal["local", "token", "user"]


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: `local:<user>` at the home itself, `user:<name>` with an account, or the id of a token.

    `applications` empty means all that the role allows. `request` is the id under which the entry point took the call.
    """

    id: str
    role: Role
    applications: frozenset[str] = frozenset()
    kind: ActorKind = "token"
    request: str = ""


def local_actor(user: str) -> Actor:
    """Return the owner of the home acting on the machine itself: an admin."""
    return Actor(f"{LOCAL}{user}", Role.ADMIN, kind="local")


class Unauthenticated(TenureError):
    """Nobody known is asking."""

    code = "unauthenticated"
    kind = Kind.UNAUTHENTICATED
    message = "no valid token was given"
    next_step = "send `Authorization: Bearer …` with a token from `tenure token create`"


class Forbidden(TenureError):
    """The actor is known and may not."""

    code = "forbidden"
    kind = Kind.FORBIDDEN
    message = "{actor} (role {role}) may not {permission}{where}"
    next_step = "ask an admin for a token with the role {roles}"


def allows(role: Role | str, permission: Permission) -> bool:
    """Return whether the role has the permission; an unknown role has none."""
    return permission in ROLES.get(Role(role), frozenset()) if role in Role._value2member_map_ else False


def authorize(actor: Actor | None, permission: Permission, application: str | None = None) -> Actor:
    """Return the actor if it may do this (to this application), else raise `Unauthenticated` or `Forbidden`."""
    if actor is None:
        raise Unauthenticated
    if allows(actor.role, permission) and _in_scope(actor, permission, application):
        return actor
    raise Forbidden(
        actor=actor.id,
        role=actor.role.value,
        permission=permission.value,
        where=f" on {application}" if application else "",
        roles=" or ".join(role.value for role, granted in ROLES.items() if permission in granted),
    )


def _in_scope(actor: Actor, permission: Permission, application: str | None) -> bool:
    return not actor.applications or permission in UNSCOPED or application in actor.applications
