"""Which rows go together: pure decisions, so every rule is checked over random arrivals."""

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenure.worker import batching
from tenure.worker.batching import Batcher, Call, Cost, Done, Failed, Form, Request

FORMS = st.sampled_from([Form("multiple", 8), Form("fixed", 8), Form("fixed", 32), Form("single", 1)])


class Peer:
    pass


def doubled(call: Call) -> list[bytes]:
    return [row * 2 for row in call.rows]


def finish(batcher: Batcher, now: int = 0, poison: bytes = b"") -> tuple[list[Call], list[Any]]:
    """Serve all that waits with a model that doubles rows and raises on poison."""
    calls: list[Call] = []
    answers: list[Any] = []
    while batcher:
        call = batcher.next_call(now)
        if call is not None and poison and poison in call.rows:
            batcher.failed(call, "ValueError: poison")
        elif call is not None:
            calls.append(call)
            batcher.succeeded(call, doubled(call), 100)
        answers += batcher.answers()
    return calls, answers


@given(FORMS, st.lists(st.integers(1, 70), min_size=1, max_size=20))
def test_every_row_is_computed_once_in_a_proven_shape_and_comes_home(form: Form, sizes: list[int]) -> None:
    batcher = Batcher(form)
    requests = [[b"%d-%d" % (nth, row) for row in range(size)] for nth, size in enumerate(sizes)]
    for nth, rows in enumerate(requests):
        batcher.add(Request((None, nth), rows))
    calls, answers = finish(batcher)
    assert {answer.ticket[1]: answer.rows for answer in answers} == {
        nth: [row * 2 for row in rows] for nth, rows in enumerate(requests)
    }
    assert sum(call.real for call in calls) == sum(sizes)
    for call in calls:
        assert call.shape == form.shape(call.real)
        assert call.shape % form.rows == 0
        assert form.kind == "multiple" or call.shape == form.rows
        assert set(call.rows[call.real :]) <= {call.rows[call.real - 1]}


@given(FORMS, st.lists(st.integers(1, 70), min_size=1, max_size=10), st.randoms())
def test_spans_say_where_each_row_stood(form: Form, sizes: list[int], chance: random.Random) -> None:
    batcher = Batcher(form)
    for nth, size in enumerate(sizes):
        batcher.add(Request((None, nth), [b"%d-%d" % (nth, row) for row in range(size)]))
    calls, answers = finish(batcher)
    places = {row: (call.shape, call.real, at) for call in calls for at, row in reversed(list(enumerate(call.rows)))}
    for answer in answers:
        told = [(s.shape, s.rows, s.position + k) for s in answer.spans for k in range(s.length)]
        assert told == [places[b"%d-%d" % (answer.ticket[1], row)] for row in range(len(answer.rows))]


@given(FORMS, st.integers(1, 60), st.data())
def test_a_poison_row_fails_alone(form: Form, count: int, data: st.DataObject) -> None:
    poison = data.draw(st.integers(0, count - 1))
    batcher = Batcher(form)
    for nth in range(count):
        batcher.add(Request((None, nth), [b"row %d" % nth]))
    _, answers = finish(batcher, poison=b"row %d" % poison)
    failed = [answer for answer in answers if isinstance(answer, Failed)]
    assert failed == [Failed((None, poison), "raised", "ValueError: poison", 0)]
    assert sorted(answer.ticket[1] for answer in answers) == list(range(count))


def test_a_poison_row_of_many_asked_together_is_named() -> None:
    batcher = Batcher(Form("multiple", 8))
    batcher.add(Request((None, 1), [b"a", b"b", b"bad", b"c"]))
    batcher.add(Request((None, 2), [b"d"]))
    _, answers = finish(batcher, poison=b"bad")
    assert Failed((None, 1), "raised", "ValueError: poison", 2) in answers
    assert [answer.rows for answer in answers if isinstance(answer, Done)] == [[b"dd"]]


def test_an_exact_call_stands_alone_and_is_never_filled_or_halved() -> None:
    batcher = Batcher(Form("multiple", 8))
    batcher.add(Request((None, 1), [b"a"]))
    batcher.add(Request((None, 2), [b"x", b"y", b"z"], exact=True))
    batcher.add(Request((None, 3), [b"b"]))
    calls = []
    while batcher:
        call = batcher.next_call(0)
        assert call is not None
        calls.append(call.rows)
        batcher.failed(call, "no") if b"x" in call.rows else batcher.succeeded(call, doubled(call), 1)
    assert calls == [[b"a"] * 8, [b"x", b"y", b"z"], [b"b"] * 8]
    assert Failed((None, 2), "raised", "no", 0) in batcher.answers()


def test_what_is_expired_is_answered_and_never_computed() -> None:
    batcher = Batcher(Form("multiple", 8))
    batcher.add(Request((None, 1), [b"late"], deadline=100))
    batcher.add(Request((None, 2), [b"good"], deadline=101))
    call = batcher.next_call(100)
    assert call is not None
    assert set(call.rows) == {b"good"}
    assert batcher.answers() == [Failed((None, 1), "timeout", "its deadline passed while it waited", 0)]


def test_rows_are_capped_so_that_the_tightest_deadline_is_met() -> None:
    batcher = Batcher(Form("multiple", 8))
    for rows in (8, 16, 64) * 20:
        batcher.cost.saw(rows, 1000 + 100 * rows)
    for nth in range(100):
        batcher.add(Request((None, nth), [b"r"], deadline=5_000 if nth == 30 else 1_000_000))
    first = batcher.next_call(0)
    assert first is not None
    assert first.shape <= 40
    assert first.shape >= 24


def test_at_least_one_unit_is_tried_however_tight_the_deadline_is() -> None:
    batcher = Batcher(Form("multiple", 8))
    batcher.cost.saw(8, 1_000_000)
    batcher.add(Request((None, 1), [b"r"], deadline=10))
    call = batcher.next_call(0)
    assert call is not None
    assert call.shape == 8


def test_cost_is_learned_as_a_line() -> None:
    cost = Cost()
    for rows in (8, 32, 64, 16) * 10:
        cost.saw(rows, 500 + 20 * rows)
    assert cost.line() == pytest.approx((20, 500))
    assert cost.affordable(2500) == pytest.approx(100)


def test_a_queue_that_is_full_says_so() -> None:
    batcher = Batcher(Form("multiple", 8))
    batcher.add(Request((None, 1), [b"r"] * batching.MOST_WAITING))
    batcher.add(Request((None, 2), [b"r"]))
    (answer,) = batcher.answers()
    assert (answer.ticket, answer.code) == ((None, 2), "overloaded")
    finish(batcher)
    batcher.add(Request((None, 3), [b"r"]))
    assert batcher.answers() == []


def test_a_peer_that_left_is_not_computed_for() -> None:
    gone, here = Peer(), Peer()
    batcher = Batcher(Form("single", 1))
    batcher.add(Request((gone, 1), [b"a"]))
    batcher.add(Request((here, 1), [b"b"]))
    batcher.forget(gone)
    calls, answers = finish(batcher)
    assert [call.rows for call in calls] == [[b"b"]]
    assert [answer.ticket[0] for answer in answers] == [here]


def test_a_failing_batch_whose_callers_gave_up_is_halved_no_further() -> None:
    batcher = Batcher(Form("multiple", 8))
    for nth in range(8):
        batcher.add(Request((None, nth), [b"r"], deadline=100))
    call = batcher.next_call(0)
    assert call is not None
    batcher.failed(call, "no")
    assert batcher.next_call(100) is None
    assert {answer.code for answer in batcher.answers()} == {"timeout"}
