"""Control: one at a time in a home, a snapshot that says what the tables say, jobs that mend what a crash left."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tenure.app.actions import named
from tenure.app.control import Control
from tenure.app.locking import HomeInUse
from tenure.app.publishing import NotServing
from tenure.governance.access import Forbidden, Role, local_actor
from tenure.governance.tokens import token_digest
from tenure.kit.clock import FixedClock
from tenure.kit.digests import canonical
from tenure.model.lifecycle import Stage
from tenure.model.registry.record import Attestation, VersionRecord
from tenure.model.version import VersionRef
from tenure.serving import snapshot as snapshots
from tenure.serving.snapshot import VersionEntry, WorkerEntry
from tenure.settings import Home
from tests.registry.shelf import manifest

ADA = local_actor("ada")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


def _do(control: Control, name: str, **given: Any) -> Any:
    return control.perform(name, ADA, msgspec.convert(given, named(name).input))


def _newest(home: Home) -> snapshots.Snapshot:
    number = snapshots.newest(home.snapshots)
    assert number is not None
    return snapshots.read(home.snapshots, number)


def test_a_second_writer_is_refused_and_told_who_holds_the_home(home: Home) -> None:
    program = f"""
import sys
from pathlib import Path
from tenure.app.control import Control
from tenure.settings import Home
with Control.open(Home(Path({str(home.root)!r}))):
    print("open", flush=True)
    sys.stdin.read()
"""
    other = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert other.stdin is not None
    assert other.stdout is not None
    assert other.stdout.readline() == b"open\n"
    with pytest.raises(HomeInUse, match=f"process {other.pid}"):
        Control.open(home)
    other.kill()
    other.wait(60)
    other.stdin.close()
    other.stdout.close()
    Control.open(home).close()


def test_a_home_is_made_on_first_use_and_only_the_owner_reads_it(home: Home) -> None:
    Control.open(home).close()
    assert home.root.stat().st_mode & 0o777 == 0o700
    assert _newest(home).generation == 1


def test_who_serves_nothing_opens_a_home_without_building_what_is_in_service(home: Home) -> None:
    with Control.open(home, publishes=False) as control:
        assert control.publisher.newest() is None
        _do(control, "tokens:create", role="viewer")
        assert _newest(home).generation == 1, "what changes something writes the snapshot"


def test_what_did_not_change_is_not_published_again(home: Home) -> None:
    for _ in range(3):
        with Control.open(home) as control:
            control.tick()
            control.publish()
    assert _newest(home).generation == 1


def test_an_application_is_published_once_and_not_at_every_tick(home: Home) -> None:
    text = """
application: shipping
request: {weight: float}
rules:
  - {id: heavy, when: "weight > 20.0", answer: {price: 11}, reason: R01}
