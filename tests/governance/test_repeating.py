"""A request that comes twice under one key: done once, answered alike, and its answer readable with the key alone."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from cryptography.exceptions import InvalidTag
from sqlalchemy import select

from tenure.adapters.answers import SealedAnswers
from tenure.adapters.sql.people_tables import governance_request
from tenure.adapters.sql.repeats import SqlRepeats
from tenure.governance.access import Permission, local_actor
from tenure.governance.audit import Event
from tenure.governance.repeating import (
    REMEMBERED,
    Answer,
    AnswerLost,
    BadKey,
    KeyInUse,
    KeyReused,
    Repeats,
)
from tenure.kit.clock import FixedClock
from tenure.kit.errors import TenureError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenure.adapters.sql.audit import SqlAudit
    from tenure.adapters.sql.engine import Database

ANN = local_actor("ann")
DONE = Answer(200, b'{"token": "hunter2"}', "application/json", {"ETag": '"7"'})
LONG = Answer(200, b"x" * (2 << 20), "application/json")


class Doing:
    """An action with an effect: it writes an audit event, and counts how often it was done."""

    def __init__(self, audit: SqlAudit, answer: Answer = DONE, fails: Exception | None = None) -> None:
        self._audit, self._answer, self._fails = audit, answer, fails
        self.times = 0

    def __call__(self) -> Answer:
        self.times += 1
        with self._audit.transaction():
            self._audit.write(Event(Permission.POLICY_SET, ANN, 1, "policy"))
        if self._fails is not None:
            raise self._fails
        return self._answer


class Refused(TenureError):
    code = "refused-in-a-test"
    message = "no"


def failed(error: Exception) -> Answer:
    return Answer(409, str(error).encode(), "application/problem+json")


@pytest.fixture
def repeats(database: Database) -> Repeats:
    return made(database, "this run")


def made(database: Database, run: str, now: int = 1_000_000) -> Repeats:
    return Repeats(SqlRepeats(database), SealedAnswers(b"home"), FixedClock(now), run)


def test_the_first_is_done_and_the_second_gets_the_same_answer(repeats: Repeats, audit: SqlAudit) -> None:
    do = Doing(audit)
    assert repeats.once("ann", "k", b"a", do, failed) == (DONE, False)
    assert repeats.once("ann", "k", b"a", do, failed) == (DONE, True)
    assert do.times == 1


def test_another_request_another_actor_and_another_key(repeats: Repeats, audit: SqlAudit) -> None:
    do = Doing(audit)
    repeats.once("ann", "k", b"a", do, failed)
    with pytest.raises(KeyReused):
        repeats.once("ann", "k", b"b", do, failed)
    repeats.once("bob", "k", b"b", do, failed)
    repeats.once("ann", "l", b"a", do, failed)
    assert do.times == 3
    for key in ("", "x" * 256):
        with pytest.raises(BadKey):
            repeats.once("ann", key, b"a", do, failed)


def test_one_that_is_under_way_is_not_done_again_beside_it(repeats: Repeats, audit: SqlAudit) -> None:
    do = Doing(audit)

    def meanwhile() -> Answer:
        with pytest.raises(KeyInUse):
            repeats.once("ann", "k", b"a", do, failed)
        return do()

    assert repeats.once("ann", "k", b"a", meanwhile, failed) == (DONE, False)
    assert do.times == 1


def test_what_was_refused_may_be_asked_again_and_what_failed_after_its_effect_may_not(
    repeats: Repeats, audit: SqlAudit
) -> None:
    def refuse() -> Answer:
        raise Refused

    do = Doing(audit)
    with pytest.raises(Refused):
        repeats.once("ann", "k", b"a", refuse, failed)
    assert repeats.once("ann", "k", b"a", do, failed) == (DONE, False)
    late = Doing(audit, fails=Refused())
    with pytest.raises(Refused):
        repeats.once("ann", "l", b"a", late, failed)
    assert repeats.once("ann", "l", b"a", late, failed) == (failed(Refused()), True)
    assert late.times == 1


def test_a_process_that_ended_midway_leaves_what_it_committed_and_nothing_else(
    database: Database, audit: SqlAudit
) -> None:
    class Killed(BaseException):
        pass

    def killed_before() -> Answer:
        raise Killed

    def killed_after() -> Answer:
        Doing(audit)()
        raise Killed

    ways: dict[str, Callable[[], Answer]] = {"before": killed_before, "after": killed_after}
    for key, do in ways.items():
        with pytest.raises(Killed):
            made(database, "a run that ended").once("ann", key, b"a", do, failed)
    again = made(database, "the next run")
    do = Doing(audit)
    assert again.once("ann", "before", b"a", do, failed) == (DONE, False)
    with pytest.raises(AnswerLost, match="row 1 of the audit trail"):
        again.once("ann", "after", b"a", do, failed)
    assert do.times == 1


def test_an_answer_is_remembered_for_a_day_and_one_that_is_too_long_only_as_done(
    database: Database, audit: SqlAudit
) -> None:
    do, at_length = Doing(audit), Doing(audit, LONG)
    made(database, "run", 0).once("ann", "k", b"a", do, failed)
    assert made(database, "run", REMEMBERED).once("ann", "k", b"a", do, failed)[1]
    assert not made(database, "run", REMEMBERED + 1).once("ann", "k", b"a", do, failed)[1]
    assert do.times == 2
    repeats = made(database, "run", REMEMBERED + 1)
    assert repeats.once("ann", "long", b"a", at_length, failed) == (LONG, False)
    with pytest.raises(AnswerLost, match="too long"):
        repeats.once("ann", "long", b"a", at_length, failed)


def test_nothing_of_a_request_or_its_answer_can_be_read_without_the_key(
    database: Database, repeats: Repeats, audit: SqlAudit
) -> None:
    repeats.once("ann", "the key", b"my password", Doing(audit), failed)
    with database.reading() as connection:
        [row] = connection.execute(select(governance_request)).all()
    assert not any(secret in str(row) for secret in ("hunter2", "the key", "my password"))
    with pytest.raises(InvalidTag):
        SealedAnswers(b"home").open("a guess", row.answer)
    with pytest.raises(InvalidTag):
        SealedAnswers(b"another home").open("the key", row.answer)


def test_of_64_at_once_one_is_done(repeats: Repeats, audit: SqlAudit) -> None:
    do = Doing(audit)
    found: list[Answer | KeyInUse] = []
    together = threading.Barrier(64)

    def ask() -> None:
        together.wait()
        try:
            found.append(repeats.once("ann", "k", b"a", do, failed)[0])
        except KeyInUse as error:
            found.append(error)

    threads = [threading.Thread(target=ask) for _ in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 64
    assert do.times == 1
    assert all(one == DONE for one in found if isinstance(one, Answer))
    assert DONE in found
