"""SIGKILL of each process under load: answers go on, nothing acknowledged is lost or doubled, everything comes back."""

import collections
import contextlib
import http.client
import os
import signal
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.faults.house import Answers, House, Load, ask

pytestmark = pytest.mark.processes


def assert_log_holds(house: House, answers: Answers) -> None:
    """Every acknowledged decision stands in the log once, as it was answered; no decision stands there twice."""
    logged = collections.Counter(one["id"] for one in house.logged())
    assert not answers.doubled
    assert not [one for one in answers.decisions if one not in logged]
    assert not [one for one, times in logged.items() if times > 1]
    by_id = {one["id"]: one for one in house.logged()}
    assert all(by_id[one]["answer"] == answer["answer"] for one, answer in answers.decisions.items())


def test_a_killed_worker_leaves_the_fallback_and_comes_back(house: House) -> None:
    with Load(house.port, 8) as load:
        time.sleep(0.5)
        before = house.worker_pid("plain/1")
        os.kill(before, signal.SIGKILL)
        house.wait_until(lambda: load.answers.by("fallback") > 0, 90)
        house.wait_until(lambda: house.is_whole() and house.worker_pid("plain/1") != before, 90)
        came_back = load.answers.by("model")
        house.wait_until(lambda: load.answers.by("model") > came_back + 50, 90)
    assert not load.answers.broken
    assert not load.answers.refused
    assert_log_holds(house, load.answers)
    failures = [one["predictions"][0].get("failure") for one in house.logged() if one["decided_by"] == "fallback"]
    assert "unavailable" in failures


def test_a_killed_gateway_costs_at_most_its_requests_in_flight(house: House) -> None:
    with Load(house.port, 8) as load:
        for _ in range(3):
            time.sleep(0.4)
            before = house.gateway_pids()
            os.kill(before[0], signal.SIGKILL)
            house.wait_until(partial(_replaced, house, house.gateway_pids, before), 90)
        time.sleep(0.3)
    assert not load.answers.refused
    assert len(load.answers.broken) <= 3 * 8
    assert len(load.answers.decisions) > 200
    assert_log_holds(house, load.answers)


def test_a_killed_supervisor_is_replaced_by_its_standby_and_no_client_notices(house: House) -> None:
    with Load(house.port, 8) as load:
        for _ in range(3):
            time.sleep(0.3)
            before, gateways, worker = house.supervisor_pid(), house.gateway_pids(), house.worker_pid("plain/1")
            os.kill(before, signal.SIGKILL)
            house.wait_until(partial(_replaced, house, house.supervisor_pid, before), 90)
            assert house.gateway_pids() == gateways
            assert house.worker_pid("plain/1") == worker
        house.publish(2)
        assert house.announce().workers == {"plain/2": "ready"}
        time.sleep(0.3)
    assert not load.answers.broken
    assert not load.answers.refused
    assert load.answers.versions() == {1, 2}
    assert_log_holds(house, load.answers)


def test_after_the_standby_took_over_what_dies_is_started_again_on_the_same_sockets(house: House) -> None:
    port = house.port
    os.kill(house.supervisor_pid(), signal.SIGKILL)
    house.wait_until(house.is_whole, 90)
    for pid in (*house.gateway_pids(), house.worker_pid("plain/1")):
        os.kill(pid, signal.SIGKILL)
    house.wait_until(house.is_whole, 90)
    assert house.port == port
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    status, content = ask(connection, {"customer": "x", "a": 1.0, "b": 1.0})
    connection.close()
    assert status == 200
    assert b'"decided_by":"model"' in content


def test_a_home_whose_supervisor_and_standby_were_killed_is_adopted_with_everything_running(house: House) -> None:
    gateways, worker, port = house.gateway_pids(), house.worker_pid("plain/1"), house.port
    mine = {*gateways, worker}
    with Load(port, 4) as load:
        standby = [pid for pid in house.left_behind() if pid not in mine and pid != house.supervisor_pid()]
        for pid in (*standby, house.supervisor_pid()):
            os.kill(pid, signal.SIGKILL)
        assert house.process is not None
        house.process.wait(60)
        time.sleep(0.3)
        house.start()
        assert house.gateway_pids() == gateways
        assert house.worker_pid("plain/1") == worker
        assert house.port == port
        os.kill(worker, signal.SIGKILL)
        house.wait_until(lambda: house.is_whole() and house.worker_pid("plain/1") != worker, 90)
        house.wait_until(lambda: _asks_model(port), 90)
    assert not load.answers.broken
    assert_log_holds(house, load.answers)


