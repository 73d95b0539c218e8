"""The whole life of a model with real processes: supervisor, two gateways, control, workers, a real package."""

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Self

import pytest

from tenure.client.client import Client
from tenure.client.connection import Connection, RemoteProblem
from tenure.serving import announce
from tenure.settings import Home, Workshop
from tests.app.plain_model import APPLICATION, packaged

pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    home = Home(tmp_path_factory.mktemp("life") / "home")
    home.logs.mkdir(parents=True)
    command = [sys.executable, "-m", "tenure.serving.supervisor", "--home", str(home.root), "--port", "0"]
    with (home.logs / "supervisor.log").open("ab") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    try:
        _until(lambda: _control(home)["state"] == "ready", 60)
        yield home
    finally:
        with contextlib.suppress(announce.NoSupervisor):
            announce.down(home.supervisor_socket, 60)
        process.wait(60)


@pytest.fixture(scope="module")
def packages(workshop: Workshop) -> list[Path]:
    return [packaged(workshop, 1.0), packaged(workshop, 2.0), packaged(workshop, 3.0, columns="a,b,c")]


@pytest.fixture(scope="module")
def tenure(home: Home) -> Iterator[Client]:
    with Client(connection=Connection("http://localhost", unix_socket=home.control_socket)) as client:
        yield client


def _until(holds: Any, seconds: float) -> None:
    until = time.monotonic() + seconds
    while True:
        with contextlib.suppress(Exception):
            if holds():
                return
        assert time.monotonic() < until, f"not within {seconds} s"
        time.sleep(0.05)


def _control(home: Home) -> dict[str, Any]:
    state: dict[str, Any] = announce.status(home.supervisor_socket)["control"]
    return state


class Asking:
    """A client that asks without a pause while the block lasts."""

    def __init__(self, home: Home, token: str, application: str = "offers", **more: float) -> None:
        self._route = f"/api/v1/applications/{application}/decisions"
        self.more = more
        self.answers: list[dict[str, Any]] = []
        self.failed: list[Any] = []
        self._token = token
        self._port = announce.status(home.supervisor_socket)["port"]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def once(self, connection: http.client.HTTPConnection, a: float, **more: float) -> tuple[int, dict[str, Any]]:
        body = json.dumps({"customer": f"c{a:.0f}", "a": a, "b": 1.0} | self.more | more)
        headers = {"Authorization": f"Bearer {self._token}"}
        connection.request("POST", self._route, body, headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read())

    def ask(self, a: float, **more: float) -> tuple[int, dict[str, Any]]:
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)) as connection:
            return self.once(connection, a, **more)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(60)

    def _run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        n = 0
        while not self._stop.is_set():
            n += 1
            status, answer = self.once(connection, float(n % 150))
            (self.answers if status == 200 else self.failed).append(answer)
        connection.close()


def _refused(code: str, tenure: Client, action: str, **given: Any) -> str:
    with pytest.raises(RemoteProblem) as refusal:
        tenure.call(action, **given)
    assert refusal.value.problem_code == code, refusal.value.document
    return str(refusal.value)


