"""Keeping and letting go on a real home: economy, gc, holds, two people, tombstones, erasure, drills."""

import json
import os
import re
import shutil
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tenure.accountability.proofs import LogProofs
from tenure.adapters.blobs import Blobs
from tenure.adapters.decision_log import check_log, parquet
from tenure.adapters.decision_log.expiry import removals_file
from tenure.adapters.decision_log.index import index_file
from tenure.adapters.decision_log.proofs import Proofs
from tenure.adapters.decision_log.sealer import rebuild_index
from tenure.adapters.decision_log.verify import verify_log
from tenure.adapters.decision_log.writer import LogWriter
from tenure.app.actions import named
from tenure.app.control import Control
from tenure.application.decisions.expiring import KeptForEver, NothingExpired, SecondPersonExpires
from tenure.application.decisions.reading import NoSuchDecision
from tenure.application.features.expiring import KeptForEverView, NoValueExpired, SecondPersonExpiresValues
from tenure.application.revisions.revision import UnknownApplication
from tenure.governance.access import Actor, Forbidden, Role, local_actor
from tenure.governance.holds import AlreadyHeld, Held, NotHeld
from tenure.governance.retention import BadClass
from tenure.kit.clock import DAY, SECOND, FixedClock, iso
from tenure.model.archiving.keeping import Destroyed, SecondPerson, StillRetained
from tenure.model.lifecycle import IllegalMove
from tenure.settings import Home, Workshop
from tests.app.plain_model import APPLICATION, packaged
from tests.decision_log.log_faults import NOON, decision

pytestmark = pytest.mark.processes

ADA, BOB = local_actor("ada"), local_actor("bob")
YEARS = 11 * 366 * DAY
RULES_ONLY = (
    APPLICATION.replace("model: plain@champion\n", "")
    .replace('\n  - {id: large, after: model, when: "output.score >= 100.0", answer: {offer: large}, reason: R02}', "")
    .replace("R02: large, ", "")
    .replace("fallback: {answer: {offer: none}, reason: R90}\n", "")
    .replace(", R90: no model", "")
)


@pytest.fixture(scope="module")
def packages(workshop: Workshop) -> list[Path]:
    return [packaged(workshop, float(number)) for number in (1, 2)]


class Desk:
    """A home with two versions of `plain`, the first archived, and somebody at it."""

    def __init__(self, home: Home, clock: FixedClock) -> None:
        self.home, self.clock = home, clock
        self.control = Control.open(home, clock)

    def do(self, action: str, actor: Actor = ADA, /, **given: Any) -> Any:
        self.clock.advance(SECOND)
        return self.control.perform(action, actor, msgspec.convert(given, named(action).input))

    def on_first(self, name: str, actor: Actor = ADA) -> Any:
        return self.do(name, actor, model="plain", version="1", reason="because")


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory, packages: list[Path]) -> Home:
    home = Home(tmp_path_factory.mktemp("kept") / "home")
    desk = Desk(home, FixedClock())
    for package in packages:
        desk.do("versions:register", package=str(package))
    for name in ("versions:approve", "versions:decommission", "versions:archive"):
        desk.on_first(name)
    desk.control.close()
    return home


@pytest.fixture
def desk(kept: Home, tmp_path: Path) -> Iterator[Desk]:
    home = Home(tmp_path / "home")
    shutil.copytree(kept.root, home.root, symlinks=True)
    desk = Desk(home, FixedClock(FixedClock().at + 100 * SECOND))
    yield desk
    desk.control.close()


def blobs(home: Home) -> set[Path]:
    return {path for root in (home.blobs, home.second_copy) for path in root.glob("*/*")}


def age(home: Home) -> None:
    """Make every file look as if it was not touched for a year."""
    for path in home.root.rglob("*"):
        os.utime(path, (1, 1), follow_symlinks=False)


# ---- economy and gc


