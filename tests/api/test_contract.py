"""What every client may rely on: problems with pages, states named by ETags, lists in pages, and clients that use it all."""

from __future__ import annotations

import asyncio
import base64
import json
import re
from typing import TYPE_CHECKING, Any

import pytest

import tenure
from tenure.client.client import next_cursor, pause_before_retry
from tenure.client.connection import RemoteProblem, Unreachable
from tenure.entrypoints.api.errors import all_errors, problem
from tenure.entrypoints.api.pages import problem_text
from tenure.entrypoints.api.preconditions import PreconditionFailed, PreconditionRequired, precondition

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
        plain = json.loads(running.ask("GET", json.loads(body)["type"], headers={"Accept": "application/json"})[2])
        assert plain.keys() == {"code", "title", "message", "next_step"}
        assert plain["title"] == json.loads(body)["title"]
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
    with pytest.raises(PreconditionRequired):
        precondition("x", "1", "")
    for given in ('"2"', "1", 'W/"1"'):
        with pytest.raises(PreconditionFailed):
            precondition("x", "1", given)
    with pytest.raises(PreconditionFailed):
        precondition("x", None, '"1"')
    check = precondition("x", "1", '"1"')
    with pytest.raises(PreconditionFailed):
        check("2")


WEBHOOK = {"url": "https://example.org/hook", "secret_env": "TENURE_HOOK", "reason": "told"}
CLASS = {"keep": "1y", "keeps": ["packages"], "reason": "short", "name": "tagged-class"}
VIEW = "view: tagged_view\nkey: customer\ncolumns: {n_orders: int}\n"
#: what makes a thing of configuration, and what changes it afterwards, one that changes its state last
WRITES = {
    "users": (
        ("POST", "/api/v1/users/tagged/change", {"role": "builder"}),
        ("POST", "/api/v1/users/tagged/disable", {}),
    ),
    "projects": (
        ("POST", "/api/v1/projects/tagged", {"goal": "a"}),
        ("POST", "/api/v1/projects/tagged", {"goal": "b"}),
    ),
    "features": (
        ("POST", "/api/v1/features", {"text": VIEW}),
        ("POST", "/api/v1/features", {"text": VIEW + "owner: me\n"}),
    ),
    "webhooks": (("PUT", "/api/v1/webhooks/tagged", WEBHOOK), ("POST", "/api/v1/webhooks/tagged/remove", {})),
    "classes": (
        ("POST", "/api/v1/retention/classes", CLASS),
        ("POST", "/api/v1/retention/classes", CLASS | {"keep": "2y"}),
    ),
}


@pytest.mark.parametrize("kind", WRITES)
def test_whatever_is_configured_is_changed_only_by_who_names_its_present_state(
    running: Running, owner: dict[str, str], kind: str
) -> None:
    if kind == "users":
        running.ask("POST", "/api/v1/users", {"user": "tagged", "role": "viewer"}, owner)
    first, last = WRITES[kind]
    running.ask(*first, owner | {"If-Match": "*"} if kind == "users" else owner)
    status, _, body = running.ask(*last, owner)
    etag = json.loads(body)["etag"]
    assert status == 428
    assert running.ask(*last, owner | {"If-Match": '"another"'})[0] == 412
    assert running.ask(*last, owner | {"If-Match": etag})[0] == 200
    assert running.ask(*last, owner | {"If-Match": etag})[0] == 412, "it has changed by that"


def test_a_token_is_revoked_only_by_who_names_its_present_state(running: Running, owner: dict[str, str]) -> None:
    made = json.loads(running.ask("POST", "/api/v1/tokens", {"role": "viewer"}, owner)[2])
    revoke = f"/api/v1/tokens/{made['id']}/revoke"
    status, _, body = running.ask("POST", revoke, {}, owner)
    assert (status, running.ask("POST", revoke, {}, owner | {"If-Match": '"another"'})[0]) == (428, 412)
    assert running.ask("POST", revoke, {}, owner | {"If-Match": json.loads(body)["etag"]})[0] == 200


def test_a_users_state_changes_its_etag_and_a_refused_write_does_not(running: Running, owner: dict[str, str]) -> None:
    running.ask("POST", "/api/v1/users", {"user": "etagged", "role": "viewer"}, owner)
    etag = running.ask("GET", "/api/v1/users/etagged", headers=owner)[1]["etag"]
    change = "/api/v1/users/etagged/change"
    assert running.ask("POST", change, {"role": "auditor"}, owner)[0] == 428
    assert running.ask("GET", "/api/v1/users/etagged", headers=owner)[1]["etag"] == etag, "it is as it was"
    status, headers, _ = running.ask("POST", change, {"role": "builder"}, owner | {"If-Match": etag})
    assert (status, headers["etag"] != etag) == (200, True)