def test_a_model_lives_its_whole_life_and_its_decisions_outlive_it(
    home: Home, packages: list[Path], tenure: Client
) -> None:
    one = tenure.register(packages[0], reason="first")
    assert (one.facts["ref"], one.facts["stage"], one.facts["again"]) == ("plain/1", "registered", False)
    assert tenure.register(packages[0]).facts["again"], "the same bytes are the same version"

    _refused("broken-definition", tenure, "applications:apply", text=APPLICATION)
    moved = tenure.call("versions:deploy", model="plain", version="1", reason="first")
    assert (moved["role"], moved["champion"], moved["before"]) == ("champion", 1, None)
    applied = tenure.call("applications:apply", text=APPLICATION, reason="first")
    assert (applied["revision"], applied["done"]) == (1, True)

    token = tenure.call("tokens:create", role="caller", applications=["offers"], expires="1h")
    asking = Asking(home, token["token"])
    status, answer = asking.ask(3.0)
    assert (status, answer["model"]["version"], answer["output"]) == (200, 1, {"score": 4.0})

    tenure.register(packages[1])
    assert tenure.call("versions:deploy", model="plain", version="2")["role"] == "warm"
    assert asking.ask(3.0)[1]["model"]["version"] == 1, "a warm version gets no traffic"
    with asking:
        time.sleep(0.3)
        tenure.call("versions:promote", model="plain", version="2", reason="better")
        assert asking.ask(3.0)[1]["model"]["version"] == 2, "every gateway has switched when promote returns"
        tenure.call("models:rollback", model="plain", reason="worse after all")
        assert asking.ask(3.0)[1]["model"]["version"] == 1
        tenure.call("versions:promote", model="plain", version="2", reason="better, really")
        time.sleep(0.3)
    assert not asking.failed
    assert {one["model"]["version"] for one in asking.answers if one["model"]} == {1, 2}
    assert all(one["decided_by"] == "model" for one in asking.answers)

    told = _refused("still-needed", tenure, "versions:decommission", model="plain", version="2", reason="old")
    assert "plain@champion" in told
    assert "offers/1" in told
    ended = tenure.call("versions:decommission", model="plain", version="1", reason="replaced", successor="plain/2")
    assert ended["tombstone"]["successor"] == "plain/2"
    assert ended["tombstone"]["last_decision"]
    _until(lambda: set(announce.status(home.supervisor_socket)["workers"]) == {"plain/2"}, 90)

    archived = tenure.call("versions:archive", model="plain", version="1", reason="kept ten years")
    assert archived["proof"]["verdict"] == "BIT"
    replayed = tenure.call("replay", sample=200, model="plain", version=1)
    assert replayed["verdicts"] == {"BIT": len(replayed["decisions"])}
    ran = tenure.call("versions:run", model="plain", version="1", rows=[{"a": 1.5, "b": 2.0}])
    assert (ran["outputs"], ran["way"]) == ([{"score": 3.5}], "process")
    tenure.call("versions:restore", model="plain", version="1", reason="needed again")
    assert tenure.call("versions:deploy", model="plain", version="1")["role"] == "warm"
    ran = tenure.call("versions:run", model="plain", version="1", rows=[{"a": 1.5, "b": 2.0}])
    assert (ran["outputs"], ran["way"]) == ([{"score": 3.5}], "worker"), "its worker serves, so it is asked"
    assert tenure.call("versions:show", model="plain", version="1")["seal_level"] == archived["proof"]["seal"]["level"]

    found = tenure.call("verify")
    assert (found["intact"], found["problems"]) == (True, [])
    assert found["checked"]["versions"] == 2
    actions = [event["action"] for event in tenure.call("models:history", model="plain")["events"]]
    assert actions.count("versions:promote") == 2
    assert {"versions:register", "versions:deploy", "models:rollback", "versions:archive"} <= set(actions)


def test_a_version_that_needs_more_than_the_revision_gives_goes_live_in_two_steps(
    home: Home, packages: list[Path], tenure: Client
) -> None:
    version = str(tenure.register(packages[2]).facts["version"])
    tenure.call("versions:deploy", model="plain", version=version)
    told = _refused("lacks-inputs", tenure, "versions:promote", model="plain", version=version, reason="more")
    assert "c" in told
    assert "offers/1" in told
    wider = APPLICATION.replace("  b: float\n", "  b: float\n  c: float\n")
    assert tenure.call("applications:apply", text=wider, reason="one more field")["revision"] == 2
    assert tenure.call("versions:promote", model="plain", version=version, reason="more")["champion"] == int(version)
    told = _refused("broken-definition", tenure, "applications:apply", text=APPLICATION, reason="less again")
    assert f"plain/{version}" in told


def test_the_model_gives_its_reasons_in_the_answer_and_a_replay_gives_them_again(home: Home, tenure: Client) -> None:
    wider = APPLICATION.replace("  b: float\n", "  b: float\n  c: float\n").replace(
        "application: offers", "application: told"
    )
    text = wider.replace("deadline:", "explain: {top_k: 2}\ndeadline:")
    tenure.call("applications:apply", text=text, reason="with reasons")
    token = tenure.call("tokens:create", role="caller", applications=["told"], expires="1h")
    asking = Asking(home, token["token"], application="told")
    answers = [asking.ask(3.0 * nth, c=2.0)[1] for nth in range(12)]
    told = answers[-1]
    reasons = [one for one in told["reasons"] if one["source"] == "model"]
    assert [one["feature"] for one in reasons] == ["a", "b"]
    assert {one["method"] for one in reasons} == {"closed_form"}
    assert all(one["baseline"].startswith("sha256:") for one in reasons)
    assert told["status"] == "final"
    later = tenure.call("decisions:explain", decision=told["decision_id"])
    parts = {one["feature"]: one["contribution"] for one in later["contributions"]}
    assert {one["feature"]: one["contribution"] for one in reasons} == pytest.approx(
        {name: parts[name] for name in ("a", "b")}, abs=1e-9
    )
    replayed = tenure.call("replay", decisions=[one["decision_id"] for one in answers])
    assert replayed["verdicts"] == {"BIT": 12}


def test_a_revoked_token_opens_nothing_at_any_gateway_once_revoke_returns(home: Home, tenure: Client) -> None:
    token = tenure.call("tokens:create", role="caller", applications=["offers"])
    asking = Asking(home, token["token"], c=0.0)
    assert asking.ask(1.0)[0] == 200
    tenure.call("tokens:revoke", token=token["id"], reason="leaked")
    assert {asking.ask(1.0)[0] for _ in range(20)} == {401}


