"""What every client may rely on: problems with pages, states named by ETags, lists in pages, and clients that use it all."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

import tenure
from tenure.client.client import next_cursor, pause_before_retry
from tenure.client.connection import RemoteProblem, Unreachable
from tenure.entrypoints.api.errors import all_errors, problem
from tenure.entrypoints.api.pages import problem_text
from tenure.entrypoints.api.paging import closed, link_to, page_of
from tenure.entrypoints.api.preconditions import PreconditionFailed, PreconditionRequired, precondition
from tenure.kit.cursors import UnusableCursor

if TYPE_CHECKING:
    from tests.api.running import Running

APPLICATION = """
application: offers
entity: customer
request: {customer: string, a: float}
rules:
  - {id: small, before: model, when: "a < 0.0", answer: {offer: small}, reason: R01}
default: {answer: {offer: middle}, reason: R00}
reasons: {R00: neither, R01: too small}
"""


class Row(msgspec.Struct):
    ref: str
    more: int = 0


@pytest.fixture(scope="module")
def owner(running: Running) -> dict[str, str]:
    return {"Authorization": f"Bearer {running.token}"}


def applied(running: Running, owner: dict[str, str], text: str, match: str = "", **more: Any) -> tuple[int, Any, Any]:
    headers = owner | ({"If-Match": match} if match else {})
    status, found, body = running.ask("POST", "/api/v1/applications", {"text": text, **more}, headers)
    return status, found, json.loads(body)


# ---- problems


def test_every_error_there_is_has_a_page_that_says_what_to_do() -> None:
    errors = all_errors()
    assert len(errors) > 150
    for code, error in errors.items():
        text = problem_text(code)
        assert error.next_step == "" or "what to do" in text, code


def test_a_problems_type_leads_to_its_page_for_who_is_nobody(running: Running) -> None:
    for path in ("/api/v1/models", "/api/v1/applications/none/decisions"):
        status, headers, body = running.ask("POST" if "decisions" in path else "GET", path, {})
        assert (status, headers["content-type"]) == (401, "application/problem+json")
        status, headers, page = running.ask("GET", json.loads(body)["type"])
        assert status == 200
        assert headers["content-type"].startswith("text/html")
        assert b"what to do" in page


def test_a_problem_says_its_type_its_status_and_the_next_step() -> None:
    document = problem(PreconditionFailed(what="the policy", given='"a"', etag='"b"'))
    assert (document["type"], document["status"]) == ("/problems/precondition-failed", 412)
    assert problem(PreconditionRequired(what="x", etag='"b"'))["status"] == 428


# ---- states


def test_a_write_of_configuration_names_the_state_it_was_decided_on(running: Running, owner: dict[str, str]) -> None:
    status, headers, _ = running.ask("GET", "/api/v1/policy", headers=owner)
    etag = headers["etag"]
    write = {"policy": "open", "reason": "as before"}
    status, _, body = running.ask("PUT", "/api/v1/policy", write, owner)
    assert (status, json.loads(body)["etag"]) == (428, etag)
    assert running.ask("PUT", "/api/v1/policy", write, owner | {"If-Match": '"four-eyes"'})[0] == 412
    assert running.ask("PUT", "/api/v1/policy", write, owner | {"If-Match": etag})[0] == 200
    assert running.ask("PUT", "/api/v1/policy", write, owner | {"If-Match": "*"})[0] == 200


def test_of_two_who_edit_the_same_revision_the_second_is_refused(running: Running, owner: dict[str, str]) -> None:
    status, headers, _ = applied(running, owner, APPLICATION)
    assert (status, headers["etag"]) == (200, '"1"'), "what does not exist yet needs no precondition"
    assert applied(running, owner, APPLICATION.replace("middle", "other"))[0] == 428
    assert applied(running, owner, APPLICATION.replace("middle", "other"), dry_run=True)[0] == 200
    assert applied(running, owner, APPLICATION.replace("middle", "first"), '"1"')[0] == 200
    status, _, body = applied(running, owner, APPLICATION.replace("middle", "second"), '"1"')
    assert (status, body["etag"]) == (412, '"2"')
    assert running.ask("GET", "/api/v1/applications/offers", headers=owner)[1]["etag"] == '"2"'


def test_who_may_not_write_learns_nothing_of_the_state(running: Running, owner: dict[str, str]) -> None:
    made = json.loads(running.ask("POST", "/api/v1/tokens", {"role": "viewer"}, owner)[2])
    viewer = {"Authorization": f"Bearer {made['token']}"}
    assert running.ask("PUT", "/api/v1/policy", {"policy": "open", "reason": "x"}, viewer)[0] == 403


def test_a_precondition_is_asked_for_only_where_something_is_there() -> None:
    precondition("x", None, "")(None)
    precondition("x", "1", '"1", "2"')("1")
    precondition("x", "1", "*")("7")
    for given in ('"2"', "1", 'W/"1"'):
        with pytest.raises(PreconditionFailed):
            precondition("x", "1", given)
    with pytest.raises(PreconditionFailed):
        precondition("x", None, '"1"')
    check = precondition("x", "1", '"1"')
    with pytest.raises(PreconditionFailed):
        check("2")


# ---- pages of lists


def test_a_list_comes_in_pages_that_together_are_the_list(running: Running, owner: dict[str, str]) -> None:
    for _ in range(5):
        running.ask("POST", "/api/v1/tokens", {"role": "viewer"}, owner)
    for path in ("/api/v1/tokens", "/api/v1/audit"):
        whole = json.loads(running.ask("GET", f"{path}?limit=10000", headers=owner)[2])
        assert len(whole) >= 5
        found: list[Any] = []
        target = f"{path}?limit=2"
        while target:
            status, headers, body = running.ask("GET", target, headers=owner)
            assert status == 200
            page = json.loads(body)
            assert len(page) <= 2
            found += page
            cursor = next_cursor(headers.get("link", ""))
            target = f"{path}?limit=2&cursor={cursor}" if cursor else ""
        assert found == whole


@pytest.mark.parametrize("query", ["limit=0", "limit=10001", "limit=x", "cursor=!", "cursor=bm9uZQ"])
def test_a_limit_out_of_bounds_and_a_strange_cursor_are_refused(
    running: Running, owner: dict[str, str], query: str
) -> None:
    status, headers, _ = running.ask("GET", f"/api/v1/tokens?{query}", headers=owner)
    assert (status, headers["content-type"]) == (422, "application/problem+json")


def test_rows_that_come_and_go_between_two_pages_neither_repeat_nor_hide_others() -> None:
    rows = [Row(name) for name in "abcdef"]
    page, cursor = page_of(rows, "ref", 2, "")
    assert [row.ref for row in page] == ["a", "b"]
    changed = [Row("0"), *rows[1:3], *rows[4:]]
    page, cursor = page_of(changed, "ref", 2, cursor)
    assert [row.ref for row in page] == ["c", "e"]
    assert page_of(changed, "ref", 9, cursor) == ([Row("f")], "")
    assert page_of([], "ref", 2, "") == ([], "")
    with pytest.raises(UnusableCursor):
        page_of(rows[:1], "ref", 2, closed("gone"))
    assert next_cursor(link_to("/x", "a=1&cursor=old", closed("ü"))) == closed("ü")


# ---- clients


def test_the_client_gives_all_pages_and_names_the_state_by_itself(running: Running) -> None:
    with tenure.Client(running.url, running.token) as client:
        tokens = client.call("tokens:list")
        assert len(tokens) > 2
        assert len(client.call("audit:log", limit=2)) == 2
        assert client.call("policy:set", policy="open", reason="as before")["policy"] == "open"


def test_the_async_client_asks_many_things_at_once(running: Running) -> None:
    async def ask() -> list[Any]:
        async with tenure.AsyncClient(running.url, running.token, connections=4) as client:
            found = await asyncio.gather(*(client.call("whoami") for _ in range(12)))
            with pytest.raises(RemoteProblem):
                await client.decide("none", {})
            return found

    assert {one["role"] for one in asyncio.run(ask())} == {"admin"}


def test_only_what_may_succeed_later_is_sent_again() -> None:
    assert pause_before_retry(Unreachable(url="x", why="gone")) is not None
    assert pause_before_retry(RemoteProblem({"status": 503, "retry_after": 3})) == 3
    assert pause_before_retry(RemoteProblem({"status": 429})) == 1
    assert pause_before_retry(RemoteProblem({"status": 409})) is None


def test_one_decision_is_replayed_at_its_own_address(running: Running, owner: dict[str, str]) -> None:
    applied(running, owner, APPLICATION, "*")
    path = "/api/v1/applications/offers/decisions"
    made = json.loads(running.ask("POST", path, {"customer": "c", "a": 1.0}, owner)[2])
    status, _, body = running.ask("POST", f"/api/v1/decisions/{made['decision_id']}/replay", headers=owner)
    assert (status, json.loads(body)["verdict"]) == (200, "BIT"), body
    assert running.ask("POST", "/api/v1/decisions/none/replay", headers=owner)[0] in {404, 422}
    basic = base64.b64encode(f"x:{running.token}".encode()).decode()
    assert (
        running.ask("GET", f"/api/v1/decisions/{made['decision_id']}", headers={"Authorization": f"Basic {basic}"})[0]
        == 200
    )


# ---- rates


def test_a_token_that_asks_too_often_is_told_when_it_may_again(running: Running, owner: dict[str, str]) -> None:
    made = json.loads(running.ask("POST", "/api/v1/tokens", {"role": "viewer", "rate": "3/h"}, owner)[2])
    assert made["rate"] == "3/h"
    slow = {"Authorization": f"Bearer {made['token']}"}
    left = []
    for path in ("/api/v1/whoami", "/api/v1/models", "/api/v1/applications/none/decisions"):
        # Whatever is asked for counts, also what is then refused.
        _, headers, _ = running.ask("POST" if "decisions" in path else "GET", path, {}, slow)
        assert headers["ratelimit-policy"] == '"token";q=3;w=3600'
        left.append(headers["ratelimit"].partition(";t=")[0])
    assert left == ['"token";r=2', '"token";r=1', '"token";r=0']
    for path in ("/api/v1/whoami", "/api/v1/applications/none/decisions"):
        status, headers, body = running.ask("POST" if "decisions" in path else "GET", path, {}, slow)
        assert (status, json.loads(body)["code"]) == (429, "rate-exceeded")
        assert 1100 < int(headers["retry-after"]) <= 1200
        assert headers["ratelimit"].startswith('"token";r=0;t=')
    basic = base64.b64encode(f"x:{made['token']}".encode()).decode()
    status, headers, body = running.ask("GET", "/v2/models/none", headers={"Authorization": f"Basic {basic}"})
    assert (status, list(json.loads(body)), "retry-after" in headers) == (429, ["error"], True)
    status, headers, _ = running.ask("GET", "/api/v1/whoami", headers=owner)
    assert (status, "ratelimit" in headers) == (200, False), "others are not concerned"
    assert running.ask("GET", "/health/live", headers=slow)[0] == 200
    assert running.ask("POST", "/api/v1/tokens", {"role": "viewer", "rate": "fast"}, owner)[0] == 422