def test_the_client_names_the_state_by_itself(running: Running) -> None:
    with tenure.Client(running.url, running.token) as client:
        client.call("projects:set", project="by-client", goal="one")
        assert client.call("projects:set", project="by-client", goal="two")["goal"] == "two"
    assert running.command("projects", "set", "by-client", "--goal", "three")["goal"] == "three"


@pytest.mark.parametrize("ending", ["decisions", "decisions/batch", "events"])
def test_what_a_gateway_answers_takes_no_unknown_parameter(
    running: Running, owner: dict[str, str], ending: str
) -> None:
    path = f"/api/v1/applications/offers/{ending}?dry_run=true"
    status, headers, body = running.ask("POST", path, {"customer": "c", "a": 1.0}, owner)
    assert (status, headers["content-type"]) == (422, "application/problem+json")
    assert (json.loads(body)["code"], json.loads(body)["parameter"]) == ("unknown-parameter", "dry_run")
    assert running.ask("POST", path, {"customer": "c", "a": 1.0})[0] == 401, "strangers learn nothing of it"


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


@pytest.mark.parametrize("query", ["limit=0", "limit=10001", "limit=x", "cursor=!", "cursor=bm9uZQ", "cursor=WyJ4Il0"])
def test_a_limit_out_of_bounds_and_a_strange_cursor_are_refused(
    running: Running, owner: dict[str, str], query: str
) -> None:
    status, headers, _ = running.ask("GET", f"/api/v1/tokens?{query}", headers=owner)
    assert (status, headers["content-type"]) == (422, "application/problem+json")


def test_a_number_below_its_bound_is_refused(running: Running, owner: dict[str, str]) -> None:
    status, _, body = running.ask("GET", "/api/v1/log/checkpoint?held=-1", headers=owner)
    assert (status, "held" in json.loads(body)["detail"]) == (422, True)


def test_a_page_names_the_next_one_and_a_cursor_is_good_for_its_own_list_alone(
    running: Running, owner: dict[str, str]
) -> None:
    _, headers, _ = running.ask("GET", "/api/v1/audit?limit=1", headers=owner)
    cursor = headers["next-cursor"]
    assert next_cursor(headers["link"]) == cursor
    assert running.ask("GET", f"/api/v1/tokens?cursor={cursor}", headers=owner)[0] == 422
    assert "next-cursor" not in running.ask("GET", "/api/v1/audit?limit=10000", headers=owner)[1]


def test_a_list_is_filtered_and_a_filter_that_can_match_nothing_is_refused(
    running: Running, owner: dict[str, str]
) -> None:
    running.ask("POST", "/api/v1/tokens", {"role": "auditor"}, owner)
    found = json.loads(running.ask("GET", "/api/v1/tokens?role=auditor", headers=owner)[2])
    assert {one["role"] for one in found} == {"auditor"}
    events = json.loads(running.ask("GET", "/api/v1/audit?action=tokens:create&limit=3", headers=owner)[2])
    assert {one["action"] for one in events} == {"tokens:create"}
    for path in ("/api/v1/tokens?role=auditer", "/api/v1/decisions?decided_by=modle"):
        status, _, body = running.ask("GET", path, headers=owner)
        refused = json.loads(body)
        assert (status, refused["code"]) == (422, "not-one-of")
        assert refused["nearest"] in refused["allowed"]
        assert refused["nearest"] in refused["next_step"]


# ---- parameters that do not exist

#: answered by gateways, which look at what they need alone; watching never ends
OF_THE_GATEWAY = {"events:import", "changes:watch"}


def test_every_route_refuses_a_parameter_that_it_does_not_have(running: Running, owner: dict[str, str]) -> None:
    document = json.loads(running.ask("GET", "/api/v1/openapi.json", headers=owner)[2])
    asked = 0
    for path, operations in document["paths"].items():
        for verb, operation in operations.items():
            if operation["operationId"] in OF_THE_GATEWAY:
                continue
            target = re.sub(r"\{\w+\}", "1", path)
            status, _, body = running.ask(verb.upper(), f"{target}?no_such=1", headers=owner)
            assert (status, json.loads(body)["code"]) == (422, "unknown-parameter"), operation["operationId"]
            asked += 1
    assert asked > 100


