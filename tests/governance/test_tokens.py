"""Tokens: shown once, stored as a hash, over when their time is over."""

from pathlib import Path

import pytest

from tenure.adapters.sql.audit import SqlAudit
from tenure.adapters.sql.engine import Database
from tenure.adapters.sql.tokens import SqlTokens
from tenure.adapters.sql.upgrade import copy_to
from tenure.governance.access import Actor, Forbidden, Role, Unauthenticated, local_actor
from tenure.governance.actions import Tokens
from tenure.governance.tokens import BadExpiry, UnknownToken, mint, token_digest
from tenure.kit.clock import DAY, FixedClock

ADMIN = local_actor("ada")


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def tokens(database: Database, audit: SqlAudit, clock: FixedClock) -> Tokens:
    return Tokens(SqlTokens(database), audit, clock)


def test_a_token_opens_what_its_role_may_and_carries_its_limits(tokens: Tokens) -> None:
    token, text = tokens.create(ADMIN, Role.CALLER, ["offers"])
    assert text.startswith(f"tnr_{token.id}_")
    assert tokens.authenticate(text, "r1") == Actor(token.id, Role.CALLER, frozenset({"offers"}), request="r1")


def test_a_secret_has_192_random_bits_and_no_two_are_alike() -> None:
    texts = {mint()[1] for _ in range(100)}
    assert len(texts) == 100
    assert {len(text.split("_", 2)[2]) for text in texts} == {32}, "24 bytes in base 64"


def test_the_secret_is_nowhere_in_the_home(tokens: Tokens, database: Database, tmp_path: Path) -> None:
    _, text = tokens.create(ADMIN, Role.VIEWER)
    copy_to(database, tmp_path / "copy.db")
    secret = text.split("_", 2)[2].encode()
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and secret in path.read_bytes()]
    assert token_digest(text).encode() in (tmp_path / "copy.db").read_bytes()


def test_a_changed_an_expired_and_a_revoked_token_open_nothing(tokens: Tokens, clock: FixedClock) -> None:
    _, text = tokens.create(ADMIN, Role.VIEWER, expires="1d")
    with pytest.raises(Unauthenticated):
        tokens.authenticate(text + "x")
    clock.advance(DAY - 1)
    tokens.authenticate(text)
    clock.advance(1)
    with pytest.raises(Unauthenticated):
        tokens.authenticate(text)
    token, other = tokens.create(ADMIN, Role.VIEWER)
    tokens.revoke(ADMIN, token.id, "leaked")
    with pytest.raises(Unauthenticated):
        tokens.authenticate(other)


def test_creating_and_revoking_stand_in_the_chain_without_any_secret(tokens: Tokens, audit: SqlAudit) -> None:
    token, text = tokens.create(ADMIN, Role.CALLER, ["offers"], reason="for the shop")
    tokens.revoke(ADMIN, token.id, "leaked")
    tokens.revoke(ADMIN, token.id, "again")
    entries = list(audit.entries())
    assert [(entry.action, entry.target, entry.reason) for entry in entries] == [
        ("tokens:create", f"token/{token.id}", "for the shop"),
        ("tokens:revoke", f"token/{token.id}", "leaked"),
    ]
    assert not any(text in str(entry) or token.digest in str(entry) for entry in entries)


def test_only_who_may_makes_tokens_and_unknown_ones_cannot_be_revoked(tokens: Tokens) -> None:
    with pytest.raises(Forbidden):
        tokens.create(Actor("t", Role.OPERATOR), Role.ADMIN)
    with pytest.raises(UnknownToken):
        tokens.revoke(ADMIN, "none")


@pytest.mark.parametrize("text", ["soon", "0d", "2001-01-01", "10"])
def test_an_expiry_that_is_no_time_to_come_is_refused(tokens: Tokens, text: str) -> None:
    with pytest.raises(BadExpiry):
        tokens.create(ADMIN, Role.VIEWER, expires=text)
