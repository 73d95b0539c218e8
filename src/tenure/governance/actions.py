"""What is done to tokens, to the policy, to holds and with the audit chain."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tenure.governance.access import Permission, Unauthenticated, authorize
from tenure.governance.audit import Event, problems
from tenure.governance.holds import AlreadyHeld, Hold, NotHeld, among
from tenure.governance.rates import parse_rate
from tenure.governance.tokens import Token, UnknownToken, behind, mint, parse_expiry, token_digest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from tenure.governance.access import Actor, Role
    from tenure.governance.approvals import Policy
    from tenure.governance.audit import Entry
    from tenure.governance.ports import Audit, AuditLog, HoldStore, PolicyStore, TokenStore
    from tenure.kit.clock import Clock


class Tokens:
    """Collection of actions on tokens; revoked and expired ones stay on the list."""

    def __init__(
        self, store: TokenStore, audit: Audit, clock: Clock, mint: Callable[[], tuple[str, str]] = mint
    ) -> None:
        self._store = store
        self._audit = audit
        self._clock = clock
        self._mint = mint

    def create(
        self,
        actor: Actor,
        role: Role,
        applications: Iterable[str] = (),
        expires: str = "",
        reason: str = "",
        rate: str = "",
        name: str = "",
    ) -> tuple[Token, str]:
        """Make a token and return it with its text, which exists nowhere else."""
        authorize(actor, Permission.TOKENS_CREATE)
        now = self._clock.now()
        token_id, text = self._mint()
        until = parse_expiry(expires, now)
        parse_rate(rate)
        limits = frozenset(applications)
        token = Token(token_id, token_digest(text), role, limits, now, actor.id, until, rate=rate, name=name)
        with self._audit.transaction():
            self._store.add(token)
            self._audit.write(Event(Permission.TOKENS_CREATE, actor, now, _target(token), reason, after=_facts(token)))
        return token, text

    def found(self, token_id: str) -> Token | None:
        """Return a token as it is now, for what tells its states apart; nobody is asked, and nobody is shown it."""
        return self._store.get(token_id)

    def behind(self, actor: str) -> str:
        """Return who it is that acts under this id; nobody is asked (tokens.py)."""
        return behind(actor, self._store.get(actor))

    def names(self) -> dict[str, str]:
        """Return by id what tokens are called in the audit trail: token:NAME; those without a name by their id alone."""
        return {token.id: f"token:{token.name}" for token in self._store.all() if token.name}

    def all(self, actor: Actor) -> list[Token]:
        """Return all tokens ever made, oldest first."""
        authorize(actor, Permission.TOKENS_LIST)
        return self._store.all()

    def revoke(self, actor: Actor, token_id: str, reason: str = "") -> Token:
        """Make a token open nothing from now on; revoking it again changes nothing."""
        authorize(actor, Permission.TOKENS_REVOKE)
        now = self._clock.now()
        with self._audit.transaction():
            token = self._store.get(token_id)
            if token is None:
                raise UnknownToken(token=token_id)
            if token.revoked_at is not None:
                return token
            revoked = replace(token, revoked_at=now)
            self._store.save(revoked)
            self._audit.write(
                Event(Permission.TOKENS_REVOKE, actor, now, _target(token), reason, _facts(token), _facts(revoked))
            )
        return revoked

    def authenticate(self, text: str, request: str = "") -> Actor:
        """Return who acts with this token text; raise `Unauthenticated` when it opens nothing."""
        token = self._store.by_digest(token_digest(text))
        if token is None or not token.is_valid(self._clock.now()):
            raise Unauthenticated
        return token.actor(request)


def _target(token: Token) -> str:
    return f"token/{token.id}"


def _facts(token: Token) -> dict[str, object]:
    return {
        "role": token.role.value,
        "applications": sorted(token.applications),
        "expires_at": token.expires_at,
        "rate": token.rate,
        "name": token.name,
        "revoked_at": token.revoked_at,
    }


@dataclass(frozen=True, slots=True)
class ChainReport:
    """How many rows were looked at, and one sentence per row that is not as it was written."""

    rows: int
    problems: tuple[str, ...]


class AuditTrail:
    """Collection of actions that read the audit chain."""

    def __init__(self, log: AuditLog) -> None:
        self._log = log

    def log(
        self,
        actor: Actor,
        target: str = "",
        limit: int = 100,
        before: int = 0,
        *,
        by: Sequence[str] = (),
        action: str = "",
    ) -> list[Entry]:
        """Return the newest rows first; `target` keeps those about one object, `before` those below a sequence.

        `by` keeps those of these actors, `action` those of one action.
        """
        authorize(actor, Permission.AUDIT_LOG)
        return self._log.newest(limit, target, before, actors=by, action=action)

    def verify(self, actor: Actor) -> ChainReport:
        """Compute the whole chain again and say what is not as it was written."""
        authorize(actor, Permission.AUDIT_VERIFY)
        # Read before the rows: the chain may grow meanwhile, and must then be at least as long as the note says.
        witness = self._log.witness()
        entries = list(self._log.entries())
        return ChainReport(len(entries), tuple(problems(entries, witness)))


class Policies:
    """Collection of actions on the home's policy."""

    def __init__(self, store: PolicyStore, audit: Audit, clock: Clock) -> None:
        self._store = store
        self._audit = audit
        self._clock = clock

    def show(self, actor: Actor) -> Policy:
        """Return the policy in force."""
        authorize(actor, Permission.POLICY_SHOW)
        return self._store.get()

    def in_force(self) -> Policy:
        """Return the policy in force; no secret, so nobody is asked."""
        return self._store.get()

    def set(self, actor: Actor, policy: Policy, reason: str = "") -> Policy:
        """Put a policy in force; what was approved before stays approved."""
        authorize(actor, Permission.POLICY_SET)
        with self._audit.transaction():
            before = self._store.get()
            self._store.set(policy)
            self._audit.write(
                Event(
                    Permission.POLICY_SET,
                    actor,
                    self._clock.now(),
                    "policy",
                    reason,
                    {"policy": before.value},
                    {"policy": policy.value},
                )
            )
        return policy


class Holds:
    """Collection of actions on legal holds."""

    def __init__(self, store: HoldStore, audit: Audit, clock: Clock) -> None:
        self._store = store
        self._audit = audit
        self._clock = clock

    def add(self, actor: Actor, target: str, reason: str, application: str | None = None) -> Hold:
        """Place a hold; raise `AlreadyHeld`."""
        authorize(actor, Permission.HOLDS_ADD, application)
        now = self._clock.now()
        with self._audit.transaction():
            if known := among(self._store.open(), [target]):
                raise AlreadyHeld(target=target, hold=known[0])
            self._store.add(target, reason, now, actor.id)
            self._audit.write(Event(Permission.HOLDS_ADD, actor, now, target, reason, after={"held": True}))
        return Hold(target, reason, now, actor.id)

    def release(self, actor: Actor, target: str, reason: str, application: str | None = None) -> Hold:
        """End a hold and return it; raise `NotHeld`."""
        authorize(actor, Permission.HOLDS_RELEASE, application)
        now = self._clock.now()
        with self._audit.transaction():
            known = among(self._store.open(), [target])
            if not known:
                raise NotHeld(target=target)
            self._store.release(target, now, actor.id)
            before = {"held": True, "reason": known[0].reason, "placed_by": known[0].placed_by}
            self._audit.write(
                Event(Permission.HOLDS_RELEASE, actor, now, target, reason, before, after={"held": False})
            )
        return known[0]
