"""Changes under load: versions switched, gateways replaced, tokens revoked; no client loses a request."""

import http.client
import json
import threading
import time
from pathlib import Path

import pytest

from tenure.entrypoints.cli.caller import opened_at
from tenure.serving import announce
from tests.commands import ran
from tests.faults.house import House, Load, ask
from tests.faults.test_kills import assert_log_holds

pytestmark = pytest.mark.processes


def test_versions_switched_under_keep_alive_connections_cost_no_request(house: House) -> None:
    house.publish(1, running=(1, 2))
    house.announce()
    with Load(house.port, 16) as load:
        for champion in (2, 1, 2, 1, 2):
            time.sleep(0.3)
            house.publish(champion, running=(1, 2))
            announced = house.announce()
            assert set(announced.gateways.values()) == {house.generation}
        time.sleep(0.2)
    assert not load.answers.broken
    assert not load.answers.refused
    assert load.answers.by("fallback") == 0
    assert load.answers.versions() == {1, 2}
    assert_log_holds(house, load.answers)


def test_a_version_that_is_no_longer_named_stops_only_when_no_request_needs_it(house: House) -> None:
    house.publish(1, running=(1, 2))
    house.announce()
    with Load(house.port, 16) as load:
        time.sleep(0.3)
        house.publish(2)
        house.announce()
        house.wait_until(lambda: list(house.status()["workers"]) == ["plain/2"], 90)
        time.sleep(0.2)
    assert not load.answers.broken
    assert load.answers.by("fallback") == 0
    assert load.answers.versions() == {1, 2}


def test_all_gateways_replaced_under_keep_alive_connections_cost_no_request(house: House) -> None:
    before = house.gateway_pids()
    with Load(house.port, 16) as load:
        time.sleep(0.3)
        after = announce.upgrade_gateways(house.home.supervisor_socket)
        time.sleep(0.5)
    assert not set(before) & set(after)
    assert not load.answers.broken
    assert not load.answers.refused
    house.wait_until(lambda: not house.status()["leaving"], 90)
    assert_log_holds(house, load.answers)


def test_a_revoked_token_is_refused_by_every_gateway_as_soon_as_the_announcement_returns(house: House) -> None:
    connections = [http.client.HTTPConnection("127.0.0.1", house.port, timeout=60) for _ in range(8)]
    body = {"customer": "x", "a": 1.0, "b": 1.0}
    assert {ask(one, body)[0] for one in connections} == {200}
    house.publish(1, tokens=False)
    house.announce()
    assert {ask(one, body)[0] for one in connections} == {401}
    for one in connections:
        one.close()


def test_the_restart_command_replaces_supervisor_gateways_and_control_under_open_connections(tmp_path: Path) -> None:
    house = House(tmp_path / "home", versions=1)
    house.publish(1)
    try:
        house.start(control=True)
        before = {house.supervisor_pid(), *house.gateway_pids()}
        failed, stop = list[str](), threading.Event()
        client = threading.Thread(target=_ask_health, args=(house.port, failed, stop))
        client.start()
        with opened_at(house.home) as tenure:
            found = tenure.call("restart", parts=["supervisor", "gateways"], reason="upgrade")
            newest = tenure.call("audit:log", limit=1)[0]
        house.wait_until(house.is_whole, 90)
        control = house.status()["control"]["pid"]
        command = ["restart", "--control", "--no-gateways", "--reason", "upgrade", "--json"]
        done = ran(command, {"TENURE_HOME": str(house.home.root)})
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout) == {
            "gateways": [],
            "supervisor": [],
            "control": [house.status()["control"]["pid"]],
        }
        assert house.status()["control"]["pid"] != control
        stop.set()
        client.join()
        house.wait_until(house.is_whole, 90)
        after = {house.supervisor_pid(), *house.gateway_pids()}
        assert {*found["supervisor"], *found["gateways"]} == after
        assert not before & after
        assert (newest["action"], newest["reason"]) == ("restart", "upgrade")
        assert not failed
    finally:
        assert not house.stop()


def _ask_health(port: int, failed: list[str], stop: threading.Event) -> None:
    """Ask on one keep-alive connection without end; open another only where the gateway said that it closes."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    while not stop.is_set():
        try:
            connection.request("GET", "/health/live")
            response = connection.getresponse()
            response.read()
        except (OSError, http.client.HTTPException) as error:
            failed.append(repr(error))
            return
        if response.status != 200:
            failed.append(str(response.status))
        time.sleep(0.01)
    connection.close()
