"""What the actions of every slice need of the control database: one transaction, and the audit trail inside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager

    from tenure.governance.approvals import Policy
    from tenure.governance.audit import Entry, Event, Head
    from tenure.governance.holds import Hold
    from tenure.governance.people import User
    from tenure.governance.retention import RetentionClass, Use
    from tenure.governance.sessions import Session, SignInLink
    from tenure.governance.tokens import Token
    from tenure.governance.trust import TrustedKey


class Audit(Protocol):
    """The audit trail; `transaction` is the same one that every store of the control database writes in.

    An action does: `with audit.transaction(): store.save(…); audit.write(Event(…))`. All of it is kept, or nothing.
    Transactions nest: the outermost one commits.
    """

    def transaction(self) -> AbstractContextManager[object]:
        """Begin (or join) the one write transaction; leaving it by an exception keeps nothing."""

    def write(self, event: Event) -> None:
        """Append the event to the chain; only inside a transaction."""


class AuditLog(Audit, Protocol):
    """The audit trail as its readers see it."""

    def entries(self) -> Iterator[Entry]:
        """Return all rows in the order of their sequence."""

    def newest(
        self, limit: int, target: str = "", before: int = 0, *, actors: Sequence[str] = (), action: str = ""
    ) -> list[Entry]:
        """Return the newest rows first; `target` keeps those about one object, `before` those below a sequence."""

    def witness(self) -> Head | None:
        """Return the head last noted outside the database, None when there is no note."""


class TokenStore(Protocol):
    """Where tokens are kept, without their secrets."""

    def add(self, token: Token) -> None:
        """Keep a new token."""

    def get(self, token_id: str) -> Token | None:
        """Return the token of this id."""

    def by_digest(self, digest: str) -> Token | None:
        """Return the token whose text has this sha256 (hex)."""

    def all(self) -> list[Token]:
        """Return all tokens ever made, oldest first."""

    def save(self, token: Token) -> None:
        """Keep the token's new state."""


class UserStore(Protocol):
    """Where accounts are kept."""

    def add(self, user: User) -> None:
        """Keep a new account."""

    def get(self, name: str) -> User | None:
        """Return the account of this name."""

    def all(self) -> list[User]:
        """Return all accounts ever made, by name."""

    def save(self, user: User) -> None:
        """Keep the account's new state."""


class SessionStore(Protocol):
    """Where sessions and sign-in links are kept, without their secrets."""

    def add(self, session: Session) -> None:
        """Keep a new session; what was over long ago may be forgotten."""

    def get(self, session_id: str) -> Session | None:
        """Return the session of this id."""

    def by_digest(self, digest: str) -> Session | None:
        """Return the session whose secret has this sha256 (hex)."""

    def open(self, now: int) -> list[Session]:
        """Return the sessions that are not over, oldest first."""

    def save(self, session: Session) -> None:
        """Keep the session's new state."""

    def end_all(self, subject: str, now: int) -> None:
        """End every open session of a subject."""

    def add_link(self, link: SignInLink) -> None:
        """Keep a new link."""

    def link(self, digest: str) -> SignInLink | None:
        """Return the link whose code has this sha256 (hex)."""

    def save_link(self, link: SignInLink) -> None:
        """Keep the link's new state."""


class Passwords(Protocol):
    """A slow, salted hash of passwords. Both take tens of milliseconds on purpose: never call them on an event loop."""

    def hash(self, password: str) -> str:
        """Return the hash to keep."""

    def verify(self, hashed: str, password: str) -> bool:
        """Return whether the password is the hashed one; takes as long for the empty hash, which nothing matches."""


class HoldStore(Protocol):
    """Where legal holds are kept."""

    def add(self, target: str, reason: str, at: int, by: str) -> None:
        """Keep a new hold."""

    def release(self, target: str, at: int, by: str) -> None:
        """End the hold on a target."""

    def open(self) -> list[Hold]:
        """Return the holds in force, oldest first."""


class TrustStore(Protocol):
    """Where trusted keys are kept."""

    def add(self, key: TrustedKey) -> None:
        """Keep a key, in place of what was known of it."""

    def remove(self, key: str, at: int) -> None:
        """Trust a key no more; it stays known."""

    def all(self) -> list[TrustedKey]:
        """Return every key ever trusted, oldest first."""


class PolicyStore(Protocol):
    """Where the home's policy is kept."""

    def get(self) -> Policy:
        """Return the policy in force."""

    def set(self, policy: Policy) -> None:
        """Keep the policy from now on."""


class RetentionStore(Protocol):
    """Where retention classes and what is kept under them are kept, every state of both."""

    def define(self, given: RetentionClass, at: int, by: str) -> None:
        """Keep a new state of a class."""

    def classes(self) -> list[RetentionClass]:
        """Return every state of every class, oldest first."""

    def assign(self, use: Use) -> None:
        """Keep under which class a target is kept from now on."""

    def uses(self) -> list[Use]:
        """Return every assignment there was, oldest first."""
