"""After an upgrade, or in a home made from a backup, a version proves itself again before it takes traffic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest

from tenure import __version__
from tenure.adapters.sql.endings import SqlKept
from tenure.app.control import Control, release_in
from tenure.app.rerunning import NotProvenAgain, Rerunning
from tenure.kit.clock import FixedClock
from tenure.kit.errors import TenureError
from tenure.model.archiving.proof import Kept, Proof
from tenure.model.lifecycle import Stage
from tenure.model.package import Seal
from tenure.model.registry.record import VersionRecord
from tenure.model.version import VersionRef
from tenure.settings import Home
from tests.registry.shelf import manifest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tenure.app.vault import HomeVault

NOW = 1_790_000_000_000_000
ONE = VersionRef("churn", 1)


class OtherBits(TenureError):
    code = "other-bits-in-a-test"
    message = "row 3 gives other bits"


class Vault:
    """Runs nothing, and says what it was told to say."""

    def __init__(self) -> None:
        self.times = 0
        self.fails = False

    def rerun(self, kept: Kept) -> Proof:
        self.times += 1
        if self.fails:
            raise OtherBits
        return Proof("home", 5, "BIT", 0.1, Seal("S3"))


@pytest.fixture
def control(tmp_path: Path) -> Iterator[Control]:
    with Control.open(Home(tmp_path / "home")) as control:
        with control.audit.transaction():
            control.registry.next_number("churn", 1, "ada")
            digest = f"sha256:{1:064x}"
            control.registry.add(VersionRecord(ONE, digest, digest, Stage.APPROVED, 1, "ada", manifest("churn")))
        yield control


def rerunning(control: Control, vault: Vault, since: int) -> Rerunning:
    kept = SqlKept(control._database)
    return Rerunning(cast("HomeVault", vault), kept, control.registry, control.audit, FixedClock(NOW), since)


def test_where_nothing_changed_nothing_is_run(control: Control) -> None:
    vault = Vault()
    rerunning(control, vault, 0).check(ONE)
    assert vault.times == 0


def test_it_is_run_once_since_the_change_and_what_came_of_it_stays_written(control: Control) -> None:
    vault = Vault()
    rerunning(control, vault, NOW).check(ONE)
    rerunning(control, vault, NOW).check(ONE)
    assert vault.times == 1
    said: dict[str, Any] | None = rerunning(control, vault, NOW).newest(ONE)
    assert said is not None
    assert (said["verdict"], said["rows"]) == ("BIT", 5)
    assert control.audit.newest(1)[0].reason == "golden rows run again"
    rerunning(control, vault, NOW + 1).check(ONE)
    assert vault.times == 2, "the next change is another one"


def test_one_that_fails_takes_no_traffic_until_it_is_tried_again_and_met(control: Control) -> None:
    vault = Vault()
    vault.fails = True
    after = rerunning(control, vault, NOW)
    for _ in range(2):
        with pytest.raises(NotProvenAgain, match="row 3 gives other bits"):
            after.check(ONE)
    assert vault.times == 1, "it is not run at every tick"
    assert (after.newest(ONE) or {})["failed"] == "row 3 gives other bits"
    vault.fails = False
    after.again(ONE)
    after.check(ONE)
    assert (after.newest(ONE) or {})["verdict"] == "BIT"


def test_a_home_made_from_a_backup_counts_as_changed(tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert release_in(home) == __version__
    home.made_from.write_text("2026-11-25")
    assert release_in(home) == f"{__version__}@2026-11-25"