@pytest.mark.parametrize("versions", [3, pytest.param(20, marks=pytest.mark.soak)])
def test_twenty_versions_that_share_an_environment_take_little_more_than_one(
    versions: int, workshop: Workshop, tmp_path: Path
) -> None:
    home = Home(tmp_path / "home")
    desk = Desk(home, FixedClock())
    sizes = []
    for number in range(1, versions + 1):
        desk.do("versions:register", package=str(packaged(workshop, float(number))))
        sizes.append(sum(path.stat().st_size for path in home.blobs.glob("*/*")))
    desk.control.close()
    assert len(desk.control.registry.versions("plain")) == versions
    added = [later - earlier for earlier, later in pairwise(sizes)]
    assert sizes[0] + 19 * max(added) <= 1.15 * sizes[0], sizes


def test_gc_removes_only_what_nothing_needs_and_a_dry_run_nothing(desk: Desk) -> None:
    needed = blobs(desk.home)
    stray = desk.control.home.blobs / "ab" / ("ab" + "0" * 62)
    stray.parent.mkdir(exist_ok=True)
    stray.write_bytes(b"nobody's")
    half = desk.home.blobs / "ab" / ".adding-x"
    half.write_bytes(b"half")
    upload = desk.home.root / "uploads" / "upload-1" / "package.tar"
    upload.parent.mkdir(parents=True)
    upload.write_bytes(b"left")
    assert desk.do("gc", older_than="1h").files == [], "what was touched a moment ago may be a registration under way"
    age(desk.home)
    planned = desk.do("gc", dry_run=True)
    assert stray.exists()
    assert not planned.removed
    done = desk.do("gc", reason="space")
    assert (done.files, done.bytes) == (planned.files, len(b"nobody's") + len(b"half") + len(b"left"))
    assert {Path(name).name for name in done.files} == {stray.name, ".adding-x", "upload-1"}
    assert blobs(desk.home) == needed
    assert desk.do("verify").intact
    assert [each.action for each in desk.do("audit:log", limit=2)] == ["gc", "gc"]


def test_gc_keeps_what_a_logged_decision_names(desk: Desk) -> None:
    tensor = desk.control.home.blobs / "cd" / ("cd" + "1" * 62)
    tensor.parent.mkdir(exist_ok=True)
    tensor.write_bytes(b"a tensor")
    record = json.loads(decision(1, NOON)) | {"request": {"image": f"sha256:{tensor.name}"}}
    writer = LogWriter.open(desk.home.decisions, "gateway-1")
    writer.append_all([json.dumps(record).encode()])
    writer.close_now()
    age(desk.home)
    assert desk.do("gc").files == []
    assert tensor.exists()


def test_a_package_that_gc_took_can_be_registered_again(desk: Desk, workshop: Workshop) -> None:
    other = packaged(workshop, 3.0)
    from tenure.app import packaging

    packaging.register(desk.home, other)  # proven, but its version never came
    age(desk.home)
    assert desk.do("gc").files
    found = desk.do("versions:register", package=str(other))
    assert desk.do("verify", ref=found.ref).intact


# ---- holds, retention, destruction


def test_destroying_takes_the_end_of_the_period_no_hold_and_two_people(desk: Desk) -> None:
    with pytest.raises(StillRetained, match="Tenure's own default"):
        desk.on_first("versions:destroy")
    desk.do("holds:add", target="plain/1", reason="case 7")
    desk.clock.advance(YEARS)
    with pytest.raises(Held, match="case 7"):
        desk.on_first("versions:destroy")
    desk.do("holds:release", target="plain/1", reason="closed")
    before = blobs(desk.home)
    first = desk.on_first("versions:destroy")
    assert (first.stage, first.proposed_by, first.tombstone) == ("archived", "local:ada", None)
    with pytest.raises(SecondPerson):
        desk.on_first("versions:destroy")
    assert blobs(desk.home) == before
    done = desk.on_first("versions:destroy", BOB)
    assert (done.stage, done.tombstone["destroyed_by"]) == ("destroyed", "local:bob")
    assert len(done.tombstone["digests"]) > 5
    assert done.tombstone["freed"] > 0
    _only_the_tombstone_is_left(desk)