def test_another_supervisor_takes_over_when_asked_to_and_no_client_notices(house: House) -> None:
    before, gateways = house.supervisor_pid(), house.gateway_pids()
    with Load(house.port, 8) as load:
        house.start("--takeover")
        house.wait_until(lambda: house.is_whole() and house.supervisor_pid() != before, 90)
        assert house.gateway_pids() == gateways
        time.sleep(0.2)
    assert not load.answers.broken
    assert_log_holds(house, load.answers)


def test_one_idempotency_key_has_one_effect_across_the_death_of_a_gateway(house: House) -> None:
    body = {"customer": "k", "a": 2.0, "b": 2.0}
    first = _ask_anyhow(house.port, body, "once")
    for pid in house.gateway_pids():
        os.kill(pid, signal.SIGKILL)
    house.wait_until(house.is_whole, 90)
    again = _ask_anyhow(house.port, body, "once")
    assert first == again
    status, content = _ask_anyhow(house.port, {**body, "a": 3.0}, "once")
    assert (status, b"idempotency-key-reused" in content) == (422, True)
    assert len(house.logged()) == 1


def test_one_key_under_many_tries_has_one_effect_while_both_gateways_are_killed(house: House) -> None:
    body, answers, threads = {"customer": "k", "a": 2.0, "b": 2.0}, set[tuple[int, bytes]](), []

    def until_answered() -> None:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            with contextlib.suppress(OSError, http.client.HTTPException):
                status, content = _ask_anyhow(house.port, body, "killed")
                if status == 200:
                    answers.add((status, content))
                    return
            time.sleep(0.05)

    for nth in range(64):
        threads.append(threading.Thread(target=until_answered))
        threads[-1].start()
        if nth in {16, 40}:
            os.kill(house.gateway_pids()[nth % 2], signal.SIGKILL)
    for thread in threads:
        thread.join()
    assert len(answers) == 1
    assert len(house.logged()) == 1


def test_a_worker_that_cannot_start_is_reported_with_its_last_words_and_the_others_serve(tmp_path: Path) -> None:
    house = House(tmp_path / "home")
    (house.made[1].folder / "model" / "weight.txt").write_text("changed")
    house.publish(1)
    try:
        house.start()
        house.publish(1, running=(1, 2))
        workers = house.announce().workers
        assert workers["plain/1"] == "ready"
        assert workers["plain/2"].startswith("failed: refused: model/weight.txt changed after sealing")
        assert _asks_model(house.port)
    finally:
        assert not house.stop()


def test_a_killed_control_leaves_decisions_untouched_and_its_routes_say_when_to_come_back(tmp_path: Path) -> None:
    house = House(tmp_path / "home")
    try:
        house.start(control=True)
        # Control's own tables are empty: this snapshot stands for what it would have written, until it is back. It is
        # stopped first, since it mends what differs from its tables at every tick.
        before = _control_pid(house)
        os.kill(before, signal.SIGSTOP)
        house.generation = house.status()["generation"]
        house.publish(1)
        house.announce()
        with Load(house.port, 8) as load:
            house.wait_until(lambda: len(load.answers.decisions) > 50, 90)
            os.kill(before, signal.SIGKILL)
            house.wait_until(lambda: _admin(house.port) == (503, "5"), 90)
            time.sleep(0.5)
        house.wait_until(lambda: house.is_whole() and _control_pid(house) != before, 40)
        assert _admin(house.port)[0] == 401
        assert not load.answers.broken
        assert not load.answers.refused
        assert_log_holds(house, load.answers)
    finally:
        assert not house.stop()
    assert not list(house.home.run.glob("*.sock"))


def _control_pid(house: House) -> int:
    pid: int = house.status()["control"]["pid"]
    return pid


def _admin(port: int) -> tuple[int, str | None]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", "/api/v1/models")
    response = connection.getresponse()
    response.read()
    connection.close()
    return response.status, response.getheader("retry-after")


def _replaced(house: House, pids: Callable[[], object], before: object) -> bool:
    return house.is_whole() and pids() != before


def _asks_model(port: int) -> bool:
    return b'"decided_by":"model"' in _ask_anyhow(port, {"customer": "x", "a": 1.0, "b": time.time() % 1})[1]


def _ask_anyhow(port: int, body: dict[str, object], key: str | None = None) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        return ask(connection, body, key)
    finally:
        connection.close()
