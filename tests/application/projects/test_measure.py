"""A project's measure: what may be written, and that the groups add up to the whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from tenure.application.projects.measure import BadMeasure, Judged, measure, measured, number
from tenure.application.projects.project import period_of
from tenure.application.revisions.terms import OutcomeUse

if TYPE_CHECKING:
    from tenure.contract.schema import FieldType

LEFT = OutcomeUse("left", "bool")


def _value(text: str, truths: list[Any], kind: FieldType = "bool") -> float | None:
    wanted = measure(text)
    part = wanted.over(OutcomeUse("left", kind))
    found = measured(part, [Judged("2026-W48", 1, "churn/1", truth) for truth in truths])
    return number(wanted.aggregate, found.whole)


def test_a_rate_a_mean_and_a_sum_are_of_the_decisions_whose_truth_is_known() -> None:
    assert _value("rate(left)", [True, False, None, True]) == pytest.approx(2 / 3)
    assert _value("rate(left == false)", [True, False, None, True]) == pytest.approx(1 / 3)
    assert _value("mean(left)", [1.0, 2.0, None], "float") == pytest.approx(1.5)
    assert _value("sum( left * 2.0 )", [1.0, 2.0, None], "float") == pytest.approx(6.0)
    assert _value("rate(left > 1.5)", [1.0, 2.0], "float") == pytest.approx(0.5)
    assert _value("rate(left)", [None]) is None


@pytest.mark.parametrize(
    "text", ["", "left", "median(left)", "rate()", "rate(left", "rate(stayed)", "mean(left)", "sum(left)"]
)
def test_what_is_no_measure_of_the_outcome_is_refused_by_what_it_says(text: str) -> None:
    with pytest.raises(BadMeasure):
        measure(text).over(LEFT)


def test_periods_revisions_and_versions_each_add_up_to_the_whole() -> None:
    judged = [
        Judged(f"2026-W{40 + n % 3}", 1 + n % 2, f"churn/{1 + n % 4}" if n % 5 else "", n % 7 == 0 if n % 6 else None)
        for n in range(200)
    ]
    found = measured(measure("rate(left)").over(LEFT), judged)
    for groups in (found.by_period, found.by_revision, found.by_version):
        values = list(groups.values())
        assert sum(one.decisions for one in values) == found.whole.decisions == 200
        assert sum(one.labelled for one in values) == found.whole.labelled
        assert sum(one.total for one in values) == pytest.approx(found.whole.total)


def test_a_period_is_that_of_the_applications_own_clock() -> None:
    moment = 1_764_199_800_000_000  # 2025-11-26T23:30:00Z, a Wednesday
    assert period_of(moment, ZoneInfo("UTC"), "day") == "2025-11-26"
    assert period_of(moment, ZoneInfo("Europe/Berlin"), "day") == "2025-11-27"
    assert period_of(moment, ZoneInfo("UTC"), "week") == "2025-W48"
    assert period_of(moment, ZoneInfo("UTC"), "month") == "2025-11"
