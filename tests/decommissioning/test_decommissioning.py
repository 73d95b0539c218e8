"""Taking a version out of service: who still depends on it, and what stays written."""

from dataclasses import replace

import pytest

from tenure.governance.access import Actor, Forbidden, Role
from tenure.kit.clock import SECOND
from tenure.model.decommissioning.actions import Decommissionings
from tenure.model.decommissioning.tombstone import DRAIN, LIVE_WINDOW, Standing, StillNeeded, Traffic, live_since
from tenure.model.lifecycle import IllegalMove, Stage
from tenure.model.version import ReasonMissing, UnknownVersion, VersionRef
from tests.registry.shelf import ADA, Quiet, Shelf

ONE, TWO = VersionRef("churn", 1), VersionRef("churn", 2)


@pytest.fixture
def quiet() -> Quiet:
    return Quiet()


@pytest.fixture
def endings(shelf: Shelf, quiet: Quiet) -> Decommissionings:
    for mark in ("1", "2"):
        shelf.deploy(shelf.register(mark=mark))
    shelf.promote(TWO)
    return Decommissionings(shelf.standings, quiet, quiet, shelf.audit, shelf.clock)


def test_a_refusal_lists_every_alias_revision_and_request_that_depends(
    shelf: Shelf, quiet: Quiet, endings: Decommissionings
) -> None:
    quiet.revisions, quiet.traffic = ["offers/12 (through churn@champion)"], Traffic(7, "D1", 5)
    with pytest.raises(StillNeeded) as refusal:
        endings.decommission(ADA, TWO, "old")
    told = str(refusal.value)
    assert "the alias churn@champion" in told
    assert "the active revision offers/12" in told
    assert "live traffic: 7 requests since" in told
    assert shelf.registry.get(TWO).stage is Stage.DEPLOYED


def test_it_needs_a_reason_a_successor_that_exists_and_the_role(endings: Decommissionings) -> None:
    with pytest.raises(ReasonMissing):
        endings.decommission(ADA, ONE, " ")
    with pytest.raises(UnknownVersion, match="churn/9"):
        endings.decommission(ADA, ONE, "old", VersionRef("churn", 9))
    with pytest.raises(Forbidden):
        endings.decommission(Actor("t", Role.BUILDER), ONE, "old")


def test_the_tombstone_says_why_by_whom_what_follows_and_what_was_last_decided(
    shelf: Shelf, quiet: Quiet, endings: Decommissionings
) -> None:
    quiet.traffic = Traffic(0, "D9", 7 * SECOND)
    stone = endings.decommission(ADA, ONE, "replaced", TWO)
    assert stone == {
        "reason": "replaced",
        "successor": "churn/2",
        "last_decision": "D9",
        "last_decision_at": "1970-01-01T00:00:07.000000Z",
    }
    record = shelf.registry.get(ONE)
    assert (record.stage, record.role) == (Stage.DECOMMISSIONED, "")
    (attested,) = [one for one in shelf.registry.attestations(ONE) if one.kind == "tombstone"]
    assert (attested.actor, attested.body) == ("local:ada", stone)
    with pytest.raises(IllegalMove):
        endings.decommission(ADA, ONE, "again")


def test_the_last_version_in_service_ends_with_its_alias_unless_somebody_still_asks_it(
    shelf: Shelf, quiet: Quiet, endings: Decommissionings
) -> None:
    endings.decommission(ADA, ONE, "old")
    quiet.revisions = ["offers/12 (through churn@champion)"]
    with pytest.raises(StillNeeded, match="offers/12") as refusal:
        endings.decommission(ADA, TWO, "nobody needs it")
    assert "alias" not in str(refusal.value)
    quiet.revisions = []
    endings.decommission(ADA, TWO, "nobody needs it")
    fleet = shelf.fleets.get("churn")
    assert (fleet.champion, dict(fleet.deployed), fleet.rollback_target) == (None, {}, None)
    (model,) = shelf.models.all(ADA)
    assert model.aliases == {}
    last = shelf.registry.served("churn")[-1]
    assert (last.alias, last.number, last.action, last.reason) == (
        "champion", 0, "versions:decommission", "nobody needs it",
    )  # fmt: skip
    shelf.deploy(shelf.register(mark="3"))
    assert shelf.fleets.get("churn").champion == 3


def test_a_rollback_does_not_find_a_decommissioned_version(shelf: Shelf, endings: Decommissionings) -> None:
    assert shelf.fleets.get("churn").rollback_target == 1
    endings.decommission(ADA, ONE, "old")
    assert shelf.fleets.get("churn").rollback_target is None


def test_only_requests_after_the_alias_had_moved_and_drained_are_live_traffic(
    shelf: Shelf, quiet: Quiet, endings: Decommissionings
) -> None:
    moved = shelf.clock.now()
    endings.decommission(ADA, ONE, "old")
    assert quiet.since == moved + DRAIN
    standing = Standing(ONE, 1, Stage.DEPLOYED, (), moved)
    later = moved + 2 * LIVE_WINDOW
    assert live_since(standing, later) == later - LIVE_WINDOW
    assert live_since(replace(standing, left_at=None), moved) == moved - LIVE_WINDOW