def _only_the_tombstone_is_left(desk: Desk) -> None:
    with pytest.raises(Destroyed):
        desk.do("versions:run", model="plain", version="1", rows=[{"a": 1.0, "b": 2.0}])
    with pytest.raises(IllegalMove, match="nothing"):
        desk.on_first("versions:destroy", BOB)
    shown = desk.do("versions:show", model="plain", version="1")
    assert shown.attestations[-1]["kind"] == "destroyed"
    assert desk.do("verify").intact, "what is left is whole"
    answer = desk.do("versions:run", model="plain", version="2", rows=[{"a": 1.0, "b": 2.0}])
    assert answer.outputs == [{"score": 6.0}], "what it shared with others stayed"
    digests = {one.removeprefix("sha256:") for one in shown.attestations[-1]["digests"]}
    assert shown.digest.removeprefix("sha256:") in digests
    assert not any(path.name == shown.digest.removeprefix("sha256:") for path in blobs(desk.home))


def test_a_proposal_ends_with_a_restore(desk: Desk) -> None:
    desk.clock.advance(YEARS)
    desk.on_first("versions:destroy")
    desk.do("versions:restore", model="plain", version="1")
    desk.on_first("versions:archive")
    assert desk.do("retention:list", ref="plain/1").versions[0].destruction_proposed_by is None


def test_a_hold_on_the_model_holds_its_versions_and_retention_shows_it(desk: Desk) -> None:
    desk.do("holds:add", target="plain", reason="inquiry")
    with pytest.raises(AlreadyHeld, match="inquiry"):
        desk.do("holds:add", target="plain", reason="again")
    with pytest.raises(NotHeld):
        desk.do("holds:release", target="plain/1", reason="x")
    found = desk.do("retention:list")
    assert [row.ref for row in found.versions] == ["plain/1", "plain/2"]
    assert found.versions[0].until.startswith("2036")
    told = "10 years (class default): Tenure's own default, from archiving"
    assert [one.retention for one in found.versions] == [told, f"begins when it is archived: {told}"]
    assert found.versions[1].until is None
    assert all("inquiry" in row.holds[0] for row in found.versions)
    assert [hold.target for hold in found.holds] == ["model:plain"]


# ---- drills


def test_a_drill_restores_every_environment_from_blobs_alone_and_status_says_so(desk: Desk) -> None:
    assert desk.do("status").restorable.proven == 2, "registering and archiving prove it too"
    shutil.rmtree(desk.home.root / "cache")
    done = desk.do("drill")
    assert done.passed
    (row,) = done.environments
    assert (row.ref, row.found["verdict"], row.found["source"]) == ("plain/2", "BIT", "blobs")
    assert desk.do("versions:show", model="plain", version="2").attestations[-1]["kind"] == "drill"
    found = desk.do("status").restorable
    assert (found.proven, found.versions) == (2, 2)


def test_a_drill_that_fails_is_written_down_and_status_counts_it(desk: Desk) -> None:
    interpreter = max(desk.home.blobs.glob("*/*"), key=lambda path: path.stat().st_size)
    interpreter.chmod(0o644)
    interpreter.write_bytes(b"x")
    done = desk.do("drill")
    assert not done.passed
    assert interpreter.name in done.environments[0].found["failed"]
    assert desk.do("status").restorable.proven == 0
    desk.do("repair")
    assert desk.do("drill").passed


def test_what_was_not_proven_for_a_month_is_drilled_by_itself(desk: Desk) -> None:
    def drills() -> list[tuple[str, str]]:
        events = [event for event in desk.do("audit:log", limit=50) if event.action == "drill"]
        return [(event.actor, event.target) for event in events]

    desk.control.drilling.tick()
    desk.control.drilling.wait()
    assert drills() == [], "it was proven a moment ago"
    desk.clock.advance(31 * DAY)
    desk.control.drilling.tick()
    desk.control.drilling.wait()
    assert drills() == [("schedule", "plain/2")], "one for each environment"
    desk.control.drilling.tick()
    desk.control.drilling.wait()
    assert len(drills()) == 1
    assert desk.do("status").restorable.proven == 2


# ---- erasing and proofs


