"""Accounts, sign-in links and sessions."""

from pathlib import Path

import pytest
from argon2 import PasswordHasher

from tenure.adapters.passwords import ArgonPasswords
from tenure.adapters.sql.audit import SqlAudit
from tenure.adapters.sql.engine import Database
from tenure.adapters.sql.people import SqlSessions, SqlUsers
from tenure.adapters.sql.tokens import SqlTokens
from tenure.adapters.sql.upgrade import copy_to
from tenure.governance.access import Actor, Forbidden, Role, Unauthenticated, local_actor
from tenure.governance.accounts import Users
from tenure.governance.actions import Tokens
from tenure.governance.attempts import MOST_OF_ADDRESS, MOST_TOGETHER, WINDOW, Attempts
from tenure.governance.people import BadPassword, BadUserName, UnknownUser, UserDisabled, UserExists
from tenure.governance.sessions import (
    LINK_LIFE,
    SESSION_LIFE,
    CsrfRefused,
    SignInRefused,
    TooManyAttempts,
    UnknownSession,
    cookie_in,
    csrf_token,
    refuse_forged,
)
from tenure.governance.signing_in import Sessions
from tenure.kit.clock import FixedClock

ADA = local_actor("ada")
PASSWORD = "correct horse battery"


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def passwords() -> ArgonPasswords:
    return ArgonPasswords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


@pytest.fixture
def users(database: Database, audit: SqlAudit, clock: FixedClock, passwords: ArgonPasswords) -> Users:
    return Users(SqlUsers(database), SqlSessions(database), passwords, audit, clock)


@pytest.fixture
def tokens(database: Database, audit: SqlAudit, clock: FixedClock) -> Tokens:
    return Tokens(SqlTokens(database), audit, clock)


@pytest.fixture
def sessions(database: Database, audit: SqlAudit, clock: FixedClock, passwords: ArgonPasswords) -> Sessions:
    stores = SqlSessions(database), SqlUsers(database), SqlTokens(database)
    return Sessions(*stores, passwords, Attempts(), audit, clock)


def test_a_password_opens_a_session_with_the_role_and_limits_of_the_account(users: Users, sessions: Sessions) -> None:
    users.create(ADA, "ann", Role.VIEWER, ["offers"], PASSWORD)
    begun = sessions.by_password("ann", PASSWORD)
    actor = sessions.authenticate(begun.secret)
    assert (actor.id, actor.role, actor.applications) == ("user:ann", Role.VIEWER, frozenset({"offers"}))
    users.change(ADA, "ann", Role.OPERATOR, [])
    assert sessions.authenticate(begun.secret).role is Role.OPERATOR, "a session has no rights of its own"


def test_a_wrong_password_a_wrong_name_and_an_account_without_password_are_refused_alike(
    users: Users, sessions: Sessions
) -> None:
    users.create(ADA, "ann", Role.VIEWER, password=PASSWORD)
    users.create(ADA, "bob", Role.VIEWER)
    refusals = set()
    for name, password in (("ann", "wrong"), ("eve", PASSWORD), ("bob", PASSWORD), ("bob", "")):
        with pytest.raises(SignInRefused) as refusal:
            sessions.by_password(name, password)
        refusals.add(str(refusal.value))
    assert len(refusals) == 1


def test_a_session_ends_with_its_time_by_signing_out_and_with_the_account(
    users: Users, sessions: Sessions, clock: FixedClock
) -> None:
    users.create(ADA, "ann", Role.VIEWER, password=PASSWORD)
    late, left, closed, changed = (sessions.by_password("ann", PASSWORD).secret for _ in range(4))
    sessions.sign_out(sessions.authenticate(left), left)
    with pytest.raises(Unauthenticated):
        sessions.authenticate(left)
    users.set_password(ADA, "ann", PASSWORD + "!")
    with pytest.raises(Unauthenticated):
        sessions.authenticate(changed)
    closed = sessions.by_password("ann", PASSWORD + "!").secret
    users.disable(ADA, "ann")
    users.enable(ADA, "ann")
    with pytest.raises(Unauthenticated):
        sessions.authenticate(closed)
    late = sessions.by_password("ann", PASSWORD + "!").secret
    clock.advance(SESSION_LIFE - 1)
    sessions.authenticate(late)
    clock.advance(1)
    with pytest.raises(Unauthenticated):
        sessions.authenticate(late)
    assert sessions.all(ADA) == []


def test_a_link_signs_in_once_and_not_for_long(users: Users, sessions: Sessions, clock: FixedClock) -> None:
    users.create(ADA, "ann", Role.VIEWER)
    _, code = sessions.link(ADA, "ann")
    _, own = sessions.link(ADA)
    _, old = sessions.link(ADA, "ann")
    assert sessions.by_link(code).actor.id == "user:ann"
    assert sessions.by_link(own).actor == ADA
    clock.advance(LINK_LIFE)
    for used in (code, old, "tnl_never"):
        with pytest.raises(SignInRefused):
            sessions.by_link(used)


def test_nobody_makes_a_link_for_another_without_the_right_to_make_accounts(users: Users, sessions: Sessions) -> None:
    users.create(ADA, "ann", Role.VIEWER)
    users.create(ADA, "bob", Role.ADMIN)
    ann = Actor("user:ann", Role.VIEWER, kind="user")
    assert sessions.link(ann)[0].subject == sessions.link(ann, "ann")[0].subject == "user:ann"
    with pytest.raises(Forbidden):
        sessions.link(ann, "bob")
    with pytest.raises(Forbidden):
        sessions.link(Actor("t", Role.CALLER))
    with pytest.raises(UnknownUser):
        sessions.link(ADA, "eve")
    users.disable(ADA, "ann")
    with pytest.raises(UserDisabled):
        sessions.link(ADA, "ann")


