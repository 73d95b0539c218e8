"""How often a token may ask: the bucket as one moment, and the file that gateways share."""

from __future__ import annotations

import multiprocessing
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenure.adapters.buckets import Buckets
from tenure.governance.rates import BadRate, Rate, parse_rate, take
from tenure.kit.clock import SECOND

if TYPE_CHECKING:
    from pathlib import Path

NOW = 1_700_000_000 * SECOND


@pytest.mark.parametrize(("text", "rate"), [("50/s", Rate(50, 1)), ("600/min", Rate(600, 60)), ("1/h", Rate(1, 3600))])
def test_a_rate_is_written_as_people_say_it(text: str, rate: Rate) -> None:
    assert parse_rate(text) == rate
    assert parse_rate("") is None


@pytest.mark.parametrize("text", ["0/s", "-1/s", "5", "5/", "5/day", "1.5/s", "5/s ", "99999999/s"])
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(BadRate, match="not a rate"):
        parse_rate(text)


def test_all_may_come_at_once_and_then_one_for_each_pause() -> None:
    rate, full_at = Rate(3, 60), 0
    for left in (2, 1, 0):
        taken = take(full_at, NOW, rate)
        assert (taken.passes, taken.left) == (True, left)
        full_at = taken.full_at
    refused = take(full_at, NOW, rate)
    assert (refused.passes, refused.wait, refused.full_in) == (False, 20 * SECOND, 60 * SECOND)
    assert not take(refused.full_at, NOW + 20 * SECOND - 1, rate).passes
    assert take(refused.full_at, NOW + 20 * SECOND, rate).passes


@given(st.integers(1, 50), st.sampled_from([1, 60]), st.lists(st.integers(0, 2 * SECOND), max_size=200))
def test_in_no_span_of_time_more_pass_than_the_rate_and_one_bucket(
    requests: int, seconds: int, waits: list[int]
) -> None:
    rate, full_at, now, passed = Rate(requests, seconds), 0, NOW, list[int]()
    for wait in waits:
        now += wait
        taken = take(full_at, now, rate)
        full_at = taken.full_at
        if taken.passes:
            passed.append(now)
    for first, moment in enumerate(passed):
        earned = requests + (passed[-1] - moment) // rate.pause
        assert len(passed) - first <= earned


def test_a_clock_that_was_set_back_locks_nobody_out_for_longer_than_one_bucket() -> None:
    rate = Rate(2, 1)
    taken = take(NOW + 3600 * SECOND, NOW, rate)
    assert (taken.passes, taken.wait) == (False, SECOND // 2)


def _asked(folder: Path, tries: int) -> int:
    buckets = Buckets(folder)
    passed = sum(buckets.take("t1", Rate(100, 3600), NOW).passes for _ in range(tries))
    buckets.close()
    return passed


def test_processes_that_share_a_bucket_let_no_more_pass_than_one_alone(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        passed = pool.starmap(_asked, [(tmp_path, 150)] * 2)
    assert sum(passed) == 100
    again = Buckets(tmp_path)
    assert not again.take("t1", Rate(100, 3600), NOW).passes, "nor a gateway that starts later"
    again.keep_only([])
    assert not list(tmp_path.iterdir())
    again.close()
