"""Changes of traffic against the real tables: whole or not at all, and never to something that is not ready."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import event

from tenure.governance.access import Actor, Forbidden
from tenure.governance.access import Role as ActorRole
from tenure.governance.approvals import NotApproved, Policy
from tenure.governance.audit import problems
from tenure.kit.digests import digest_of
from tenure.kit.errors import TenureError
from tenure.model.decommissioning.actions import Decommissionings
from tenure.model.decommissioning.tombstone import StillNeeded
from tenure.model.deployment.actions import AliasNeeded, LacksInputs, NotSealedEnough
from tenure.model.lifecycle import Stage
from tenure.model.package import OPEN_BY_CARD, Seal, Signature, newest_seal
from tenure.model.registry.attaching import Papers
from tenure.model.version import CHAMPION, AliasRef, ReasonMissing, UnknownVersion, VersionRef
from tests.registry.shelf import ADA, BOB, Quiet, Shelf


def test_the_worker_is_ready_before_the_alias_moves_and_gateways_switch_after(shelf: Shelf) -> None:
    one, two = shelf.register(mark="1"), shelf.register(mark="2")
    shelf.deploy(one)
    shelf.deploy(two)
    seen: list[tuple[str, int | None]] = []
    shelf.traffic.hook = lambda: seen.append(("called", shelf.fleets.get("churn").champion))
    shelf.promote(two)
    assert [champion for _, champion in seen] == [1, 2]
    assert shelf.traffic.calls[-2:] == ["ready churn/2", "switch"]


def test_a_version_that_does_not_get_ready_changes_nothing(shelf: Shelf) -> None:
    ref = shelf.register()
    before = _state(shelf)
    shelf.traffic.fails = LacksInputs(ref=ref, lines="no worker")
    with pytest.raises(LacksInputs):
        shelf.deploy(ref)
    assert _state(shelf) == before


def test_a_version_that_needs_more_than_revisions_give_gets_no_traffic_but_may_stay_warm(shelf: Shelf) -> None:
    one, two = shelf.register(mark="1"), shelf.register(mark="2")
    shelf.deploy(one)
    shelf.gate.lines = ["offers/12: add `income: float`"]
    shelf.deploy(two)
    with pytest.raises(LacksInputs, match="income: float"):
        shelf.promote(two)
    assert shelf.fleets.get("churn").champion == 1


def test_deploying_implies_an_approval_that_says_it_was_ones_own(shelf: Shelf) -> None:
    ref = shelf.register()
    shelf.deploy(ref)
    approvals = [one for one in shelf.registry.attestations(ref) if one.kind == "approval"]
    assert [(one.actor, one.body["own_work"], one.body["implied"]) for one in approvals] == [("local:ada", True, True)]
    assert '"self_approved":true' in list(shelf.audit.entries())[-1].after


def test_under_four_eyes_an_unapproved_version_is_not_deployed(shelf: Shelf) -> None:
    shelf.policy.set(Policy.FOUR_EYES)
    ref = shelf.register()
    with pytest.raises(NotApproved, match="four-eyes"):
        shelf.deploy(ref)
    shelf.models.approve(BOB, ref, "good")
    shelf.deploy(ref)
    assert shelf.fleets.get("churn").champion == 1


def test_what_was_never_restored_without_a_network_does_not_answer_unless_an_exception_is_attached(
    shelf: Shelf,
) -> None:
    shelf.packages.seal = Seal("S1", "open", why=OPEN_BY_CARD)
    ref = shelf.register()
    with pytest.raises(NotSealedEnough, match="sealed at S1.*needs S2: its card asks for the network") as refusal:
        shelf.deploy(ref)
    assert "tenure attach churn/1 FILE --kind exception" in refusal.value.hint
    shelf.deploy(ref, "warm")
    with pytest.raises(NotSealedEnough):
        shelf.promote(ref)
    papers = Papers(shelf.registry, NoShelf(), NoKey(), shelf.policy, shelf.audit, shelf.clock)
    papers.attach(BOB, ref, "exception", "allowed.txt", b"until March, signed by the risk officer")
    shelf.promote(ref)
    assert shelf.fleets.get("churn").champion == 1


def test_a_restore_that_succeeds_later_lifts_the_level_and_an_old_home_is_not_locked_out(shelf: Shelf) -> None:
    manifest = shelf.registry.get(shelf.register()).manifest
    old = [("seal", {"golden": "BIT"})]
    assert newest_seal(manifest, old).level == "S2"
    assert (
        newest_seal(manifest, [*old, ("drill", {"seal": {"level": "S3"}}), ("drill", {"failed": "no"})]).level == "S3"
    )
    assert newest_seal(msgspec.structs.replace(manifest, network=True), old).level == "S1"
    assert newest_seal(manifest, [("approval", {})]).level == "S1"


class NoShelf:
    def keep(self, content: bytes) -> str:
        return digest_of(content)

    def read(self, digest: str) -> bytes:
        raise AssertionError(digest)


class NoKey:
    def sign(self, content: bytes, at: int) -> Signature:
        return Signature("0" * 16, "", "", at)


def test_a_comparison_is_kept_with_its_share_and_the_history_of_its_alias(shelf: Shelf) -> None:
    one, two = shelf.register(mark="1"), shelf.register(mark="2")
    shelf.deploy(one)
    shelf.deploy(two, "shadow")
    shelf.clock.advance(1)
    shelf.deployments.deploy(ADA, two, "canary", "looks good", 0.25)
    record = shelf.registry.get(AliasRef("churn", "challenger"))
    assert (record.ref, record.role, record.share) == (two, "canary", 0.25)
    shelf.promote(two)
    assert [(row.alias, row.number) for row in shelf.registry.served("churn")] == [
        ("champion", 1),
        ("challenger", 2),
        ("champion", 2),
        ("challenger", 0),
    ]
    with pytest.raises(UnknownVersion):
        shelf.registry.get(AliasRef("churn", "challenger"))


def test_a_version_that_lacks_inputs_is_not_compared_and_one_that_is_asked_for_does_not_leave(shelf: Shelf) -> None:
    one, two = shelf.register(mark="1"), shelf.register(mark="2")
    shelf.deploy(one)
    shelf.gate.lines = ["offers/12: add `income: float`"]
    for role in ("shadow", "canary"):
        with pytest.raises(LacksInputs):
            shelf.deploy(two, role)
    shelf.gate.lines, shelf.gate.names = [], ["offers/12"]
    shelf.deploy(two, "shadow")
    with pytest.raises(AliasNeeded, match="offers/12"):
        shelf.deploy(two, "warm")


def test_a_version_under_comparison_is_not_decommissioned(shelf: Shelf) -> None:
    one, two = shelf.register(mark="1"), shelf.register(mark="2")
    shelf.deploy(one)
    shelf.deploy(two, "shadow")
    endings = Decommissionings(shelf.standings, Quiet(), Quiet(), shelf.audit, shelf.clock)
    with pytest.raises(StillNeeded, match="as shadow"):
        endings.decommission(ADA, two, "old")


def test_changes_of_traffic_need_a_reason_and_the_right_role(shelf: Shelf) -> None:
    ref, builder = shelf.register(), Actor("t", ActorRole.BUILDER)
    with pytest.raises(ReasonMissing):
        shelf.deployments.promote(ADA, ref, "")
    with pytest.raises(ReasonMissing):
        shelf.deployments.rollback(ADA, "churn", None, " ")
    for ask in (
        lambda: shelf.deployments.deploy(builder, ref),
        lambda: shelf.deployments.promote(builder, ref, "x"),
        lambda: shelf.deployments.rollback(builder, "churn", None, "x"),
    ):
        with pytest.raises(Forbidden):
            ask()


class Killed(BaseException):
    """Derives from BaseException, so that no handler hides it."""


class Killer:
    """Counts every statement, commit and call to the outside, and dies just before the one it is told."""

    def __init__(self, shelf: Shelf) -> None:
        self.calls = 0
        self.at = 0
        engine = shelf.database._writer
        event.listen(engine, "before_cursor_execute", lambda *_: self.called())
        event.listen(engine, "commit", lambda *_: self.called())
        shelf.traffic.hook = self.called

    def called(self) -> None:
        self.calls += 1
        if self.calls == self.at:
            raise Killed

    def count(self, action: Callable[[], Any]) -> int:
        self.calls, self.at = 0, 0
        action()
        return self.calls

    def kill(self, at: int, action: Callable[[], Any]) -> None:
        self.calls, self.at = 0, at
        with pytest.raises(Killed):
            action()
        self.at = 0


def _state(shelf: Shelf) -> tuple[Any, ...]:
    fleet = shelf.fleets.get("churn")
    served = shelf.registry.served("churn")
    events = [(entry.action, entry.target) for entry in shelf.audit.entries()]
    stages = [(record.ref, record.stage, record.role, record.aliases) for record in shelf.registry.versions("churn")]
    return fleet, served, events, stages


def _prepared(folder: Path) -> Shelf:
    folder.mkdir()
    shelf = Shelf(folder)
    for mark in ("1", "2", "3"):
        shelf.register(mark=mark)
    shelf.deploy(VersionRef("churn", 1))
    shelf.deploy(VersionRef("churn", 2))
    return shelf


ACTIONS: dict[str, Callable[[Shelf], Any]] = {
    "promote": lambda shelf: shelf.promote(VersionRef("churn", 2)),
    "deploy": lambda shelf: shelf.deploy(VersionRef("churn", 3), "champion"),
    "decommission": lambda shelf: Decommissionings(
        shelf.standings, Quiet(), Quiet(), shelf.audit, shelf.clock
    ).decommission(ADA, VersionRef("churn", 2), "old"),
}


@pytest.mark.parametrize("name", ACTIONS)
def test_a_killed_change_leaves_everything_where_it_was_or_is_whole(tmp_path: Path, name: str) -> None:
    whole = _prepared(tmp_path / "whole")
    killer = Killer(whole)
    calls = killer.count(lambda: ACTIONS[name](whole))
    after = _state(whole)
    assert calls > 5
    reached = set()
    for nth in range(1, calls + 1):
        shelf = _prepared(tmp_path / f"killed-{nth}")
        before, killer = _state(shelf), Killer(shelf)
        killer.kill(nth, partial(ACTIONS[name], shelf))
        found = _state(shelf)
        assert found in (before, after), f"half-moved when killed at call {nth}"
        reached.add("after" if found == after else "before")
        assert problems(shelf.audit.entries(), shelf.audit.witness()) == []
        shelf.close()
    whole.close()
    assert "before" in reached


class Fleets(RuleBasedStateMachine):
    """Random changes, legal and not: an alias always leads to a version in service, and refusals change nothing."""

    folder: Path
    count = 0

    @initialize()
    def begin(self) -> None:
        type(self).count += 1
        folder = self.folder / str(self.count)
        folder.mkdir()
        self.shelf = Shelf(folder)
        self.quiet = Quiet()
        self.endings = Decommissionings(
            self.shelf.standings, self.quiet, self.quiet, self.shelf.audit, self.shelf.clock
        )
        self.marks = 0
        self.shelf.register(mark="0")

    def _attempt(self, action: Callable[[], Any]) -> None:
        before = _state(self.shelf)
        try:
            action()
        except TenureError:
            assert _state(self.shelf) == before, "a refusal changed something"

    @rule()
    def register(self) -> None:
        self.marks += 1
        self.shelf.register(mark=str(self.marks))

    @rule(number=st.integers(1, 4), role=st.sampled_from([None, "champion", "warm", "shadow", "canary"]))
    def deploy(self, number: int, role: str | None) -> None:
        self._attempt(lambda: self.shelf.deploy(VersionRef("churn", number), role))

    @rule(number=st.integers(1, 4))
    def promote(self, number: int) -> None:
        self._attempt(lambda: self.shelf.promote(VersionRef("churn", number)))

    @rule(to=st.none() | st.integers(1, 4))
    def rollback(self, to: int | None) -> None:
        self._attempt(lambda: self.shelf.deployments.rollback(ADA, "churn", to, "worse"))

    @rule(number=st.integers(1, 4))
    def decommission(self, number: int) -> None:
        self._attempt(lambda: self.endings.decommission(ADA, VersionRef("churn", number), "old"))

    @rule(number=st.integers(1, 4))
    def archive(self, number: int) -> None:
        def move() -> None:
            kept = self.shelf.kept.get(VersionRef("churn", number))
            if kept.stage is Stage.DECOMMISSIONED:
                self.shelf.kept.move(kept, Stage.ARCHIVED, ADA, 1, "archive", {})

        self._attempt(move)

    @invariant()
    def every_alias_leads_to_a_deployed_version(self) -> None:
        fleet = self.shelf.fleets.get("churn")
        for number in fleet.deployed:
            assert fleet.stages[number] is Stage.DEPLOYED
        assert {number for number, stage in fleet.stages.items() if stage is Stage.DEPLOYED} == set(fleet.deployed)
        try:
            record = self.shelf.registry.get(AliasRef("churn", CHAMPION))
        except UnknownVersion:
            assert fleet.champion is None
        else:
            assert (record.stage, record.role) == (Stage.DEPLOYED, "champion")
            moves = [row.number for row in self.shelf.registry.served("churn") if row.alias == CHAMPION]
            assert record.ref.number == fleet.champion == moves[-1]
        told = {row.alias: row.number for row in self.shelf.registry.served("churn")}
        assert told.get("challenger", 0) == (fleet.challenger or 0)
        assert fleet.challenger is None or fleet.deployed[fleet.challenger].compared
        assert bool(fleet.share) == (fleet.canary is not None)

    @invariant()
    def the_chain_is_whole(self) -> None:
        assert problems(self.shelf.audit.entries(), self.shelf.audit.witness()) == []

    def teardown(self) -> None:
        self.shelf.close()


def test_every_alias_resolves_to_a_deployed_version_whatever_is_tried(tmp_path: Path) -> None:
    from hypothesis.stateful import run_state_machine_as_test

    Fleets.folder = tmp_path
    run_state_machine_as_test(
        Fleets,
        settings=settings(
            max_examples=12, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
