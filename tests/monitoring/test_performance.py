"""Realised performance: the measures agree with their definitions, and the truth that counts is the latest one."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tenure.contract.schema import Field
from tenure.model.monitoring.performance import (
    Judged,
    auc,
    binary,
    latest_truths,
    performance,
    ranking,
    regression,
    task_of,
)


def test_auc_is_the_share_of_pairs_in_the_right_order_with_ties_as_halves() -> None:
    random = np.random.default_rng(0)
    scores, truths = random.integers(0, 6, 60) / 5, random.integers(0, 2, 60)
    pairs = [1.0 if p > n else 0.5 if p == n else 0.0 for p in scores[truths == 1] for n in scores[truths == 0]]
    assert auc(scores, truths.astype(float)) == pytest.approx(sum(pairs) / len(pairs), rel=1e-12)


def test_a_classifiers_measures_follow_their_definitions() -> None:
    found = binary([0.9, 0.2, 0.6, 0.4], [True, False, False, True])
    assert found["accuracy"] == 0.5
    assert found["brier"] == pytest.approx((0.01 + 0.04 + 0.36 + 0.36) / 4)
    assert found["log_loss"] == pytest.approx(-(math.log(0.9) + math.log(0.8) + math.log(0.4) + math.log(0.4)) / 4)


def test_a_score_that_is_no_probability_gets_no_brier_score_and_one_truth_alone_no_auc() -> None:
    assert set(binary([3.0, -1.0], [True, False])) == {"positive_share", "auc"}
    assert "auc" not in binary([0.3, 0.4], [True, True])


def test_a_forecast_is_judged_in_the_outcomes_own_unit_with_the_sign_of_its_bias() -> None:
    assert regression([12.0, 8.0], [10.0, 10.0]) == {"mae": 2.0, "rmse": 2.0, "bias": 0.0, "mean_truth": 10.0}


def test_a_recommendation_hits_when_the_liked_item_is_in_the_list() -> None:
    found = ranking([[1, 2, 3], [4, 5, 6]], [2, 9])
    assert found == {"hit_rate": 0.5, "precision": pytest.approx(1 / 6), "mean_reciprocal_rank": 0.25}


def test_a_truth_may_name_several_items() -> None:
    found = ranking([[1, 2, 3], [4, 5, 6]], ["3|2|77", "none"])
    assert found == {"hit_rate": 0.5, "precision": pytest.approx(2 / 6), "mean_reciprocal_rank": 0.25}


def test_a_truth_that_is_true_or_false_says_itself_whether_the_list_was_a_hit() -> None:
    assert ranking([[1, 2], [3, 4]], [True, False]) == {"hit_rate": 0.5}


def test_the_latest_truth_about_a_decision_counts_whatever_the_order_of_reading() -> None:
    told = [
        {"id": "b", "at": 2, "decision": "D", "name": "bad", "value": True},
        {"id": "a", "at": 1, "decision": "D", "name": "bad", "value": False},
        {"id": "c", "at": 9, "decision": "D", "name": "another", "value": False},
    ]
    assert latest_truths(told, "bad") == latest_truths(reversed(told), "bad") == {"D": True}


def test_young_decisions_are_left_out_and_counted_as_early() -> None:
    judged = [Judged("d", moment, 0.9, truth) for moment, truth in [(1, True), (2, None), (3, False), (10, True)]]
    found = performance("loans", "bad", "binary", judged, matured_before=5)
    assert (found.matured, found.labelled, found.early) == (3, 2, 1)
    assert found.matured_share == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("outcome", "outputs", "expected"),
    [
        ("bool", (Field("score", "float"),), ("binary", "score")),
        ("float", (Field("score", "float"),), ("regression", "score")),
        ("int", (Field("items", "int", shape=(10,)), Field("score", "float", shape=(10,))), ("ranking", "items")),
        ("bool", (Field("items", "int", shape=(10,)), Field("score", "float", shape=(10,))), ("ranking", "items")),
        ("string", (Field("score", "float"),), None),
    ],
)
def test_the_task_follows_from_outcome_and_output(outcome: str, outputs: tuple[Field, ...], expected: object) -> None:
    assert task_of(outcome, outputs) == expected
