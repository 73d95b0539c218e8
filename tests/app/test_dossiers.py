"""Explanations and dossiers in a real home, with a real package: also of a version that is in the archive."""

from __future__ import annotations

import contextlib
import html
import io
import json
import re
import shutil
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from tenure.accountability.packing import BadSpan, NothingInSpan
from tenure.adapters.decision_log.persons import Persons
from tenure.adapters.decision_log.writer import LogWriter
from tenure.adapters.signing import is_valid
from tenure.app.actions import named
from tenure.app.control import Control
from tenure.app.secrets import persons_key
from tenure.application.decisions.deciding import AskModel, Decider
from tenure.contract.records import encode
from tenure.governance.access import Actor, Forbidden, Role, local_actor
from tenure.kit.clock import SECOND, FixedClock
from tenure.kit.digests import digest_of
from tenure.kit.ids import new_id
from tenure.model.package import Signature
from tenure.model.version import VersionRef
from tenure.serving import oneshot
from tenure.settings import Home, Workshop
from tests.app.plain_model import APPLICATION, packaged

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tenure.app import wire

ADA = local_actor("ada")
VALIDATOR = Actor("v1", Role.VALIDATOR)
TEXT = APPLICATION.replace(
    "entity: customer\n", "entity: customer\nowner: desk@example.com\npersonal: [mail]\n"
).replace("  customer: string\n", "  customer: string\n  mail: string\n")


class Still:
    """A running system in which everything is ready at once."""

    def ready(self, ref: VersionRef) -> Any:
        return contextlib.nullcontext()

    def switch(self) -> None:
        pass

    def serve(self) -> None:
        pass


class House:
    """A home in which `plain/1` decided, was replaced by `plain/2`, and went into the archive."""

    def __init__(self, control: Control, clock: FixedClock) -> None:
        self.control, self.clock = control, clock
        home = control.home
        self._persons = Persons(home.persons_db, persons_key(home))
        self._writer = LogWriter.open(home.decisions, "gateway-1", clock=clock)

    def do(self, name: str, actor: Actor = ADA, **given: Any) -> Any:
        self.clock.advance(SECOND)
        return named(name).call(self.control, actor, msgspec.convert(given, named(name).input))

    def decide(self, a: float, b: float, number: int = 1) -> str:
        """Return the id of a decision made as a gateway makes it."""
        self.clock.advance(SECOND)
        record = self.control.registry.get(VersionRef("plain", number))
        active = self.control.revisions.active("offers")
        assert active is not None
        schemas = (record.manifest.inputs, record.manifest.outputs)
        explain = record.manifest.explain
        decider = Decider(active.definition, *schemas, active.number, tells=True, explain=explain)
        step = decider.before(decider.admit_row({"customer": "anna", "mail": "anna@secret", "a": a, "b": b}), {})
        if isinstance(step, AskModel):
            worker, version = self.control._ensure_runnable(record.digest)
            with oneshot.started(worker, version, "plain", number) as asked:
                step = decider.after(step, asked.predict([step.row], reasons=decider.asks_reasons)[0])
        now = self.clock.now()
        made = decider.record(step, id=new_id(now), at=now, protect=self._protect, actor="t1")
        self._writer.append_all([encode(made)])
        return made.id

    def _protect(self, entity: str, fields: dict[str, Any]) -> tuple[str, str]:
        pseudonym = self._persons.pseudonym(entity)
        return pseudonym, self._persons.encrypt(pseudonym, fields)

    def seal(self) -> None:
        self.clock.advance(60 * SECOND)
        self.control._seal()

    def close(self) -> None:
        self._writer.close_now()
        self._persons.close()


