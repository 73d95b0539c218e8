"""Versions beside the champion: a shadow sees everything and changes nothing, a canary answers the same persons always."""

import http.client
import json
import os
import signal
import time
from typing import Any

import pytest

from tenure.serving.snapshot import CanaryEntry
from tests.faults.house import APPLICATION, TOKEN, House, Load, ask
from tests.faults.test_kills import assert_log_holds

pytestmark = pytest.mark.processes


def _shadows(house: House) -> list[dict[str, Any]]:
    return [one for one in house.logged() if one["kind"] == "shadow"]


def test_a_shadow_sees_what_the_champion_is_asked_and_no_answer_waits_for_it_or_changes(house: House) -> None:
    house.publish(1, running=(1, 2), shadows=(2,))
    house.announce()
    with Load(house.port, 8) as load:
        time.sleep(1)
    assert not load.answers.broken
    assert not load.answers.refused
    assert load.answers.versions() == {1}
    asked = {key: one for key, one in load.answers.decisions.items() if one["model"]}
    house.wait_until(lambda: len(_shadows(house)) == len(asked), 90)
    for one in _shadows(house):
        answered = asked[one["decision"]]
        said = one["predictions"][0]
        assert (said["role"], said["version"]) == ("shadow", 2)
        # Version n scores a + n * b, so the shadow's score less the answer's is b.
        assert said["output"]["score"] >= answered["output"]["score"]
        assert one.get("differs", False) == (one["answer"] != answered["answer"])
    house.publish(1, running=(1, 2))
    house.announce()
    before = len(_shadows(house))
    assert ask(http.client.HTTPConnection("127.0.0.1", house.port), {"customer": "x", "a": 1.0, "b": 1.0})[0] == 200
    assert len(_shadows(house)) == before


def test_a_shadow_that_fails_or_a_gateway_that_is_killed_costs_no_decision(house: House) -> None:
    house.publish(1, running=(1, 2), shadows=(2,))
    house.announce()
    with Load(house.port, 8) as load:
        time.sleep(0.3)
        os.kill(house.worker_pid("plain/2"), signal.SIGKILL)
        time.sleep(0.3)
        os.kill(house.gateway_pids()[0], signal.SIGKILL)
        time.sleep(0.5)
    house.wait_until(house.is_whole, 90)
    assert load.answers.by("fallback") == 0
    assert load.answers.versions() == {1}
    assert_log_holds(house, load.answers)
    decided = {one["id"] for one in house.logged() if one["kind"] == "decision"}
    assert {one["decision"] for one in _shadows(house)} <= decided


def test_a_canary_answers_a_share_of_the_persons_always_the_same_and_a_wider_share_keeps_them(house: House) -> None:
    seen: list[dict[str, set[int]]] = []
    for share in (0.2, 0.5):
        house.publish(1, running=(1, 2), canary=CanaryEntry(2, share))
        house.announce()
        seen.append(_versions_by_person(house))
    canaries = [{person for person, versions in one.items() if versions == {2}} for one in seen]
    assert all(len(versions) == 1 for one in seen for versions in one.values())
    assert 10 <= len(canaries[0]) <= 35
    assert 35 <= len(canaries[1]) <= 65
    assert canaries[0] < canaries[1]


def test_promoting_and_ending_a_canary_under_keep_alive_connections_cost_no_request(house: House) -> None:
    house.publish(1, running=(1, 2))
    house.announce()
    with Load(house.port, 16) as load:
        for champion, canary in ((1, CanaryEntry(2, 0.3)), (2, None), (2, CanaryEntry(1, 0.3)), (1, None)):
            time.sleep(0.2)
            house.publish(champion, running=(1, 2), canary=canary)
            house.announce()
    assert not load.answers.broken
    assert not load.answers.refused
    assert load.answers.by("fallback") == 0
    assert load.answers.versions() == {1, 2}
    assert_log_holds(house, load.answers)


def test_a_rule_chooses_another_model_for_single_requests_and_for_rows_of_a_batch(house: House) -> None:
    text = APPLICATION.replace("fallback:", "models: {other: plain@challenger}\nfallback:").replace(
        "rules:", 'rules:\n  - {id: big, before: model, when: "a > 500.0", model: other}'
    )
    house.publish(1, running=(1, 2), challenger=2, application=text)
    house.announce()
    connection = http.client.HTTPConnection("127.0.0.1", house.port, timeout=60)
    rows = [{"customer": f"c{a}", "a": float(a), "b": 1.0} for a in (1, 999, 2, 1000, -1)]
    single = [json.loads(ask(connection, row)[1]) for row in rows]
    connection.request(
        "POST",
        "/api/v1/applications/offers/decisions/batch",
        json.dumps({"rows": rows}),
        {"Authorization": f"Bearer {TOKEN}"},
    )
    batch = json.loads(connection.getresponse().read())["answers"]
    connection.close()
    for found in (single, batch):
        # Version n scores a + n * b, and rules after the model read the score of the one that was asked.
        assert [one["model"] and (one["model"]["version"], one["output"]["score"]) for one in found] == [
            (1, 2.0), (2, 1001.0), (1, 3.0), (2, 1002.0), None,
        ]  # fmt: skip
        assert [one["rules"] for one in found] == [[], ["big", "large"], [], ["big", "large"], ["small"]]


def _versions_by_person(house: House) -> dict[str, set[int]]:
    found: dict[str, set[int]] = {}
    connection = http.client.HTTPConnection("127.0.0.1", house.port, timeout=60)
    for person in [f"p{number}" for number in range(100)] * 2:
        status, content = ask(connection, {"customer": person, "a": 1.0, "b": 1.0})
        assert status == 200
        found.setdefault(person, set()).add(json.loads(content)["model"]["version"])
    connection.close()
    return found
