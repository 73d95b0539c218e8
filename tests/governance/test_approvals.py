"""When a version is good enough to serve."""

import pytest

from tenure.governance.approvals import Approval, NotApproved, OwnWork, Policy, approve, approve_by_deploying


def test_open_lets_authors_approve_and_writes_down_that_they_did() -> None:
    assert approve(Policy.OPEN, "churn/1", "ada", "ada") == Approval("ada", own_work=True, implied=False)
    assert approve_by_deploying(Policy.OPEN, "churn/1", "ada", "bob") == Approval("bob", own_work=False, implied=True)


def test_four_eyes_wants_another_person_before_deploying() -> None:
    with pytest.raises(OwnWork):
        approve(Policy.FOUR_EYES, "churn/1", "ada", "ada")
    with pytest.raises(NotApproved):
        approve_by_deploying(Policy.FOUR_EYES, "churn/1", "ada", "bob")
    assert not approve(Policy.FOUR_EYES, "churn/1", "ada", "bob").own_work