@pytest.fixture
def decided(desk: Desk) -> Desk:
    """Return the desk with an application and sealed decisions about three people."""
    desk.do("applications:apply", text=RULES_ONLY, reason="first")
    persons, records = desk.control._persons, []
    for number, name in enumerate(("eve", "joe", "eve", "sue")):
        pseudonym = persons.pseudonym(name)
        record = json.loads(decision(number, NOON + number)) | {"application": "offers", "entity": pseudonym}
        record["personal"] = persons.encrypt(pseudonym, {"customer": name})
        records.append(json.dumps(record).encode())
    persons.sync()
    writer = LogWriter.open(desk.home.decisions, "gateway-1")
    writer.append_all(records)
    writer.close_now()
    desk.control._seal()
    return desk


def test_erasing_a_person_leaves_every_proof_and_everybody_else_as_they_were(decided: Desk) -> None:
    ids = [json.loads(decision(number, NOON + number))["id"] for number in range(4)]
    held = {"checkpoint": decided.do("log:checkpoint").document["checkpoint"]}
    done = decided.do("persons:erase", application="offers", entity="eve", reason="asked for it")
    assert (done.erased, done.decisions) == (True, {"offers": 2})
    log = decided.control.log
    known = [log.personal(found) for each in ids if (found := log.decision(each))]
    assert known == [None, {"customer": "joe"}, None, {"customer": "sue"}]
    assert verify_log(decided.home.decisions) == []
    for each in ids:
        document = decided.do("log:proof", decision=each, held=4).document
        assert len(check_log.check(document, held)) == 3
    event = decided.do("audit:log", limit=1)[0]
    assert event.action == "persons:erase"
    assert not re.search(r"\beve\b", json.dumps(msgspec.to_builtins(event)))


def test_a_person_or_application_under_a_hold_is_not_erased_and_the_hold_is_named(decided: Desk) -> None:
    targets: list[dict[str, Any]] = [{"target": "offers", "entity": "eve"}, {"target": "offers"}]
    for given in targets:
        decided.do("holds:add", **given, reason="lawsuit 12")
        with pytest.raises(Held, match="lawsuit 12"):
            decided.do("persons:erase", application="offers", entity="eve", reason="asked")
        decided.do("holds:release", **given, reason="over")
    assert decided.do("persons:erase", application="offers", entity="eve", reason="asked").erased


def test_whoever_erases_names_an_application_that_is_there_and_may_erase_wherever_the_person_is_known(
    decided: Desk,
) -> None:
    with pytest.raises(UnknownApplication, match="offerz"):
        decided.do("persons:erase", application="offerz", entity="eve", reason="a slip of the finger")
    decided.do("applications:apply", text=RULES_ONLY.replace("application: offers", "application: loans"), reason="2nd")
    of_loans = Actor("t", Role.ADMIN, frozenset({"loans"}))
    with pytest.raises(Forbidden, match="on offers"):
        decided.control.erasures.erase(of_loans, "loans", "eve", "only ours")
    assert decided.do("persons:erase", application="loans", entity="eve", reason="asked").decisions == {"offers": 2}


def test_who_is_limited_to_an_application_gets_proofs_of_its_records_alone(decided: Desk) -> None:
    record = json.loads(decision(0, NOON))["id"]
    proofs = LogProofs(Proofs(decided.home.decisions))
    assert proofs.proof(Actor("t", Role.VIEWER, frozenset({"offers"})), record)["leaf"] == 0
    with pytest.raises(Forbidden):
        proofs.proof(Actor("t", Role.VIEWER, frozenset({"loans"})), record)


# ---- retention classes


def test_a_class_lengthens_the_period_of_what_is_archived_already_and_never_shortens_it(desk: Desk) -> None:
    def until() -> str:
        return str(desk.do("retention:list", ref="plain/1").versions[0].until)

    was = until()
    given: dict[str, Any] = {"keeps": ["packages"], "reason": "the board's rule", "basis": "rule 7 of the house"}
    for name, keep in (("long", "12y"), ("brief", "1y")):
        desk.do("retention:define", name=name, keep=keep, **given)
    desk.do("retention:assign", target="plain", name="long", reason="it lends money")
    assert until()[:4] == "2038"
    desk.do("retention:assign", target="plain", name="brief", reason="cheaper")
    assert until() == was
    desk.clock.advance(2 * 366 * DAY)
    with pytest.raises(StillRetained, match="rule 7 of the house"):
        desk.on_first("versions:destroy")
    desk.do("applications:apply", text=RULES_ONLY, reason="first")
    with pytest.raises(BadClass, match="it keeps packages"):
        desk.do("retention:assign", target="offers", name="long", reason="?")
    told = [event.action for event in desk.do("audit:log", limit=20)]
    assert (told.count("retention:define"), told.count("retention:assign")) == (2, 2)


