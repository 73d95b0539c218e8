"""Events at a running gateway: whoever decides next knows them, at either gateway, and a kill loses and doubles none."""

import http.client
import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from tenure.adapters.features.store import SqliteFeatures
from tenure.application.features.written import parse_view
from tenure.application.revisions import definition
from tenure.application.revisions.terms import FeatureUse, plain
from tenure.kit.clock import SystemClock
from tenure.serving import snapshot
from tenure.serving.snapshot import ApplicationEntry
from tests.faults.house import TOKEN, House, started

pytestmark = pytest.mark.processes

VIEW = parse_view("""
view: visits
key: customer
from: {application: offers, event: visit, fields: {customer: string, spent: float}}
columns:
  visits: {aggregate: count}
  spent: {aggregate: sum, of: spent}
defaults: {visits: 0, spent: 0.0}
""")
APPLICATION = """
application: offers
entity: customer
request: {customer: string}
features: [{view: visits, key: customer, on_missing: default}]
default: {answer: {seen: {expr: "visits"}}, reason: R00}
reasons: {R00: none}
"""


class EventHouse(House):
    """A house whose application reads a view of its own events."""

    def publish(self, champion: int, **options: Any) -> int:
        number = super().publish(champion, **options)
        made = snapshot.read(self.home.snapshots, number)
        known = definition.parse(APPLICATION)
        used = msgspec.structs.replace(
            known, features=(FeatureUse("visits", "customer", "default", VIEW.columns, VIEW.defaults),)
        )
        entry = ApplicationEntry(1, plain(used))
        views = {"visits": msgspec.to_builtins(VIEW)}
        snapshot.write(self.home.snapshots, msgspec.structs.replace(made, applications={"offers": entry}, views=views))
        return number


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EventHouse]:
    root = tmp_path_factory.mktemp("events") / "home"
    one = EventHouse(root, versions=1)
    store = SqliteFeatures(one.home.features_db, SystemClock())
    store.define(VIEW)
    store.close()
    one.publish(1)
    with started(one):
        yield one


class Caller:
    """One kept-alive connection."""

    def __init__(self, house: EventHouse) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", house.port, timeout=30)

    def send(self, what: str, body: Any, token: str = TOKEN) -> tuple[int, Any]:
        path = f"/api/v1/applications/offers/{what}"
        self._connection.request("POST", path, json.dumps(body), {"Authorization": f"Bearer {token}"})
        response = self._connection.getresponse()
        return response.status, json.loads(response.read())

    def seen(self, customer: str) -> int:
        status, answer = self.send("decisions", {"customer": customer})
        assert status == 200, answer
        return int(answer["answer"]["seen"])

    def close(self) -> None:
        self._connection.close()


def visit(customer: str, name: str = "") -> dict[str, Any]:
    return {"event": "visit", "values": {"customer": customer, "spent": 0.1}, "id": name}


def test_the_very_next_decision_at_any_gateway_knows_the_event(house: EventHouse) -> None:
    callers = [Caller(house) for _ in range(6)]
    for nth in range(30):
        status, answer = callers[nth % 6].send("events", visit("a"))
        assert (status, answer["recorded"], answer["fresh"]) == (200, 1, True)
        assert callers[(nth * 5 + 1) % 6].seen("a") == nth + 1
    status, answer = callers[0].send("events", {"events": [visit("b", "x"), visit("b", "x"), visit("b", "y")]})
    assert (status, answer["recorded"], callers[1].seen("b")) == (200, 3, 2)
    for caller in callers:
        caller.close()


def test_what_is_no_event_is_refused_and_nobody_without_a_token_is_heard(house: EventHouse) -> None:
    caller = Caller(house)
    for body, code in (
        ({"event": "vist", "values": {}}, "event-refused"),
        ({"event": "visit", "values": {"customer": "c", "spent": "much"}}, "event-refused"),
        ({"events": [visit("c"), {"event": "visit"}]}, "event-refused"),
        ("visit", "event-refused"),
    ):
        status, problem = caller.send("events", body)
        assert (status, problem["code"]) == (422, code)
    assert caller.send("events", visit("c"), token="wrong")[0] == 401
    assert caller.seen("c") == 0
    caller.close()


def test_a_killed_gateway_loses_and_doubles_no_event(house: EventHouse) -> None:
    told: list[str] = []
    lock, stop = threading.Lock(), threading.Event()

    def tell(client: int) -> None:
        caller, number = Caller(house), 0
        while not stop.is_set():
            name = f"{client}-{number}"
            # Where nobody knows whether it was heard, it is told again under its name.
            while not heard(caller, name):
                time.sleep(0.02)
            with lock:
                told.append(name)
            number += 1
        caller.close()

    def heard(caller: Caller, name: str) -> bool:
        try:
            return caller.send("events", visit("killed", name))[0] == 200
        except (OSError, http.client.HTTPException):
            caller.close()
            return False

    threads = [threading.Thread(target=tell, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(3):
        time.sleep(0.4)
        os.kill(house.gateway_pids()[0], signal.SIGKILL)
        house.wait_until(house.is_whole, 60)
    stop.set()
    for thread in threads:
        thread.join(60)
    assert len(told) == len(set(told)) > 20
    caller = Caller(house)
    assert caller.seen("killed") == len(told)
    caller.close()
    logged = [one for one in house.logged() if one["kind"] == "event"]
    assert all("customer" not in one["values"] for one in logged)
