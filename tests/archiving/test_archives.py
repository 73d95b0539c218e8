"""The archive: nothing is kept that was not proven, and every changed byte is found."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from tenure.contract.predictor import Prediction
from tenure.governance.access import Actor, Forbidden, Role
from tenure.governance.retention import BEGINNING
from tenure.kit.errors import TenureError
from tenure.model.archiving.actions import Archives
from tenure.model.archiving.findings import Findings, Repaired, Swept
from tenure.model.archiving.proof import Kept, NotArchived, Proof, Ran
from tenure.model.decommissioning.actions import Decommissionings
from tenure.model.lifecycle import IllegalMove, Stage
from tenure.model.package import Seal
from tenure.model.version import ReasonMissing, VersionRef
from tests.registry.shelf import ADA, Quiet, Shelf

ONE = VersionRef("churn", 1)


class Damaged(TenureError):
    code = "damaged"
    message = "a byte changed"


class FakeVault:
    def __init__(self) -> None:
        self.did: list[str] = []
        self.fails = False

    def copy(self, kept: Kept) -> int:
        self.did.append("copy")
        return 12

    def prove(self, kept: Kept) -> Proof:
        return self._proof("prove", "second copy")

    def revive(self, kept: Kept) -> Proof:
        return self._proof("revive", "home")

    def _proof(self, what: str, source: str) -> Proof:
        self.did.append(what)
        if self.fails:
            raise Damaged
        return Proof(source, 50, "BIT", 1.23456, Seal("S3"))

    def cool(self, kept: Kept, warm: frozenset[str]) -> None:
        self.did.append(f"cool beside {len(warm)}")

    def drill(self, kept: Kept) -> Proof:
        return self._proof("drill", "blobs")

    def environment(self, kept: Kept) -> str:
        return "sha256:same"

    def files(self, kept: Kept) -> list[str]:
        return [kept.digest]

    def discard(self, kept: Kept) -> int:
        self.did.append("discard")
        return 7

    def sweep(self, before: int, *, dry_run: bool) -> Swept:
        self.did.append("sweep")
        return Swept(("sha256/ab/x",), 3)

    def run(self, kept: Kept, rows: Sequence[Mapping[str, Any]]) -> Ran:
        return Ran(
            [Prediction(kept.ref.model, kept.ref.number, kept.digest, output={"score": 1.0}) for _ in rows], "process"
        )


class FakeChecks:
    def version(self, kept: Kept) -> Findings:
        return Findings({"versions": 1, "files": 3}, (f"{kept.ref}: changed",) if kept.ref == ONE else ())

    def home(self) -> Findings:
        return Findings({"logs": 1})

    def repair(self) -> Repaired:
        return Repaired(("a",), ("b",))


@pytest.fixture
def vault() -> FakeVault:
    return FakeVault()


@pytest.fixture
def archives(shelf: Shelf, vault: FakeVault) -> Archives:
    for mark in ("1", "2"):
        shelf.deploy(shelf.register(mark=mark))
    shelf.promote(VersionRef("churn", 2))
    return Archives(shelf.kept, vault, FakeChecks(), lambda _: BEGINNING[0], shelf.audit, shelf.clock)


@pytest.fixture
def ended(shelf: Shelf, archives: Archives) -> Archives:
    Decommissionings(shelf.standings, Quiet(), Quiet(), shelf.audit, shelf.clock).decommission(ADA, ONE, "old")
    return archives


def _stage(shelf: Shelf) -> Stage:
    return shelf.registry.get(ONE).stage


def test_archiving_copies_proves_keeps_and_only_then_cools(shelf: Shelf, vault: FakeVault, ended: Archives) -> None:
    body = ended.archive(ADA, ONE, "kept")
    assert vault.did == ["copy", "prove", "cool beside 1"]
    assert (body["verdict"], body["rows"], body["files"]) == ("BIT", 50, 12)
    assert (body["retention_from"][:4], body["keep_until"][:4]) == ("2026", "2036")
    assert _stage(shelf) is Stage.ARCHIVED
    assert shelf.registry.attestations(ONE)[-1].body["reason"] == "kept"


def test_a_restore_that_fails_archives_nothing_and_cools_nothing(
    shelf: Shelf, vault: FakeVault, ended: Archives
) -> None:
    vault.fails = True
    events = len(list(shelf.audit.entries()))
    with pytest.raises(Damaged):
        ended.archive(ADA, ONE, "kept")
    assert (vault.did, _stage(shelf)) == (["copy", "prove"], Stage.DECOMMISSIONED)
    assert len(list(shelf.audit.entries())) == events


def test_what_is_in_service_cannot_be_archived_and_what_is_not_archived_cannot_be_restored(
    shelf: Shelf, archives: Archives, vault: FakeVault
) -> None:
    with pytest.raises(IllegalMove, match="it may become: decommissioned"):
        archives.archive(ADA, ONE, "kept")
    with pytest.raises(NotArchived, match="is deployed"):
        archives.restore(ADA, ONE)
    assert vault.did == []
    assert _stage(shelf) is Stage.DEPLOYED


def test_a_restored_version_can_be_deployed_again(shelf: Shelf, ended: Archives) -> None:
    ended.archive(ADA, ONE, "kept")
    with pytest.raises(IllegalMove):
        shelf.deploy(ONE)
    ended.restore(ADA, ONE, "needed")
    shelf.deploy(ONE)
    assert _stage(shelf) is Stage.DEPLOYED


def test_any_version_runs_and_changes_no_stage(shelf: Shelf, ended: Archives) -> None:
    before = list(shelf.audit.entries())
    assert [one.output for one in ended.run(ADA, ONE, [{"a": 1.0}, {"a": 2.0}]).predictions] == [{"score": 1.0}] * 2
    assert (_stage(shelf), list(shelf.audit.entries())) == (Stage.DECOMMISSIONED, before)


def test_verifying_counts_what_was_looked_at_and_names_what_is_wrong(ended: Archives) -> None:
    assert ended.verify(ADA) == Findings({"versions": 2, "files": 6, "logs": 1}, ("churn/1: changed",))
    assert ended.verify(ADA, VersionRef("churn", 2)) == Findings({"versions": 1, "files": 3})


def test_every_action_asks_for_its_permission_and_archiving_for_a_reason(ended: Archives) -> None:
    nobody = Actor("t", Role.CALLER)
    for ask in (
        lambda: ended.archive(nobody, ONE, "x"),
        lambda: ended.restore(nobody, ONE),
        lambda: ended.run(nobody, ONE, []),
        lambda: ended.verify(nobody),
    ):
        with pytest.raises(Forbidden):
            ask()
    with pytest.raises(ReasonMissing):
        ended.archive(ADA, ONE, "")


def test_a_drill_tries_each_distinct_environment_once_and_a_failure_is_attested(
    shelf: Shelf, vault: FakeVault, archives: Archives
) -> None:
    (done,) = archives.drill(ADA)
    assert (done.ok, str(done.ref), vault.did) == (True, "churn/2", ["drill"])
    vault.fails = True
    (done,) = archives.drill(ADA)
    said = shelf.registry.attestations(VersionRef("churn", 2))[-1]
    assert (done.ok, said.kind, said.body["failed"]) == (False, "drill", "a byte changed")


def test_repairing_and_sweeping_write_what_they_did_and_a_dry_run_writes_nothing(
    shelf: Shelf, archives: Archives
) -> None:
    archives.sweep(ADA, 0, dry_run=True)
    assert [entry.action for entry in shelf.audit.newest(1)] != ["gc"]
    archives.sweep(ADA, 0)
    archives.repair(ADA)
    assert [entry.action for entry in shelf.audit.newest(2)] == ["repair", "gc"]