def test_what_runs_out_is_shown_then_two_people_remove_it_and_every_other_proof_holds(decided: Desk) -> None:
    ids = [json.loads(decision(number, NOON + number))["id"] for number in range(4)]
    held = {"checkpoint": decided.do("log:checkpoint").document["checkpoint"]}
    with pytest.raises(KeptForEver):
        decided.do("retention:expire", application="offers", reason="old")
    decided.do("retention:assign", target="offers", name="reg-b-25mo", reason="credit")
    with pytest.raises(NothingExpired):
        decided.do("retention:expire", application="offers", reason="old")
    decided.clock.at = NOON + 750 * DAY
    decided.do("holds:add", target="offers", entity="eve", reason="lawsuit 12")
    (shown,) = decided.do("retention:list").applications
    assert (shown.records, shown.by_kind, shown.soon, shown.held) == (0, {}, 4, 0)
    decided.clock.at = NOON + 770 * DAY
    found = decided.do("retention:expire", application="offers", dry_run=True).found
    assert (found.records, found.by_kind, found.held, found.proposed_by) == (2, {"decision": 2}, 2, None)

    decided.do("retention:expire", application="offers", reason="its time is over")
    assert decided.do("retention:list").applications[0].proposed_by == ADA.id
    assert len(decided.do("decisions:list").decisions) == 4
    with pytest.raises(SecondPersonExpires):
        decided.do("retention:expire", application="offers", reason="its time is over")
    done = decided.do("retention:expire", BOB, application="offers", reason="agreed")
    assert (done.removed, done.files, done.proposed_by) == (2, 1, ADA.id)

    left = [one.decision_id for one in decided.do("decisions:list").decisions]
    assert left == [ids[2], ids[0]], "eve's are held"
    with pytest.raises(NoSuchDecision):
        decided.do("decisions:show", decision=ids[1])
    event = decided.do("audit:log", limit=1)[0]
    assert (event.action, event.after["removed"], event.after["proposed_by"]) == ("retention:expire", 2, ADA.id)
    for _ in range(2):
        assert decided.do("verify").problems == []
        for each in left:
            document = decided.do("log:proof", decision=each, held=4).document
            assert len(check_log.check(document, held)) == 3
        index_file(decided.home.decisions).unlink()
        rebuild_index(decided.home.decisions)
    assert decided.do("sql", query="SELECT count(*) FROM decisions").rows == [[2]]


def test_a_hold_keeps_a_blob_from_gc_for_as_long_as_it_is_there(desk: Desk) -> None:
    desk.do("applications:apply", text=RULES_ONLY, reason="first")
    desk.do("retention:assign", target="offers", name="reg-b-25mo", reason="credit")
    pseudonym, tensors, records = desk.control._persons.pseudonym, {}, []
    for number, name in enumerate(("eve", "joe")):
        blobs_here = Blobs(desk.home.blobs)
        tensors[name] = blobs_here.path(blobs_here.add(f"an image of {name}".encode()).digest)
        record = json.loads(decision(number, NOON + number)) | {"application": "offers", "entity": pseudonym(name)}
        records.append(json.dumps(record | {"request": {"image": f"sha256:{tensors[name].name}"}}).encode())
    writer = LogWriter.open(desk.home.decisions, "gateway-1")
    writer.append_all(records)
    writer.close_now()
    desk.control._seal()
    age(desk.home)
    desk.do("holds:add", target="offers", entity="eve", reason="lawsuit 12")

    def left_after_two_people_let_go() -> list[str]:
        for actor in (ADA, BOB):
            desk.do("retention:expire", actor, application="offers", reason="its time is over")
        desk.do("gc", reason="space")
        return [name for name, file in tensors.items() if file.exists()]

    desk.clock.at = NOON + 770 * DAY
    assert left_after_two_people_let_go() == ["eve"]
    assert desk.do("verify").intact
    desk.do("holds:release", target="offers", entity="eve", reason="closed")
    assert left_after_two_people_let_go() == []


