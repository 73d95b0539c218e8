"""The batcher under load, over a simulated clock: what waits for how long, and what is computed for nobody.

The simulated worker does as the real one: when idle it takes at once what has arrived, when busy it takes all that has
queued meanwhile. A call costs a·rows + b microseconds.
"""

import random
from dataclasses import dataclass, field
from itertools import pairwise

import pytest

from tenure.worker.batching import Batcher, Done, Form, Request


@dataclass
class Arrival:
    at: int
    rows: int = 1
    patience: int = 0

    @property
    def deadline(self) -> int:
        return self.at + self.patience if self.patience else 0


@dataclass
class Shift:
    """What became of every arrival: when its answer came, or None where it failed; and the calls made."""

    answered: dict[int, int | None] = field(default_factory=dict)
    calls: list[tuple[int, int]] = field(default_factory=list)

    def in_time(self, arrivals: list[Arrival]) -> int:
        return sum(1 for nth, at in self.answered.items() if at is not None and at <= (arrivals[nth].deadline or at))


def serve(form: Form, a: int, b: int, arrivals: list[Arrival]) -> Shift:
    batcher, shift, now, coming = Batcher(form), Shift(), 0, 0
    while coming < len(arrivals) or batcher:
        if not batcher:
            now = max(now, arrivals[coming].at)
        while coming < len(arrivals) and arrivals[coming].at <= now:
            one = arrivals[coming]
            batcher.add(Request((None, coming), [b"%d" % coming] * one.rows, one.deadline))
            coming += 1
        call = batcher.next_call(now)
        if call is not None:
            assert all(not part.request.deadline or part.request.deadline > now for part in call.parts)
            shift.calls.append((now, call.real))
            took = a * call.shape + b
            now += took
            batcher.succeeded(call, call.rows, took)
        for answer in batcher.answers():
            shift.answered[answer.ticket[1]] = now if isinstance(answer, Done) else None
    return shift


@pytest.mark.parametrize("form", [Form("multiple", 8), Form("fixed", 32), Form("single", 1)])
def test_a_lone_request_never_waits_for_company(form: Form) -> None:
    arrivals = [Arrival(at) for at in range(0, 1_000_000, 10_000)]
    shift = serve(form, 20, 1000, arrivals)
    alone = 20 * form.shape(1) + 1000
    assert [shift.answered[nth] for nth in range(len(arrivals))] == [one.at + alone for one in arrivals]


def test_the_model_never_idles_while_rows_wait() -> None:
    chance, at, arrivals = random.Random(2), 0, []
    for _ in range(2000):
        at += int(chance.expovariate(1 / 300))
        arrivals.append(Arrival(at, chance.choice([1, 1, 1, 20])))
    shift = serve(Form("multiple", 8), 30, 900, arrivals)
    due = {one.at for one in arrivals}
    for (first, real), (second, _) in pairwise(shift.calls):
        assert second <= first + 30 * (-(-real // 8) * 8) + 900 or second in due


def test_rows_gather_while_the_model_is_busy_so_that_it_keeps_up() -> None:
    arrivals = [Arrival(at) for at in range(0, 2_000_000, 200)]
    shift = serve(Form("multiple", 8), 20, 2000, arrivals)
    assert max(at - arrivals[nth].at for nth, at in shift.answered.items() if at is not None) < 3 * (2000 + 20 * 24)
    assert sum(real for _, real in shift.calls) / len(shift.calls) > 8


def test_at_five_times_what_a_model_can_the_answers_that_come_are_in_time() -> None:
    # One row takes 20 ms and its caller waits 200 ms: 50 answers a second are possible, 250 are asked for.
    arrivals = [Arrival(at, patience=200_000) for at in range(0, 20_000_000, 4000)]
    shift = serve(Form("single", 1), 20_000, 0, arrivals)
    assert shift.in_time(arrivals) >= 0.9 * 20_000_000 / 20_000
    assert len(shift.answered) == len(arrivals)


def test_a_burst_is_cut_so_that_its_first_deadline_holds() -> None:
    learned = [
        Arrival(at, rows) for at, rows in zip(range(0, 10_000_000, 100_000), [8, 64, 256, 16] * 25, strict=False)
    ]
    burst = [Arrival(20_000_000, patience=30_000) for _ in range(512)]
    arrivals = learned + burst
    shift = serve(Form("multiple", 8), 100, 1000, arrivals)
    first = shift.answered[len(learned)]
    assert first is not None
    assert first <= burst[0].deadline
    served = [shift.answered[nth] for nth in range(len(learned), len(arrivals))]
    assert sum(1 for at in served if at is not None and at <= burst[0].deadline) >= 0.9 * (30_000 - 1000) / 100


def test_a_cost_that_was_learned_too_high_is_unlearned() -> None:
    batcher = Batcher(Form("single", 1))
    batcher.cost.saw(1, 10_000_000)
    in_time = 0
    for nth in range(200):
        now = nth * 10_000
        for more in range(3):
            batcher.add(Request((None, (nth, more)), [b"x"], now + 50_000))
        while batcher:
            call = batcher.next_call(now)
            if call is not None:
                batcher.succeeded(call, call.rows, 1000)
                now += 1000
        in_time += sum(isinstance(answer, Done) for answer in batcher.answers())
    assert in_time > 300


def test_one_call_that_was_held_up_refuses_nobody_after_it() -> None:
    batcher = Batcher(Form("single", 1))
    for us in [1000] * 50 + [2_000_000]:
        batcher.cost.saw(1, us)
    for nth in range(10):
        batcher.add(Request((None, nth), [b"x"], 50_000))
    now = 0
    while batcher:
        call = batcher.next_call(now)
        assert call is not None
        now += 1000
        batcher.succeeded(call, call.rows, 1000)
    assert all(isinstance(answer, Done) for answer in batcher.answers())