def test_a_misspelt_parameter_is_told_the_nearest_and_all_there_are(running: Running, owner: dict[str, str]) -> None:
    status, _, body = running.ask("GET", "/api/v1/decisions?aplication=offers", headers=owner)
    refused = json.loads(body)
    assert (status, refused["parameter"], refused["nearest"]) == (422, "aplication", "application")
    assert {"application", "entity", "since", "limit", "cursor"} <= set(refused["allowed"])
    status, _, body = running.ask("POST", "/api/v1/tokens", {"role": "viewer", "expiry": "1d"}, owner)
    refused = json.loads(body)
    assert (status, refused["parameter"], refused["nearest"]) == (422, "expiry", "expires")
    assert "role" in refused["allowed"]
    assert running.ask("POST", "/api/v1/drill", {"fast": True}, owner)[0] == 422, "it has no fields at all"
    status, _, body = running.ask("POST", "/api/v1/tokens", {"role": "vewer"}, owner)
    assert status == 422
    assert "viewer" in json.loads(body)["detail"]


# ---- verbs


def test_head_answers_as_get_does_without_a_body_and_a_405_names_the_verbs_there_are(
    running: Running, owner: dict[str, str]
) -> None:
    for path in ("/api/v1/whoami", "/api/v1/tokens?limit=1", "/api/v1/openapi.json"):
        got, seen = running.ask("GET", path, headers=owner), running.ask("HEAD", path, headers=owner)
        assert (seen[0], seen[2], seen[1]["content-length"]) == (200, b"", str(len(got[2])))
        assert seen[1]["content-type"] == got[1]["content-type"]
    assert running.ask("HEAD", "/api/v1/whoami")[0] == 401
    assert running.ask("HEAD", "/api/v1/nothing", headers=owner)[0] == 404
    status, headers, _ = running.ask("DELETE", "/api/v1/models/churn/versions/2", headers=owner)
    assert (status, headers["allow"]) == (405, "GET, HEAD, OPTIONS")
    status, headers, _ = running.ask("PATCH", "/api/v1/tokens", headers=owner)
    assert (status, headers["allow"]) == (405, "GET, HEAD, OPTIONS, POST")


def test_who_may_only_ask_an_application_may_read_how_it_is_asked(running: Running, owner: dict[str, str]) -> None:
    applied(running, owner, APPLICATION, "*")
    made = running.ask("POST", "/api/v1/tokens", {"role": "caller", "applications": ["offers"]}, owner)[2]
    caller = {"Authorization": f"Bearer {json.loads(made)['token']}"}
    status, _, body = running.ask("GET", "/api/v1/applications/offers/openapi.json", headers=caller)
    assert (status, json.loads(body)["info"]["title"]) == (200, "offers")
    assert running.ask("GET", "/api/v1/applications/others/openapi.json", headers=caller)[0] == 403
    assert running.ask("GET", "/api/v1/applications/offers", headers=caller)[0] == 403


def test_editors_find_the_schema_and_people_the_documents(running: Running, owner: dict[str, str]) -> None:
    status, _, body = running.ask("GET", "/schemas/application.json")
    assert (status, json.loads(body)["title"]) == (200, "application.yaml of Tenure")
    status, _, page = running.ask("GET", "/docs", headers=owner)
    assert (status, b"openapi.json" in page, b"/schemas/application.json" in page) == (200, True, True)
    with tenure.Client(running.url, running.token) as client:
        text = client.call("applications:init", application="fresh")["text"]
    assert text.startswith(f"# yaml-language-server: $schema={running.url}/schemas/application.json\n")


# ---- clients


def test_the_client_gives_all_pages_and_names_the_state_by_itself(running: Running) -> None:
    with tenure.Client(running.url, running.token) as client:
        tokens = client.call("tokens:list")
        assert len(tokens) > 2
        assert len(client.call("audit:log", limit=2)) == 2
        first = client.page("tokens:list", limit=2)
        second = client.page("tokens:list", limit=2, cursor=first.next_cursor)
        assert first.rows + second.rows == tokens[:4]
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
    status, _, body = running.ask("POST", f"/api/v1/decisions/{made['decision_id']}/replay", {"verson": 2}, owner)
    assert (status, json.loads(body)["parameter"]) == (422, "verson")
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
