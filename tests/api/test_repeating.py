"""Idempotency-Key on the admin API, in a home that runs: many at once, the same again, another under the same key."""

from __future__ import annotations

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

import tenure
from tenure.client.connection import Connection, Unreachable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.api.running import Running

SIMULTANEOUS = 64


@pytest.fixture(scope="module")
def owner(running: Running) -> dict[str, str]:
    return {"Authorization": f"Bearer {running.token}"}


def test_of_64_tries_at_once_one_has_an_effect_and_all_that_get_an_answer_get_the_same(
    running: Running, owner: dict[str, str]
) -> None:
    headers = owner | {"Idempotency-Key": uuid.uuid4().hex}
    name = f"once-{uuid.uuid4().hex[:8]}"

    def ask(_: int) -> tuple[int, dict[str, str], bytes]:
        return running.ask("POST", "/api/v1/tokens", {"role": "viewer", "name": name}, headers)

    with ThreadPoolExecutor(SIMULTANEOUS) as pool:
        found = list(pool.map(ask, range(SIMULTANEOUS)))
    # Some may have met the first one still under way, or the gateway with its hands full.
    assert {status for status, _, _ in found} <= {200, 409, 429}
    found.append(ask(0))
    assert (found[-1][0], found[-1][1]["idempotent-replayed"]) == (200, "true")
    answers = {body for status, _, body in found if status == 200}
    assert len(answers) == 1
    assert sum("idempotent-replayed" not in told for status, told, _ in found if status == 200) <= 1
    made = json.loads(running.ask("GET", f"/api/v1/tokens?name={name}", headers=owner)[2])
    assert [one["id"] for one in made] == [json.loads(answers.pop())["id"]]


def test_another_request_under_the_same_key_is_a_422_and_what_was_refused_may_be_asked_again(
    running: Running, owner: dict[str, str]
) -> None:
    headers = owner | {"Idempotency-Key": uuid.uuid4().hex}
    assert running.ask("POST", "/api/v1/tokens", {"role": "viewer", "rate": "fast"}, headers)[0] == 422
    assert running.ask("POST", "/api/v1/tokens", {"role": "viewer"}, headers)[0] == 200
    status, _, body = running.ask("POST", "/api/v1/tokens", {"role": "auditor"}, headers)
    assert (status, json.loads(body)["code"]) == (422, "idempotency-key-reused")
    status, _, body = running.ask("PUT", "/api/v1/policy", {"policy": "open", "reason": "x"}, headers)
    assert status in {422, 428}


def test_a_write_of_configuration_is_answered_again_though_its_state_has_moved_on(
    running: Running, owner: dict[str, str]
) -> None:
    headers = owner | {"Idempotency-Key": uuid.uuid4().hex, "If-Match": "*"}
    first = running.ask("PUT", "/api/v1/policy", {"policy": "open", "reason": "x"}, headers)
    again = running.ask("PUT", "/api/v1/policy", {"policy": "open", "reason": "x"}, headers)
    assert (first[0], first[2], first[1]["etag"]) == (200, again[2], again[1]["etag"])
    assert "idempotent-replayed" not in first[1]
    assert again[1]["idempotent-replayed"] == "true"


class Breaking(Connection):
    """A connection that loses its first answers after the server has given them."""

    lost = 0

    def exchange(self, *given: Any, **more: Any) -> tuple[bytes, Mapping[str, str]]:
        found = super().exchange(*given, **more)
        if self.lost < 2:
            self.lost += 1
            raise Unreachable(url=self.url, why="the answer was lost")
        return found


def test_the_client_sends_a_write_again_when_its_answer_was_lost_and_it_is_done_once(running: Running) -> None:
    name = f"lost-{uuid.uuid4().hex[:8]}"
    with tenure.Client(connection=Breaking(running.url, running.token)) as client:
        made = client.call("tokens:create", role="viewer", name=name)
    with tenure.Client(running.url, running.token) as client:
        assert [one["id"] for one in client.call("tokens:list", name=name)] == [made["id"]]
        assert client.call("audit:log", target=f"token/{made['id']}")[0]["actor"] == "token:owner"