@pytest.fixture(scope="module")
def house(workshop: Workshop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    clock = FixedClock()
    with Control.open(Home(tmp_path_factory.mktemp("dossiers") / "home"), clock) as control:
        control.deployments._traffic = Still()
        house = House(control, clock)
        for number in (1, 2):
            house.do("versions:register", package=str(packaged(workshop, float(number))))
        house.do("versions:deploy", model="plain", version="1", reason="first </script><b>bold</b>")
        house.do("applications:apply", text=TEXT, reason="first")
        yield house
        house.close()


@pytest.fixture(scope="module")
def archived(house: House) -> str:
    """The id of a decision of a version that is in the archive by now."""
    decision = house.decide(10.0, 70.0)
    house.do("versions:deploy", model="plain", version="2", reason="better")
    house.do("versions:promote", model="plain", version="2", reason="better")
    house.do("versions:decommission", model="plain", version="1", reason="replaced")
    house.do("versions:archive", model="plain", version="1", reason="over")
    shutil.rmtree(house.control.home.packages)
    shutil.rmtree(house.control.home.environments, ignore_errors=True)
    house.seal()
    return decision


def text_of(page: str, name: str) -> str:
    found = re.search(f'<script type="application/json" id="{name}">(.*?)</script>', page, re.DOTALL)
    assert found
    return found[1]


def test_a_decision_of_an_archived_version_is_explained_from_its_blobs_alone(house: House, archived: str) -> None:
    assert house.control.registry.get(VersionRef("plain", 1)).stage.value == "archived"
    found = house.do("decisions:explain", decision=archived)
    assert (found.model, found.served, found.method, found.scale) == ("plain/1", 80.0, "closed_form", "score")
    # The golden inputs stand for a reference sample: 0.5 to 4.5 in both columns.
    assert {one.feature: one.contribution for one in found.contributions} == pytest.approx({"a": 7.5, "b": 67.5})
    assert found.baseline.value == pytest.approx(5.0)
    assert (found.baseline.rows, found.baseline.source) == (5, "5 rows of the package's golden inputs")
    assert house.do("decisions:explain", decision=archived) == found


def test_the_dossier_of_an_archived_version_holds_everything_and_is_signed(house: House, archived: str) -> None:
    found: wire.DossierAnswer = house.do("decisions:dossier", decision=archived)
    told = found.dossier
    assert text_of(found.page, "dossier") == found.text
    assert json.loads(found.text) == told
    assert found.digest == digest_of(found.text.encode())
    assert is_valid(Signature(found.key, found.public, found.signature, 0), found.text.encode())
    assert told["replay"]["verdict"] == "BIT"
    assert told["replay"]["output_then"] == told["replay"]["output_now"] == {"score": 80.0}
    assert told["version"]["stage_now"] == "archived"
    assert {one["kind"] for one in told["version"]["attestations"]} >= {"seal", "approval", "archive"}
    assert [one["alias"] for one in told["version"]["aliases"]] == ["champion"]
    assert [(one["rule"], one["verdict"]) for one in told["rules"]] == [("small", "no"), ("large", "no")]
    assert told["explanation"]["served"] == 80.0
    assert told["log"]["position"] == 0
    assert told["log"]["leaf"].startswith("sha256:")
    assert told["decision"]["personal"] == {"customer": "anna", "mail": "anna@secret"}
    assert (told["revision"]["approved"]["by"], told["revision"]["in_force"]["by"]) == ("local:ada", "local:ada")
    day = told["monitoring"]["figures"]
    assert day["decisions"] == sum(day["decided_by"].values()) >= 1
    assert day["models"]["plain/1"] >= 1
    assert day["since"] <= told["decision"]["at"] < day["until"]
    assert f"{day['decisions']} (" in found.page


def test_a_dossier_tells_what_people_and_the_world_made_of_it(house: House) -> None:
    decision = house.decide(1.0, 2.0, 2)
    house.do("decisions:resolve", decision=decision, answer={"offer": "large"}, code="LOYAL", reason="ten years here")
    house.do("outcomes:import", application="offers", outcomes=[{"decision_id": decision, "value": True}])
    told = house.do("decisions:dossier", decision=decision).dossier
    assert [(one["by"], one["code"], one["note"]) for one in told["resolutions"]] == [
        ("local:ada", "LOYAL", "ten years here")
    ]
    assert [(one["name"], one["value"]) for one in told["outcomes"]] == [("left", True)]
    assert any("changed the answer to: offer: large" in line for line in told["texts"]["person"])


def test_a_dossier_of_a_rule_s_decision_says_that_no_model_was_asked(house: House) -> None:
    found = house.do("decisions:dossier", decision=house.decide(-1.0, 2.0, 2))
    assert found.dossier["version"] is None
    assert "no model's output was used" in found.dossier["explanation"]["refused"]
    assert "No model was asked." in found.dossier["texts"]["examiner"]
    assert {line["name"] for line in found.dossier["inputs"]} == {"a", "b", "customer", "mail"}


def test_the_page_loads_nothing_runs_nothing_and_escapes_what_people_wrote(house: House, archived: str) -> None:
    page = house.do("decisions:dossier", decision=archived).page
    shown = page.split("</main>")[0]
    assert not re.search(r"https?://|src=|url\(|@import|<link|<iframe|onload", shown.split("How to check")[0])
    assert "<b>bold</b>" not in page
    assert "first &lt;/script&gt;&lt;b&gt;bold" in shown
    assert page.count("</script>") == 2
    assert page.count("<script") == 2
    assert "default-src 'none'" in page


def test_the_person_s_text_names_no_model_no_method_and_no_score(house: House, archived: str) -> None:
    told = house.do("decisions:dossier", decision=archived).dossier
    letter = " ".join(told["texts"]["person"])
    for inner in ("plain/1", "score", "80.0", "log-odds", "shapley", "closed", "sha256", "revision"):
        assert inner not in letter
    assert "desk@example.com" in letter
    assert archived in letter


def test_personal_fields_stand_only_in_the_dossiers_of_those_who_may_read_them(house: House, archived: str) -> None:
    found = house.do("decisions:dossier", VALIDATOR, decision=archived)
    assert found.dossier["decision"]["personal"] is None
    assert "anna" not in found.page
    with pytest.raises(Forbidden):
        house.do("decisions:dossier", Actor("x", Role.VIEWER), decision=archived)
    with pytest.raises(Forbidden):
        house.do("decisions:explain", Actor("x", Role.CALLER), decision=archived)


def test_handing_out_a_dossier_is_one_audit_event_with_its_digest(house: House, archived: str) -> None:
    found = house.do("decisions:dossier", VALIDATOR, decision=archived)
    newest = house.control.audit.newest(1)[0]
    assert (newest.action, newest.actor, newest.target) == ("decisions:dossier", "v1", f"decision/{archived}")
    assert json.loads(newest.after) == {"digest": found.digest}


def test_the_lines_on_the_page_check_it_and_notice_any_change(house: House, archived: str, tmp_path: Path) -> None:
    page = house.do("decisions:dossier", decision=archived).page
    script, command = (html.unescape(part) for part in re.findall(r"<pre>(.*?)</pre>", page, re.DOTALL))
    (tmp_path / "check.py").write_text(script)
    files = {"good.html": page, "bad.html": page.replace('"served":80.0', '"served":81.0')}
    assert files["bad.html"] != page
    results = {}
    for name, content in files.items():
        (tmp_path / name).write_text(content)
        line = [sys.executable, "-I", "-S", "check.py", name]
        results[name] = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert results["good.html"].returncode == 0, results["good.html"].stderr
    assert "the dossier was changed" in results["bad.html"].stderr
    if shutil.which("openssl"):
        line = command.split()
        assert subprocess.run(line, cwd=tmp_path, capture_output=True, check=False).returncode == 0
        (tmp_path / "dossier.json").write_text(files["bad.html"])
        assert subprocess.run(line, cwd=tmp_path, capture_output=True, check=False).returncode != 0


def unpacked(house: House, folder: Path, **more: Any) -> Any:
    """Return the answer of a pack, its files laid out in the folder."""
    span = {"model": "plain", "since": "2020-01-01", "samples": 2} | more
    found = house.do("models:dossier", VALIDATOR, **span)
    with zipfile.ZipFile(io.BytesIO(found.content)) as archive:
        archive.extractall(folder)
    return found


def test_the_examiner_s_pack_holds_all_of_a_model_and_checks_itself(
    house: House, archived: str, tmp_path: Path
) -> None:
    other = house.decide(-1.0, 2.0, number=2)
    more = [house.decide(20.0 + nth, 100.0, number=2) for nth in range(3)]
    house.do("decisions:resolve", decision=more[0], answer={"offer": "none"}, code="D1", reason="a complaint")
    validation = {"model": "plain", "version": "1", "kind": "validation", "name": "v.pdf", "content": "dmFsaWQ="}
    attach = named("versions:attach")
    attach.call(house.control, VALIDATOR, msgspec.convert(validation, attach.input))
    found = unpacked(house, tmp_path, seed="examiner")
    told = {
        name: json.loads((tmp_path / name).read_text()) for name in found.document["files"] if name.endswith(".json")
    }
    assert told["inventory.json"]["model"] == "plain"
    assert [one["ref"] for one in told["versions.json"]["versions"]] == ["plain/1", "plain/2"]
    assert [one["version"] for one in told["versions.json"]["served"]][:2] == [1, 2]
    assert told["versions.json"]["versions"][0]["papers"][0]["name"] == "v.pdf"
    (paper,) = (tmp_path / "papers").rglob("*-v.pdf")
    assert paper.read_bytes() == b"valid"
    assert "application: offers" in told["revisions.json"][0]["revisions"][0]["source"]
    assert {"versions:deploy", "versions:promote", "versions:archive"} <= {
        one["action"] for one in told["changes.json"]
    }
    assert [one["code"] for one in told["overrides.json"] if one["decision"] == more[0]] == ["D1"]
    assert told["outcomes.json"]["decisions"] >= 4
    sample = found.document["sample"]["decisions"]
    assert len(sample) == 2
    assert other not in sample, "no model was asked in it"
    assert all(one in (tmp_path / f"dossiers/{one}.html").read_text() for one in sample)

    check = [sys.executable, "-I", "check.py"]
    done = subprocess.run(check, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert f"signed by key {found.key}" in done.stdout
    (tmp_path / "alerts.json").write_text("[]")
    assert (
        "alerts.json was changed"
        in subprocess.run(check, cwd=tmp_path, capture_output=True, text=True, check=False).stderr
    )
    assert unpacked(house, tmp_path / "again", seed="examiner").document["sample"] == found.document["sample"]


def test_a_pack_of_nothing_or_of_no_span_is_refused_with_what_to_do(house: House) -> None:
    with pytest.raises(NothingInSpan, match="no version of plain was registered before 2020-02-01"):
        house.do("models:dossier", model="plain", since="2020-01-01", until="2020-02-01")
    with pytest.raises(BadSpan, match="is no span"):
        house.do("models:dossier", model="plain", since="2026-01-01", until="2020-02-01")


def test_reasons_given_in_the_decision_stand_in_its_dossier_as_they_were_frozen(house: House, archived: str) -> None:
    house.do("applications:apply", text=TEXT.replace("deadline:", "explain: top_k\ndeadline:"), reason="reasons")
    made = house.decide(3.0, 90.0, number=2)
    found = house.do("decisions:dossier", VALIDATOR, decision=made)
    told = found.dossier["told"]
    assert (told["method"], told["reasons"]) == ("closed_form", ["b", "a"])
    later = {one["feature"]: one["contribution"] for one in found.dossier["explanation"]["contributions"]}
    assert {one["feature"]: one["contribution"] for one in told["contributions"]} == pytest.approx(later, abs=1e-9)
    assert found.dossier["replay"]["verdict"] == "BIT"
    assert "What counted most for it: b; a." in found.dossier["texts"]["person"]
    assert any("given in the decision itself" in line for line in found.dossier["texts"]["examiner"])
    assert "Reasons given in the decision" in found.page
    house.do("applications:rollback", application="offers", reason="without")


def test_of_an_erased_person_the_dossier_says_what_the_model_gave_and_why_no_more_can_be_told(
    house: House, archived: str
) -> None:
    house.do("persons:erase", application="offers", entity="anna", reason="asked for it")
    found = house.do("decisions:dossier", decision=archived)
    assert found.dossier["decision"]["personal"] is None
    assert found.dossier["replay"]["cause"] == "the person's key was destroyed, so the request cannot be read any more"
    assert "<b>Score</b><span>score: 80</span>" in found.page.replace("80.0", "80")
    assert "anna" not in found.page
    assert found.dossier["log"]["position"] == 0