def test_old_feature_values_go_by_two_people_and_those_of_a_held_person_stay(decided: Desk) -> None:
    text = RULES_ONLY.replace(
        "rules:", "features:\n  - {view: activity, key: customer, on_missing: default}\nrules:", 1
    )
    decided.do("features:apply", text="view: activity\nkey: customer\ncolumns: {orders: int}\ndefaults: {orders: 0}\n")
    decided.do("applications:apply", text=text, reason="with features")

    def known(day: int, **orders: int) -> None:
        rows = [{"customer": name, "orders": count} for name, count in orders.items()]
        decided.do("features:ingest", view="activity", rows=rows, known_at=iso(NOON + day * DAY))

    known(0, eve=1, joe=1)
    known(5, eve=2, joe=2)
    known(100, joe=3)
    with pytest.raises(KeptForEverView):
        decided.do("features:expire", view="activity", reason="old")
    with pytest.raises(BadClass, match="features:activity has features"):
        decided.do("retention:assign", target="features:activity", name="reg-b-25mo", reason="?")
    decided.do("retention:define", name="brief", keep="30d", keeps=["features"], reason="house", basis="rule 8")
    decided.do("retention:assign", target="features:activity", name="brief", reason="it is about customers")
    decided.clock.at = NOON + 60 * DAY
    decided.do("holds:add", target="offers", entity="eve", reason="lawsuit 12")
    (shown,) = decided.do("retention:list").views
    assert (shown.view, shown.values, shown.keys, shown.held) == ("activity", 1, 1, 1)
    decided.do("features:expire", view="activity", reason="its time is over")
    with pytest.raises(SecondPersonExpiresValues):
        decided.do("features:expire", view="activity", reason="its time is over")
    for target in ("offers", "features:activity"):
        decided.do("holds:add", target=target, reason="inquiry 3")
        with pytest.raises(Held, match="inquiry 3"):
            decided.do("features:expire", BOB, view="activity", reason="agreed")
        decided.do("holds:release", target=target, reason="over")
    done = decided.do("features:expire", BOB, view="activity", reason="agreed")
    assert (done.removed, done.proposed_by, done.next_step) == (1, ADA.id, "")

    def orders(key: str, day: int) -> Any:
        found = decided.do("features:get", view="activity", key=key, as_of=iso(NOON + day * DAY)).values
        return found and found["orders"]

    assert [orders("joe", day) for day in (1, 6, 101)] == [None, 2, 3], "what was in force within the period is there"
    assert [orders("eve", day) for day in (1, 6)] == [1, 2]
    with pytest.raises(NoValueExpired):
        decided.do("features:expire", view="activity", reason="more")
    event = next(one for one in decided.do("audit:log", limit=20) if "removed" in one.after)
    assert (event.action, event.target) == ("features:expire", "features:activity")
    after = dict(event.after)
    assert after.pop("before") // DAY == (NOON + 30 * DAY) // DAY
    assert after == {"removed": 1, "proposed_by": ADA.id, "keys": 1, "held": 1, "class": "brief"}


def test_what_is_missing_without_a_signed_line_is_damage(decided: Desk) -> None:
    decisions = decided.home.decisions
    (file,) = decisions.glob("sealed/*/*.parquet")
    whole = file.read_bytes()
    parquet.blank(file, file, {1})
    (problem,) = [one for one in decided.do("verify").problems if "row 1" in one]
    assert file.name in problem
    file.write_bytes(whole)

    decided.do("retention:assign", target="offers", name="reg-b-25mo", reason="credit")
    decided.clock.at = NOON + 770 * DAY
    for actor in (ADA, BOB):
        decided.do("retention:expire", actor, application="offers", reason="its time is over")
    assert decided.do("verify").problems == []
    lines = removals_file(decisions)
    said = lines.read_bytes()
    for changed in (said.replace(b"[[0,3]]", b"[[0,4]]"), b""):
        assert changed != said
        lines.write_bytes(changed)
        assert decided.do("verify").problems
    lines.write_bytes(said)
    file.write_bytes(whole)
    assert decided.do("verify").problems == [], "killed before the file followed its line"
