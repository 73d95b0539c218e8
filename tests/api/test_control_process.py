"""The control process as the supervisor starts it: a real one, in a fresh home, with nothing else around it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tenure.client.client import Client
from tenure.client.connection import Connection, RemoteProblem
from tenure.client.where import is_answering
from tenure.entrypoints.cli.caller import opened_at
from tenure.settings import Home

pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    # A path so long that its sockets do not fit into an address.
    return Home(tmp_path_factory.mktemp("home") / ("x" * 120))


@pytest.fixture(scope="module")
def control(home):
    command = [sys.executable, "-m", "tenure.entrypoints.api", "--home", str(home.root)]
    # The plain pages are looked at, whether or not a console was built.
    # In a session of its own, as the supervisor starts it.
    process = subprocess.Popen(command, env={**os.environ, "TENURE_CONSOLE": "off"}, start_new_session=True)
    until = time.monotonic() + 60
    while not is_answering(home):
        assert process.poll() is None
        assert time.monotonic() < until
        time.sleep(0.05)
    yield process
    process.terminate()
    process.wait(timeout=60)


def client(home, token=None):
    return Client(connection=Connection("http://localhost", token, home.control_socket))


def refusal(call):
    with pytest.raises(RemoteProblem) as caught:
        call()
    return caught.value


def test_a_token_can_do_what_its_role_can_and_nothing_after_it_is_revoked(control, home):
    with client(home) as owner:
        made = owner.call("tokens:create", role="viewer")
        with client(home, made["token"]) as viewer:
            assert viewer.call("whoami")["role"] == "viewer"
            assert viewer.call("models:list") == []
            assert refusal(lambda: viewer.call("tokens:create", role="admin")).status == 403
            owner.call("tokens:revoke", token=made["id"])
            assert refusal(lambda: viewer.call("whoami")).status == 401


def test_a_caller_reads_nothing(control, home):
    with client(home) as owner:
        made = owner.call("tokens:create", role="caller", applications=["offers"])
    with client(home, made["token"]) as caller:
        for action in ("models:list", "applications:list", "decisions:list", "audit:log", "tokens:list"):
            assert refusal(lambda a=action: caller.call(a)).status == 403
        page = Connection("http://localhost", made["token"], home.control_socket)
        assert refusal(lambda: page.send("GET", "/")).status == 403
        page.close()


def test_every_change_is_in_the_audit_log_and_the_log_is_intact_after_many_at_once(control, home):
    def change(number):
        with client(home) as owner:
            made = owner.call("tokens:create", role="viewer", reason=f"number {number}")
            owner.call("status")
            owner.call("tokens:revoke", token=made["id"])
            return owner.call("audit:log", limit=5)[0]["action"]

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(change, range(24)))
    with client(home) as owner:
        assert owner.call("audit:verify")["intact"]
        events = owner.call("audit:log", limit=1000)
        assert sum(event["reason"].startswith("number ") for event in events) == 24


def test_the_pages_need_nothing_from_elsewhere(control, home):
    connection = Connection("http://localhost", unix_socket=home.control_socket)
    for path in ("/", "/problems/home-in-use"):
        page = connection.send("GET", path, headers={"Accept": "text/html"}).decode()
        assert "<script" not in page
        assert "http://" not in page
        assert "https://" not in page
        assert "prefers-color-scheme" in page
    connection.close()


def test_control_goes_behind_those_who_answer_decisions(control):
    group = Path(f"/proc/{control.pid}/autogroup")
    # A system that schedules no sessions as groups has no such file.
    assert not group.exists() or group.read_text().split()[-1] == "5"


def test_what_is_no_package_is_refused_as_an_upload(control, home, tmp_path):
    connection = Connection("http://localhost", unix_socket=home.control_socket)
    found = refusal(lambda: connection.send("POST", "/api/v1/versions", body=b"this is no tar"))
    assert 400 <= found.status < 500
    assert not list((home.root / "uploads").iterdir())
    connection.close()


def test_a_second_process_is_told_who_holds_the_home(control, home):
    command = [sys.executable, "-m", "tenure.entrypoints.api", "--home", str(home.root)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert str(control.pid) in done.stderr


def test_after_control_has_gone_the_same_commands_work_in_process(tmp_path):
    home = Home(tmp_path / "home")
    command = [sys.executable, "-m", "tenure.entrypoints.api", "--home", str(home.root)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    while not is_answering(home):
        time.sleep(0.05)
    with opened_at(home) as beside:
        made = beside.call("tokens:create", role="auditor")
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=60) == 0
    with opened_at(home) as inside:
        assert [token["id"] for token in inside.call("tokens:list")] == [made["id"]]
        assert inside.call("whoami")["actor"].startswith("local:")
    assert home.root.stat().st_mode & 0o077 == 0
