"""Whatever the OpenAPI documents allow is answered as they say, and what they forbid is refused: never a fault of ours."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from schemathesis import GenerationMode

import tenure
from tests.api.fuzzing import fuzzed
from tests.api.running import Running
from tests.api.test_contract import APPLICATION
from tests.console.lived_in import lived_in

if TYPE_CHECKING:
    from pathlib import Path

    from tests.api.fuzzing import Found


def document(running: Running, path: str) -> dict[str, Any]:
    status, _, body = running.ask("GET", path, headers={"Authorization": f"Bearer {running.token}"})
    assert status == 200
    return dict(json.loads(body))


def one_way(verb: str) -> tuple[GenerationMode, ...]:
    """Return how an operation is asked in the short form: reads as they should be, writes as they should not."""
    return (GenerationMode.POSITIVE,) if verb == "get" else (GenerationMode.NEGATIVE,)


def assert_kept(found: Found) -> None:
    assert not found.faults, "\n".join(found.faults.values())
    assert found.statuses[200], "nothing of what is valid was taken"
    assert found.statuses[422], "nothing of what is invalid was refused"


def test_an_applications_document_keeps_what_it_says(running: Running) -> None:
    with tenure.Client(running.url, running.token) as client:
        client.call("applications:apply", text=APPLICATION)
    found = fuzzed(document(running, "/api/v1/applications/offers/openapi.json"), running.url, running.token, 8)
    assert_kept(found)


def test_every_operation_of_the_admin_document_keeps_what_it_says(running: Running) -> None:
    # The soak asks everything both ways.
    found = fuzzed(document(running, "/api/v1/openapi.json"), running.url, running.token, 1, modes=one_way)
    assert found.operations > 100
    assert len(found.unasked) < 5, found.unasked
    assert not found.statuses[401], "what is wrong with a request is not looked at before who asks is known"
    assert_kept(found)


@pytest.mark.soak
@pytest.mark.parametrize("at", range(5))
def test_a_home_that_people_have_worked_in_keeps_what_it_says(tmp_path: Path, at: int) -> None:
    known = {"model": "churn", "version": "1", "application": "churn-offers", "project": "retention"}
    with lived_in(tmp_path) as house:
        found = house.client.call("decisions:list", application="churn-offers", limit=1)["decisions"]
        known |= {"view": "customer_activity", "decision": found[0]["decision_id"]}
        running = Running(house.url, house.token, "", {}, "")
        assert_kept(fuzzed(document(running, "/api/v1/openapi.json"), house.url, house.token, 20, known, at))
        path = "/api/v1/applications/churn-offers/openapi.json"
        assert_kept(fuzzed(document(running, path), house.url, house.token, 300, {}, at))
