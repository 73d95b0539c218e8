"""The officer's file and the inventory: kept in both copies, signed, found when damaged, and true as of any moment."""

import csv
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tenure.accountability.inventory import BadEntry, Entry, due_day
from tenure.app import wire
from tenure.app.control import Control
from tenure.entrypoints.cli.officer import write_csv
from tenure.governance.access import Actor, Forbidden, Role, local_actor
from tenure.kit.clock import DAY, FixedClock, iso
from tenure.kit.digests import digest_of
from tenure.model.registry.attaching import NoSuchPaper, OwnValidation, UnpresentablePaper
from tenure.settings import Home, Workshop
from tests.app.plain_model import packaged

pytestmark = pytest.mark.processes

ADA = local_actor("ada")
VAL = Actor("val", Role.VALIDATOR)
REPORT = b"%PDF-1.7 the model was validated"


@pytest.fixture(scope="module")
def registered(workshop: Workshop, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with one version, to be copied: proving a package for every test would take longer than all of them."""
    home = tmp_path_factory.mktemp("officer") / "home"
    with Control.open(Home(home), FixedClock()) as control:
        control.perform("versions:register", ADA, wire.Register(package=str(packaged(workshop, 1.0))))
    return home


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def control(registered: Path, clock: FixedClock, tmp_path: Path) -> Iterator[Control]:
    shutil.copytree(registered, tmp_path / "home", ignore=shutil.ignore_patterns("cache", "run"))
    with Control.open(Home(tmp_path / "home"), clock) as control:
        yield control


def attach(control: Control, actor: Actor, kind: str = "validation", content: bytes = REPORT) -> wire.PaperAnswer:
    given = wire.Attach(model="plain", version="1", kind=kind, name="report.pdf", content=content, note="sound")  # type: ignore[arg-type]
    answer: wire.PaperAnswer = control.perform("versions:attach", actor, given)
    return answer


def line(control: Control, model: str, as_of: str | None = None) -> wire.InventoryLine:
    found: wire.InventoryAnswer = control.perform("inventory:show", VAL, wire.ShowInventory(as_of=as_of))
    return next(one for one in found.models if one.model == model)


def test_a_paper_is_kept_with_the_version_signed_and_given_back(control: Control) -> None:
    paper = attach(control, VAL)
    assert (paper.digest, paper.by, paper.own_work) == (digest_of(REPORT), "val", False)
    shown = control.perform("versions:show", VAL, wire.Version(model="plain", version="1"))
    assert [(one["kind"], one["name"], one["note"]) for one in shown.papers] == [("validation", "report.pdf", "sound")]
    for which in ("report.pdf", paper.digest, paper.digest[7:14]):
        found = control.perform("versions:paper", VAL, wire.ReadPaper(model="plain", version="1", paper=which))
        assert found.content == REPORT
    assert attach(control, ADA).by == "val", "the same paper again is the one there was"
    with pytest.raises(NoSuchPaper, match=r"plain/1 has no paper 'other.pdf'"):
        control.perform("versions:paper", VAL, wire.ReadPaper(model="plain", version="1", paper="other.pdf"))
    with pytest.raises(Forbidden):
        attach(control, Actor("eve", Role.VIEWER))


@pytest.mark.parametrize(("content", "why"), [(b"", "it is empty"), (b"x" * ((32 << 20) + 1), "bytes")])
def test_what_cannot_be_a_paper_is_refused(control: Control, content: bytes, why: str) -> None:
    with pytest.raises(UnpresentablePaper, match=why):
        attach(control, VAL, content=content)


def test_under_four_eyes_nobody_validates_their_own_version(control: Control) -> None:
    assert attach(control, ADA, content=b"mine").own_work
    control.perform("policy:set", ADA, wire.SetPolicy(policy="four-eyes", reason="production"))
    with pytest.raises(OwnValidation, match="ada registered plain/1"):
        attach(control, ADA)
    assert attach(control, ADA, kind="exception").own_work
    assert attach(control, VAL).by == "val"


def test_a_damaged_paper_is_found_named_and_healed_and_gc_leaves_papers_alone(control: Control) -> None:
    digest = attach(control, VAL).digest.removeprefix("sha256:")
    control.clock.advance(10 * DAY)  # type: ignore[attr-defined]
    control.perform("gc", ADA, wire.Sweep(older_than="0s", reason="tidy"))
    file = control.home.blobs / digest[:2] / digest
    kept = file if file.exists() else next(control.home.blobs.rglob(digest))
    kept.chmod(0o644)
    kept.write_bytes(REPORT[:-1] + b"D")
    found = control.perform("verify", ADA, wire.Verify())
    assert any("report.pdf" in problem for problem in found.problems)
    assert control.perform("repair", ADA, wire.Repair(reason="bit rot")).lost == []
    assert control.perform("verify", ADA, wire.Verify()).intact
    kept.unlink()
    assert any("report.pdf" in problem for problem in control.perform("verify", ADA, wire.Verify()).problems)


def test_the_inventory_tells_what_was_true_at_any_moment(control: Control, clock: FixedClock) -> None:
    before = iso(clock.now() - DAY)
    clock.advance(DAY)
    said = wire.AddInventory(model="plain", owner="crm", risk_tier="high", use="offers", validate_every=30)
    control.perform("inventory:add", VAL, said)
    foreign = wire.AddInventory(model="legacy-score", owner="risk", where="mainframe", next_validation="2020-01-01")
    control.perform("inventory:add", VAL, foreign)
    first = iso(clock.now())
    clock.advance(DAY)
    validated = iso(clock.now())
    attach(control, VAL)
    control.perform("versions:approve", ADA, wire.Change(model="plain", version="1", reason="good"))
    clock.advance(DAY)
    control.perform("inventory:add", VAL, wire.AddInventory(model="plain", owner="sales", reason="moved"))

    now = line(control, "plain")
    assert (now.owner, now.risk_tier, now.version, now.stage) == ("sales", "high", "plain/1", "approved")
    assert (now.last_validation, now.validator) == (validated[:10], "val")
    assert (now.developer, now.served_here, now.overdue) == ("ada", True, False)
    then = line(control, "plain", first)
    assert (then.owner, then.stage, then.last_validation, then.next_validation) == ("crm", "registered", "", "")
    assert control.perform("inventory:show", VAL, wire.ShowInventory(as_of=before)).models == []
    other = line(control, "legacy-score")
    assert (other.served_here, other.where, other.overdue) == (False, "mainframe", True)
    with pytest.raises(BadEntry, match="'soon' is no day"):
        control.perform("inventory:add", VAL, wire.AddInventory(model="plain", next_validation="soon"))


def test_no_cell_of_the_csv_is_a_formula(control: Control, tmp_path: Path) -> None:
    control.perform("inventory:add", VAL, wire.AddInventory(model="plain", use="=cmd|calc", owner="a, b"))
    import msgspec

    write_csv(tmp_path / "x.csv", [msgspec.to_builtins(line(control, "plain"))])
    with (tmp_path / "x.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["use"], row["owner"], row["model"]) == ("'=cmd|calc", "a, b", "plain")


def test_the_next_validation_is_the_day_that_was_set_or_follows_from_the_last() -> None:
    from datetime import date

    last = date(2026, 1, 10)
    assert due_day(Entry(), last) is None
    assert due_day(Entry(validate_every=30), last) == date(2026, 2, 9)
    assert due_day(Entry(validate_every=30, next_validation="2026-06-01"), last) == date(2026, 6, 1)
    assert due_day(Entry(validate_every=30, next_validation="2026-01-01"), last) == date(2026, 2, 9), "done since"
