"""Models and versions as records: numbers, approvals, history."""

from pathlib import Path

import pytest

from tenure.governance.access import Actor, Forbidden, Role
from tenure.governance.approvals import OwnWork, Policy
from tenure.kit.errors import TenureError
from tenure.model.lifecycle import IllegalMove, Stage
from tenure.model.registry.actions import NameOfApplication
from tenure.model.registry.record import Served, differences, served_at
from tenure.model.version import AliasRef, BadName, ReasonMissing, UnknownModel, UnknownVersion, VersionRef
from tests.registry.shelf import ADA, BOB, Shelf


def test_the_same_package_twice_is_the_same_version_and_one_event(shelf: Shelf) -> None:
    first, again = shelf.models.register(ADA, Path("churn-1"), "new")
    assert (first.ref, first.stage, again) == (VersionRef("churn", 1), Stage.REGISTERED, False)
    assert shelf.packages.mended == []
    assert shelf.models.register(BOB, Path("churn-1"), "new") == (shelf.registry.get(first.ref), True)
    assert shelf.packages.mended == [Path("churn-1")], "what has come to harm since is written anew"
    assert [entry.action for entry in shelf.audit.entries()] == ["versions:register"]


def test_a_draft_and_what_it_became_are_one_version(shelf: Shelf) -> None:
    draft, _ = shelf.models.register(ADA, Path("churn-1-draft"))
    assert draft.draft != draft.digest
    assert shelf.models.register(ADA, Path("churn-1-draft"))[1]
    sealed, again = shelf.models.register(ADA, Path("churn-1"))
    assert (sealed.ref, again) == (draft.ref, True)


def test_numbers_count_up_per_model_and_are_told_by_name(shelf: Shelf) -> None:
    refs = [shelf.register("churn", "1"), shelf.register("price", "1"), shelf.register("churn", "2")]
    assert [str(ref) for ref in refs] == ["churn/1", "price/1", "churn/2"]
    assert [record.ref.number for record in shelf.models.versions(ADA, "churn")] == [1, 2]
    assert [(model.name, model.versions) for model in shelf.models.all(ADA)] == [("churn", 2), ("price", 1)]


def test_a_model_cannot_have_the_name_of_an_application(shelf: Shelf) -> None:
    with pytest.raises(NameOfApplication, match="loans is the name of an application"):
        shelf.register("loans")


def test_what_is_not_there_is_named(shelf: Shelf) -> None:
    with pytest.raises(UnknownModel, match="no model churn"):
        shelf.models.versions(ADA, "churn")
    shelf.register()
    for ref in (VersionRef("churn", 2), AliasRef("churn", "champion")):
        with pytest.raises(UnknownVersion, match=str(ref)):
            shelf.models.show(ADA, ref)


def test_a_package_with_an_impossible_name_is_refused(shelf: Shelf) -> None:
    with pytest.raises(BadName):
        shelf.models.register(ADA, Path("Churn!-1"))
    assert list(shelf.audit.entries()) == []


def test_an_approval_is_attested_audited_and_given_once(shelf: Shelf) -> None:
    ref = shelf.register()
    with pytest.raises(ReasonMissing):
        shelf.models.approve(ADA, ref, "  ")
    assert shelf.models.approve(ADA, ref, "validated").stage is Stage.APPROVED
    kinds = {one.kind: one.body for one in shelf.models.show(ADA, ref)[1]}
    assert kinds["approval"] == {"own_work": True, "implied": False, "reason": "validated"}
    with pytest.raises(IllegalMove):
        shelf.models.approve(ADA, ref, "again")


def test_under_four_eyes_the_author_cannot_approve_and_another_can(shelf: Shelf) -> None:
    shelf.policy.set(Policy.FOUR_EYES)
    ref = shelf.register()
    with pytest.raises(OwnWork):
        shelf.models.approve(ADA, ref, "mine is good")
    assert shelf.registry.get(ref).stage is Stage.REGISTERED
    assert shelf.models.approve(BOB, ref, "looked at it").stage is Stage.APPROVED


def test_history_answers_what_served_at_a_moment_who_moved_it_and_why(shelf: Shelf) -> None:
    one, two = shelf.register(mark="1"), shelf.register(mark="2")
    before = shelf.clock.now()
    shelf.deploy(one)
    first = shelf.clock.now()
    shelf.deploy(two)
    shelf.promote(two)
    second = shelf.clock.now()

    def at(moment: int) -> list[int]:
        return [row.number for row in shelf.models.history(ADA, "churn", moment).served]

    assert (at(before), at(first), at(second - 1), at(second)) == ([], [1], [1], [2])
    (row,) = shelf.models.history(ADA, "churn", second).served
    assert (row.actor, row.action, row.reason) == ("local:ada", "versions:promote", "better")
    assert [entry.action for entry in shelf.models.history(ADA, "churn", first).events] == [
        "versions:deploy",
        "versions:register",
        "versions:register",
    ]
    assert [row.number for row in shelf.models.version_history(ADA, one).served] == [1]


def test_of_two_moves_in_one_microsecond_the_later_one_counts() -> None:
    rows = [Served("champion", number, 5, "ada", "versions:promote", "") for number in (1, 2)]
    assert [row.number for row in served_at(rows, 5)] == [2]
    assert served_at(rows, 4) == ()


def test_comparing_names_every_fact_that_differs_and_no_other(shelf: Shelf) -> None:
    one, two = shelf.register(mark="1"), shelf.register(mark="22")
    left, right, found = shelf.models.compare(ADA, one, two)
    assert (left.ref, right.ref) == (one, two)
    assert [(each.what, each.left, each.right) for each in found] == [("metric auc", 0.1, 0.2)]
    assert differences(left, left) == ()


def test_every_action_asks_for_its_own_permission(shelf: Shelf) -> None:
    nobody, ref = Actor("t", Role.CALLER), shelf.register()
    asked = [
        lambda: shelf.models.register(nobody, Path("churn-2")),
        lambda: shelf.models.approve(nobody, ref, "x"),
        lambda: shelf.models.all(nobody),
        lambda: shelf.models.model(nobody, "churn"),
        lambda: shelf.models.versions(nobody, "churn"),
        lambda: shelf.models.show(nobody, ref),
        lambda: shelf.models.logs(nobody, ref),
        lambda: shelf.models.compare(nobody, ref, ref),
        lambda: shelf.models.history(nobody, "churn"),
        lambda: shelf.models.version_history(nobody, ref),
    ]
    for ask in asked:
        with pytest.raises(Forbidden):
            ask()


def test_a_version_changed_meanwhile_is_not_overwritten(shelf: Shelf) -> None:
    one, two = shelf.register(mark="1"), shelf.register(mark="2")
    shelf.deploy(one)
    shelf.deploy(two)
    stale = shelf.fleets.get("churn")
    shelf.promote(two)
    with pytest.raises(TenureError, match="changed by somebody else"), shelf.audit.transaction():
        shelf.fleets.save(stale, 1)
    assert shelf.fleets.get("churn").champion == 2