def test_a_session_of_a_token_ends_with_the_token(tokens: Tokens, sessions: Sessions) -> None:
    token, text = tokens.create(ADA, Role.AUDITOR, ["offers"])
    begun = sessions.by_token(text)
    assert sessions.authenticate(begun.secret) == token.actor()
    tokens.revoke(ADA, token.id)
    with pytest.raises(Unauthenticated):
        sessions.authenticate(begun.secret)
    with pytest.raises(SignInRefused):
        sessions.by_token(text)


def test_too_many_failures_make_the_next_attempt_wait_even_with_the_right_password(
    users: Users, sessions: Sessions, clock: FixedClock
) -> None:
    users.create(ADA, "ann", Role.VIEWER, password=PASSWORD)
    for _ in range(MOST_TOGETHER):
        with pytest.raises(SignInRefused):
            sessions.by_password("ann", "guess", "10.0.0.1")
    with pytest.raises(TooManyAttempts) as refusal:
        sessions.by_password("ann", PASSWORD, "10.0.0.1")
    assert 0 < refusal.value.facts["retry_after"] <= WINDOW
    sessions.by_password("ann", PASSWORD, "10.0.0.2")
    clock.advance(WINDOW)
    sessions.by_password("ann", PASSWORD, "10.0.0.1")


def test_an_address_that_tries_many_names_or_tokens_has_to_wait_and_others_need_not(clock: FixedClock) -> None:
    attempts = Attempts()
    for number in range(MOST_OF_ADDRESS):
        attempts.failed(f"user{number}" if number % 2 else "", "10.0.0.1", clock.now())
    with pytest.raises(TooManyAttempts):
        attempts.refuse_too_many("somebody", "10.0.0.1", clock.now())
    attempts.refuse_too_many("", "10.0.0.2", clock.now())


def test_everything_about_accounts_is_in_the_audit_chain_and_no_secret_is_anywhere(
    users: Users, sessions: Sessions, audit: SqlAudit, database: Database, tmp_path: Path
) -> None:
    users.create(ADA, "ann", Role.VIEWER, password=PASSWORD)
    with pytest.raises(SignInRefused):
        sessions.by_password("ann", "guessed wrong", "10.0.0.1")
    secret = sessions.by_password("ann", PASSWORD).secret
    _, code = sessions.link(ADA, "ann")
    users.disable(ADA, "ann", "left")
    told = [(entry.action, entry.actor, entry.target) for entry in audit.entries()]
    assert told == [
        ("users:create", "local:ada", "user/ann"),
        ("sessions:begin", "user:ann", "user/ann"),
        ("sessions:begin", "user:ann", "user/ann"),
        ("users:link", "local:ada", "user/ann"),
        ("users:disable", "local:ada", "user/ann"),
    ]
    copy_to(database, tmp_path / "copy.db")
    kept = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    for hidden in (PASSWORD, "guessed wrong", secret, code, csrf_token(secret)):
        assert hidden.encode() not in kept
    assert b"$argon2id$" in kept


def test_ones_own_password_needs_the_present_one_and_anothers_the_permission(users: Users) -> None:
    users.create(ADA, "ann", Role.VIEWER, password=PASSWORD)
    ann, bob = Actor("user:ann", Role.VIEWER), Actor("user:bob", Role.VIEWER)
    with pytest.raises(SignInRefused):
        users.set_password(ann, "ann", "another one here", "wrong")
    with pytest.raises(Forbidden):
        users.set_password(bob, "ann", "another one here", PASSWORD)
    users.set_password(ann, "ann", "another one here", PASSWORD)


@pytest.mark.parametrize("name", ["", "Ann", "a b", "-a", "a/b", "x" * 65, "ann\n"])
def test_a_name_that_could_be_mistaken_is_refused(users: Users, name: str) -> None:
    with pytest.raises(BadUserName):
        users.create(ADA, name, Role.VIEWER)


def test_a_name_is_never_used_twice_and_a_short_password_not_at_all(users: Users, sessions: Sessions) -> None:
    users.create(ADA, "ann", Role.VIEWER)
    users.disable(ADA, "ann")
    with pytest.raises(UserExists):
        users.create(ADA, "ann", Role.ADMIN)
    with pytest.raises(BadPassword):
        users.create(ADA, "bob", Role.VIEWER, password="short")
    with pytest.raises(UnknownUser):
        users.disable(ADA, "bob")
    with pytest.raises(UnknownSession):
        sessions.end(ADA, "none")
    with pytest.raises(Forbidden):
        users.create(Actor("t", Role.OPERATOR), "eve", Role.ADMIN)


def test_a_csrf_token_belongs_to_one_session_and_a_cookie_is_found_among_others() -> None:
    refuse_forged("tns_a", csrf_token("tns_a"))
    for given in ("", csrf_token("tns_b"), csrf_token("tns_a")[:-1], "é"):
        with pytest.raises(CsrfRefused):
            refuse_forged("tns_a", given)
    assert cookie_in("theme=dark; tenure_session=tns_x; more=1") == "tns_x"
    assert cookie_in("tenure_session=tns_x; __Host-tenure_session=tns_y") == "tns_y"
    assert cookie_in("tenure_session=tnr_a_token") is None
    assert cookie_in("") is None
