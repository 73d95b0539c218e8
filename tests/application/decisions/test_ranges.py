"""Search by score and latency: read in a span of time, newest first, page by page, as brute force finds it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tenure.application.decisions.actions import Decisions
from tenure.application.decisions.reading import Search, SpanNeeded
from tenure.contract.records import DecisionRecord, PredictionRecord
from tenure.governance.access import Actor, Role

VIEWER = Actor("v", Role.VIEWER)


def record(number: int) -> DecisionRecord:
    served = PredictionRecord(role="served", model="m", version=1, digest="d", output={"score": number / 100})
    return DecisionRecord(
        format=1, kind="decision", id=f"{number:04d}", at=number, application="a", revision=1, request={}, answer={},
        predictions=[served] if number % 3 else [], decided_by="model", elapsed_us=(number * 37) % 100,
    )  # fmt: skip


RECORDS = [record(number) for number in range(100)]


class Log:
    """Finds in a list, as the log does: newest first, from after a page on."""

    def __init__(self) -> None:
        self.asked: list[Search] = []

    def find(self, search: Search) -> list[DecisionRecord]:
        self.asked.append(search)
        fits = [one for one in reversed(RECORDS) if not search.after or one.id < search.after]
        return [one for one in fits if search.fits(one, None)][: search.limit]

    def resolutions_among(self, _: Any) -> dict[str, Any]:
        return {}


@pytest.mark.parametrize(
    "ranges",
    [
        {"score": (0.2, 0.5)},
        {"score": (None, 0.1)},
        {"elapsed_us": (90, None)},
        {"score": (0.5, None), "elapsed_us": (10, 40)},
        {"score": (2.0, None)},
    ],
)
def test_pages_of_a_range_hold_every_decision_in_it_once_newest_first(
    ranges: dict[str, Any],
) -> None:
    decisions = Decisions(Log(), None, None, None)  # type: ignore[arg-type]
    search = Search(since=10, until=90, limit=4, **ranges)
    found: list[str] = []
    while page := [one.record.id for one in decisions.find(VIEWER, search)]:
        found += page
        search = replace(search, after=page[-1])
    expected = [one.id for one in reversed(RECORDS) if 10 <= one.at < 90 and search.in_ranges(one)]
    assert found == expected


def test_without_a_span_of_time_it_is_refused_before_anything_is_read() -> None:
    log = Log()
    with pytest.raises(SpanNeeded, match="needs a span of time"):
        Decisions(log, None, None, None).find(VIEWER, Search(score=(0.5, None)))  # type: ignore[arg-type]
    assert not log.asked
