"""A revision on trial: evaluated on live requests, then answering a share, while no request and no model process suffers."""

import http.client
import json
import time
from typing import Any

import pytest

from tenure.application.revisions import definition
from tenure.application.revisions.terms import plain
from tenure.serving.snapshot import TrialEntry
from tests.faults.house import APPLICATION, House, Load, ask
from tests.faults.test_kills import assert_log_holds

pytestmark = pytest.mark.processes

#: another limit, and a field that may be left out
TRIED = APPLICATION.replace("output.score >= 100.0", "output.score >= 50.0").replace(
    "  b: float\n", "  b: float\n  note: {type: string, required: false}\n"
)
#: refuses what the active revision takes
STRICT = APPLICATION.replace("  a: float\n", "  a: {type: float, maximum: 0}\n")


def _trial(share: float, text: str = TRIED) -> TrialEntry:
    return TrialEntry(2, plain(definition.parse(text)), share)


def _tried(house: House) -> list[dict[str, Any]]:
    return [one for one in house.logged() if one["kind"] == "shadow" and one.get("trial")]


def test_a_trial_goes_from_shadow_to_share_to_force_under_load_without_a_lost_request(house: House) -> None:
    workers = house.status()["workers"]
    with Load(house.port, 16) as load:
        for share in (0.0, 0.3, 0.6):
            house.publish(1, trial=_trial(share))
            house.announce()
            time.sleep(0.4)
        house.publish(1, revision=2, application=TRIED)
        house.announce()
        time.sleep(0.2)
    assert not load.answers.broken
    assert not load.answers.refused
    assert load.answers.by("fallback") == 0
    assert {one["revision"] for one in load.answers.decisions.values()} == {1, 2}
    assert house.status()["workers"] == workers
    assert_log_holds(house, load.answers)


def test_a_trial_in_the_shadow_says_what_it_would_have_answered_and_asks_no_model_twice(house: House) -> None:
    house.publish(1, trial=_trial(0.0))
    house.announce()
    connection = http.client.HTTPConnection("127.0.0.1", house.port, timeout=60)
    for a in (-1.0, 10.0, 70.0, 120.0):
        assert ask(connection, {"customer": "x", "a": a, "b": 0.0})[0] == 200
    connection.close()
    house.wait_until(lambda: len(_tried(house)) == 4, 90)
    decided = {one["id"]: one for one in house.logged() if one["kind"] == "decision"}
    assert all(one["revision"] == 1 for one in decided.values())
    found = {decided[one["decision"]]["request"]["a"]: one for one in _tried(house)}
    assert {a: one["answer"]["offer"] for a, one in found.items()} == {
        -1.0: "small",
        10.0: "middle",
        70.0: "large",
        120.0: "large",
    }
    assert [a for a, one in found.items() if one.get("differs")] == [70.0]
    assert not any(one.get("predictions") for one in found.values())


def test_a_trial_that_would_refuse_a_request_says_so_and_the_request_is_answered(house: House) -> None:
    house.publish(1, trial=_trial(0.0, STRICT))
    house.announce()
    connection = http.client.HTTPConnection("127.0.0.1", house.port, timeout=60)
    status, content = ask(connection, {"customer": "x", "a": 1.0, "b": 0.0})
    connection.close()
    assert (status, json.loads(content)["revision"]) == (200, 1)
    house.wait_until(lambda: len(_tried(house)) == 1, 90)
    (one,) = _tried(house)
    assert (one["differs"], "answer" in one) == (True, False)
    assert "a" in one["error"]


def test_a_share_of_the_persons_is_answered_by_the_revision_on_trial_and_always_the_same(house: House) -> None:
    house.publish(1, trial=_trial(0.3))
    house.announce()
    found: dict[str, set[int]] = {}
    connection = http.client.HTTPConnection("127.0.0.1", house.port, timeout=60)
    for person in [f"p{number}" for number in range(100)] * 2:
        status, content = ask(connection, {"customer": person, "a": 1.0, "b": 1.0})
        assert status == 200
        found.setdefault(person, set()).add(json.loads(content)["revision"])
    connection.close()
    assert all(len(revisions) == 1 for revisions in found.values())
    assert 15 <= sum(revisions == {2} for revisions in found.values()) <= 45