def test_decisions_go_on_and_control_comes_back_when_it_is_killed(home: Home, tenure: Client) -> None:
    token = tenure.call("tokens:create", role="caller", applications=["offers"])
    asking = Asking(home, token["token"], c=0.0)
    pid = _control(home)["pid"]
    os.kill(pid, signal.SIGKILL)
    assert asking.ask(1.0)[0] == 200
    _until(lambda: _control(home)["pid"] != pid and _control(home)["state"] == "ready", 60)
    with Client(connection=Connection("http://localhost", unix_socket=home.control_socket)) as again:
        assert again.call("audit:verify")["intact"]
        answered = asking.ask(7.0)[1]
        decision = answered["decision_id"]
        shown = again.call("decisions:show", decision=decision)
        # What is read later has the form of what the caller was answered.
        assert {name: shown[name] for name in answered} == answered
        assert shown["personal"]["customer"] == "c7"
        assert [one["decision_id"] for one in again.call("decisions:list", entity="c7", limit=1)["decisions"]] == [
            decision
        ]
        assert again.call("decisions:why", decision=decision)["rules"][0]["verdict"] == "no"
        told = [{"decision_id": decision, "value": True}]
        assert again.call("outcomes:import", application="offers", outcomes=told)["recorded"] == 1
        (outcome,) = again.call("decisions:show", decision=decision)["outcomes"]
        assert outcome["value"] is True
        assert datetime.fromisoformat(outcome["at"]).tzinfo is not None


PEOPLE = """
application: people
entity: customer
personal: [customer, email]
request: {customer: string, email: string, age: int}
features:
  - {view: people_seen, key: customer, on_missing: default}
  - {view: people_mail, key: email, on_missing: default}
rules: [{id: look, when: "age > 100", review: desk}]
default: {answer: {offer: none}}
"""
SEEN = """
view: people_seen
key: customer
from: {application: people, event: seen, fields: {customer: string, place: string}}
columns: {n: {aggregate: count}, place: {aggregate: last, of: place}}
defaults: {n: 0, place: nowhere}
"""
MAIL = """
view: people_mail
key: email
columns: {opened: {type: int, required: false}}
defaults: {opened: 0}
"""


def test_an_erased_person_is_in_no_file_of_the_home_and_everybody_else_is(home: Home, tenure: Client) -> None:
    for view in (SEEN, MAIL):
        tenure.call("features:apply", text=view)
    tenure.call("applications:apply", text=PEOPLE, reason="first")
    token = tenure.call("tokens:create", role="caller", applications=["people"], expires="1h")["token"]
    port = announce.status(home.supervisor_socket)["port"]
    said: dict[str, dict[str, Any]] = {}
    with Client(f"http://127.0.0.1:{port}", token) as there:
        for name in ("evaluna", "joeblack"):
            mail = f"{name}@home.example"
            seen = {"event": "seen", "values": {"customer": name, "place": "town"}}
            there.call("events:import", application="people", events=[seen])
            tenure.call("features:ingest", view="people_mail", rows=[{"email": mail, "opened": 7}])
            said[name] = there.decide("people", {"customer": name, "email": mail, "age": 101})
    for name, one in said.items():
        note = f"{name} is 101 years old"
        tenure.call("decisions:resolve", decision=one["decision_id"], answer={"offer": "call"}, code="AGE", reason=note)
    _until(lambda: len(tenure.call("log:checkpoint")["document"]) and _proven(tenure, said), 60)
    assert _holding(home, b"evaluna")

    done = tenure.call("persons:erase", application="people", entity="evaluna", reason="asked for it")
    assert (done["decisions"], done["events"]) == ({"people": 1}, {"people": 1})
    assert done["features"] == {"people_seen": 1, "people_mail": 1}
    assert _holding(home, b"evaluna") == []
    shown = {name: tenure.call("decisions:show", decision=one["decision_id"]) for name, one in said.items()}
    assert (shown["evaluna"]["personal"], shown["evaluna"]["resolutions"][0]["note"]) == (None, "")
    assert shown["joeblack"]["personal"]["email"] == "joeblack@home.example"
    assert shown["joeblack"]["resolutions"][0]["note"] == "joeblack is 101 years old"
    values = [tenure.call("features:get", view="people_mail", key=f"{name}@home.example")["values"] for name in said]
    assert values == [None, {"opened": 7}]
    assert tenure.call("verify")["problems"] == []
    assert _proven(tenure, said)


def _proven(tenure: Client, said: dict[str, dict[str, Any]]) -> bool:
    return all(tenure.call("log:proof", decision=one["decision_id"])["size"] > 0 for one in said.values())


def _holding(home: Home, text: bytes) -> list[Path]:
    """Return the files of the home in which a text stands."""
    files = [path for path in home.root.rglob("*") if path.is_file() and not path.is_socket()]
    return [path for path in files if text in path.read_bytes()]