default: {answer: {price: 5}, reason: R00}
reasons: {R00: light, R01: heavy}
"""
    with Control.open(home) as control:
        control.applications.apply(ADA, text, "first")
        assert control.publisher.write() == control.publisher.write()


def test_tokens_stand_in_the_snapshot_by_hash_until_they_are_revoked_or_their_time_is_over(home: Home) -> None:
    clock = FixedClock()
    with Control.open(home, clock) as control:
        kept = _do(control, "tokens:create", role="caller", applications=["offers"])
        short = _do(control, "tokens:create", role="viewer", expires="1h")
        revoked = _do(control, "tokens:create", role="admin")
        _do(control, "tokens:revoke", token=revoked.id)
        served = _newest(home).tokens
        assert set(served) == {token_digest(kept.token), token_digest(short.token)}
        assert served[token_digest(kept.token)].applications == ("offers",)
        clock.advance(3_600_000_000)
        control.tick()
        assert set(_newest(home).tokens) == {token_digest(kept.token)}


def test_a_crash_between_commit_and_snapshot_is_mended_by_whoever_opens_next(home: Home) -> None:
    with Control.open(home) as control:
        control.tokens.create(ADA, Role.VIEWER)  # the action alone: as if killed before the reaction
        assert _newest(home).tokens == {}
    with Control.open(home):
        assert len(_newest(home).tokens) == 1


def test_a_damaged_snapshot_is_followed_by_a_whole_one(home: Home) -> None:
    with Control.open(home) as control:
        (home.snapshots / "0000000001.json").write_text("{")
        control.tick()
    assert _newest(home).generation == 2


def test_only_the_last_snapshots_are_kept(home: Home) -> None:
    with Control.open(home) as control:
        for _ in range(30):
            _do(control, "tokens:create", role="viewer")
    assert len(list(home.snapshots.glob("*.json"))) == 20


def _registered(control: Control, number: int, stage: Stage) -> VersionRef:
    ref, digest = VersionRef("churn", number), f"sha256:{number:064x}"
    with control.audit.transaction():
        assert control.registry.next_number("churn", 1, "ada") == number
        control.registry.add(VersionRecord(ref, digest, digest, stage, 1, "ada", manifest("churn")))
        control.registry.attest(ref, Attestation("seal", 1, "ada", {"seal": {"level": "S3"}}))
    return ref


def test_deploying_needs_a_running_tenure_and_says_how_to_start_one(home: Home) -> None:
    with Control.open(home) as control:
        ref = _registered(control, 1, Stage.REGISTERED)
        with pytest.raises(NotServing) as refusal:
            _do(control, "versions:deploy", model="churn", version="1")
        assert "tenure up" in refusal.value.hint
        assert control.registry.get(ref).stage is Stage.REGISTERED


def test_a_version_that_cannot_run_is_left_out_and_told_while_the_others_serve(home: Home) -> None:
    with Control.open(home) as control:
        for number in (1, 2):
            _registered(control, number, Stage.DEPLOYED)

        whole = f"sha256:{2:064x}"
        control._runnable._known[whole] = (
            WorkerEntry(whole, "python", "lib", "worker.pyz", "package"),
            VersionEntry(whole, "", (), (), "single", 1),
        )
        control.publish()
        served = _newest(home)
        assert set(served.workers) == {"churn/2"}
        assert set(served.models["churn"].versions) == {2}
        assert served.models["churn"].versions[2].worker == "churn/2"
        assert set(_do(control, "status").troubles) == {"churn/1"}


def test_a_job_that_fails_keeps_no_other_from_being_done(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    with Control.open(home) as control:
        done: list[str] = []

        def failing() -> None:
            raise RuntimeError

        monkeypatch.setattr(control.publisher, "reconcile", failing)
        monkeypatch.setattr(control.monitoring, "tick", lambda: done.append("monitoring"))
        control.tick()
        assert done == ["monitoring"]


def test_the_snapshot_of_equal_tables_is_equal(home: Home) -> None:
    with Control.open(home, FixedClock()) as control:
        _do(control, "tokens:create", role="viewer")
        one, two = control.snapshot(), control.snapshot()
        assert canonical(msgspec.to_builtins(one)) == canonical(msgspec.to_builtins(two))


def test_a_limit_to_a_project_reaches_what_belongs_to_it_now_and_nothing_while_nothing_does(home: Home) -> None:
    text = "application: NAME\nproject: PROJECT\nrequest: {a: float}\ndefault: {answer: {x: 1}}\n"

    def applied(control: Control, name: str, project: str) -> None:
        control.applications.apply(ADA, text.replace("NAME", name).replace("PROJECT", project), "for the test")
        control.publish()

    with Control.open(home) as control:
        made = _do(control, "tokens:create", role="viewer", project="retention")
        assert made.applications == ["project:retention"]

        def reached() -> tuple[set[str], set[str]]:
            actor = control.authenticate(made.token)
            return set(actor.applications), set(_newest(home).tokens[token_digest(made.token)].applications)

        assert reached() == ({"project:retention"}, {"project:retention"})
        for name, project in (("offers", "retention"), ("loans", "credit")):
            applied(control, name, project)
        assert reached() == ({"project:retention", "offers"}, {"project:retention", "offers"})
        seen = control.perform(
            "applications:list", control.authenticate(made.token), named("applications:list").input()
        )
        assert [one.application for one in seen] == ["offers"]
        applied(control, "offers", "credit")
        assert reached() == ({"project:retention"}, {"project:retention"})


def test_who_is_limited_to_a_project_makes_applications_in_it_and_in_no_other(home: Home) -> None:
    text = "application: NAME\nproject: PROJECT\nrequest: {a: float}\ndefault: {answer: {x: 1}}\n"
    with Control.open(home) as control:
        token = _do(control, "tokens:create", role="builder", project="retention").token

        def apply(name: str, project: str, **more: Any) -> Any:
            given = {"text": text.replace("NAME", name).replace("PROJECT", project), "reason": "mine"} | more
            asked = msgspec.convert(given, named("applications:apply").input)
            return control.perform("applications:apply", control.authenticate(token), asked)

        for refused in (("offers", "credit"), ("offers", '""')):
            with pytest.raises(Forbidden):
                apply(*refused)
        assert apply("offers", "retention", dry_run=True).done is False
        assert apply("offers", "retention", draft=True).stage == "draft"
        assert "offers" in control.authenticate(token).applications, "a draft is theirs already"
        assert apply("offers", "retention").done
        with pytest.raises(Forbidden, match="project:credit"):
            apply("offers", "credit")
        _do(control, "applications:apply", text=text.replace("NAME", "loans").replace("PROJECT", "credit"))
        with pytest.raises(Forbidden):
            apply("loans", "retention")
