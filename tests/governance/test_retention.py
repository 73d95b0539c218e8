"""Retention classes are data: how long is counted by the calendar, and hearsay is never printed as law."""

from __future__ import annotations

import msgspec
import pytest

from tenure.governance.retention import BEGINNING, BadClass, RetentionClass, after, by_name, checked
from tenure.kit.clock import iso, parse_iso


@pytest.mark.parametrize(
    ("keep", "times", "expected"),
    [
        ("1mo", 1, "2024-02-29T12:00:00.000007Z"),
        ("1y", 1, "2025-01-31T12:00:00.000007Z"),
        ("25mo", 1, "2026-02-28T12:00:00.000007Z"),
        ("2mo", -1, "2023-11-30T12:00:00.000007Z"),
        ("30d", 1, "2024-03-01T12:00:00.000007Z"),
    ],
)
def test_a_period_is_counted_by_the_calendar(keep: str, times: int, expected: str) -> None:
    assert iso(after(parse_iso("2024-01-31T12:00:00.000007Z"), keep, times)) == expected


def test_a_basis_that_nobody_read_in_the_original_is_never_printed() -> None:
    for one in BEGINNING:
        checked(one)
        assert (one.basis in one.told) == (one.standing in {"own", "primary"})
    told = by_name([])["ai-act-documents-10y"].told
    assert told == "10 years (class ai-act-documents-10y): its legal basis was not checked against a primary source"


def test_what_was_said_last_of_a_class_holds() -> None:
    mine = RetentionClass(name="default", keep="7y", keeps=("packages",))
    assert by_name([mine])["default"].told == "7 years (class default): a choice of this home"


@pytest.mark.parametrize(
    "facts",
    [
        {"keep": "ten years"},
        {"keep": "0d"},
        {"keep": "9999y"},
        {"name": "No Spaces"},
        {"keeps": []},
        {"standing": "primary", "basis": "a law"},
        {"read_on": "yesterday"},
    ],
)
def test_a_class_that_says_too_little_is_refused(facts: dict[str, object]) -> None:
    good: dict[str, object] = {"name": "mine", "keep": "3y", "keeps": ["decisions"]}
    checked(msgspec.convert(good, RetentionClass))
    with pytest.raises(BadClass):
        checked(msgspec.convert(good | facts, RetentionClass))
