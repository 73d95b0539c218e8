"""Two versions on the same requests: the numbers are what they say, and nothing is said where nothing was seen."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tenure.contract.schema import Field
from tenure.model.monitoring.observation import Facts
from tenure.model.monitoring.side_by_side import Said, SideBySide, score_psi, side_by_side

OUTPUTS = (Field("score", "float"),)
FACTS = Facts("loans", "credit", outcome="bad", outcome_type="bool")


def _said(score: float | None, offer: str) -> Said:
    return Said("loans", None if score is None else {"score": score}, {"offer": offer})


def _compared(
    left: dict[str, Said], right: dict[str, Said], truths: dict[str, Any] | None = None, outputs: Any = OUTPUTS
) -> SideBySide:
    return side_by_side(("credit/1", "credit/2"), left, right, (OUTPUTS, outputs), {"loans": (FACTS, truths or {})})


def test_differences_and_disagreements_are_those_of_the_requests_that_both_answered() -> None:
    left = {"d1": _said(0.2, "no"), "d2": _said(0.5, "no"), "d3": _said(0.9, "yes"), "d4": _said(0.1, "no")}
    right = {"d1": _said(0.3, "no"), "d2": _said(0.7, "yes"), "d3": _said(None, "no"), "d5": _said(0.4, "no")}
    found = _compared(left, right)
    assert (found.seen_left, found.seen_right, found.pairs, found.failed_right) == (4, 4, 2, 1)
    assert found.mean_difference == pytest.approx(0.15)
    assert found.largest_difference == pytest.approx(0.2)
    assert (found.disagreements, found.disagreement_share) == (1, 0.5)
    assert [one.decision for one in found.examples] == ["d2"]
    assert (found.examples[0].left_answer, found.examples[0].right_answer) == ({"offer": "no"}, {"offer": "yes"})


def test_performance_is_measured_on_the_same_requests_where_there_are_any() -> None:
    left = {f"d{n}": _said(0.9 if n % 2 else 0.1, "x") for n in range(10)}
    right = {f"d{n}": _said(0.1 if n % 2 else 0.9, "x") for n in range(10)} | {"own": _said(0.5, "x")}
    truths = {f"d{n}": bool(n % 2) for n in range(8)} | {"own": True}
    found = _compared(left, right, truths).performance[0]
    assert (found.paired, found.labelled_left, found.labelled_right) == (True, 8, 8)
    assert (found.left["auc"], found.right["auc"]) == (1.0, 0.0)


def test_a_canary_and_the_champion_are_compared_as_two_samples() -> None:
    random = np.random.default_rng(0)
    left = {f"l{n}": _said(float(score), "x") for n, score in enumerate(random.normal(0.3, 0.1, 500))}
    right = {f"r{n}": _said(float(score), "x") for n, score in enumerate(random.normal(0.6, 0.1, 500))}
    found = _compared(left, right, {"l1": True, "r1": False})
    assert (found.pairs, found.psi, found.disagreement_share) == (0, None, None)
    assert found.apart_psi is not None
    assert found.apart_psi > 1
    assert not found.performance[0].paired


def test_two_samples_of_one_distribution_are_not_far_apart() -> None:
    random = np.random.default_rng(1)
    assert (score_psi(random.random(5000), random.random(5000)) or 1) < 0.01
    assert score_psi(np.empty(0), random.random(5)) is None
    assert score_psi(np.full(50, 0.5), np.full(50, 0.5)) == pytest.approx(0)


def test_versions_without_a_common_number_are_compared_by_their_answers_alone() -> None:
    found = _compared({"d": _said(0.2, "no")}, {"d": Said("loans", {"items": ["a"]}, {"offer": "yes"})}, outputs=())
    assert (found.score, found.pairs, found.disagreements, found.mean_difference) == ("", 1, 1, None)
