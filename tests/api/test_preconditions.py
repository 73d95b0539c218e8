"""Which operations need If-Match, and which only check one that is sent (docs/decisions/0019)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tenure.app.actions import ACTIONS
from tenure.app.tags import STEPS, TAGS
from tests.api.test_contract import APPLICATION

if TYPE_CHECKING:
    from tests.api.running import Running

#: what changes something and puts nothing in the place of what somebody else wrote
MOVES = {
    "models:rollback", "versions:approve", "versions:deploy", "versions:promote", "versions:decommission",
    "versions:archive", "versions:restore", "versions:destroy", "holds:release", "alerts:ack", "alerts:silence",
    "webhooks:retry", "trust:remove", "sessions:end", "persons:erase", "retention:expire", "features:expire",
    "backup", "repair", "restart", "gc", "drill",
}  # fmt: skip
ADDITIONS = {
    "versions:register", "versions:import", "versions:export", "versions:attach", "inventory:add", "decisions:resolve",
    "outcomes:import", "events:import", "features:ingest", "holds:add", "users:create", "users:link", "tokens:create",
    "trust:add",
}  # fmt: skip
#: what answers a question that is too long for an address, or writes a file elsewhere
ANSWERS = {
    "replay", "versions:run", "models:dossier", "decisions:dossier", "decisions:export", "sql", "features:join",
    "rules:check", "rules:test", "rules:backtest", "rules:evaluate",
}  # fmt: skip


def test_every_operation_that_is_no_read_is_a_write_with_a_state_or_named_here() -> None:
    changing = {one.name for one in ACTIONS if one.verb != "GET"}
    writes = changing & TAGS.keys() - STEPS
    assert changing - writes - STEPS == MOVES | ADDITIONS | ANSWERS
    assert not writes & (MOVES | ADDITIONS | ANSWERS)


@pytest.fixture(scope="module")
def owner(running: Running) -> dict[str, str]:
    return {"Authorization": f"Bearer {running.token}"}


def test_a_step_needs_no_state_and_is_held_to_the_one_it_names(running: Running, owner: dict[str, str]) -> None:
    path = "/api/v1/applications/stepping"
    text = APPLICATION.replace("application: offers", "application: stepping")
    assert running.ask("POST", "/api/v1/applications", {"text": text}, owner)[0] == 200
    other = {"text": text.replace("middle", "other")}
    assert running.ask("POST", "/api/v1/applications", other, owner | {"If-Match": '"1"'})[0] == 200
    back = {"reason": "as it was"}
    status, _, body = running.ask("POST", f"{path}/rollback", back, owner | {"If-Match": '"1"'})
    assert (status, json.loads(body)["etag"]) == (412, '"2"'), "somebody applied since"
    status, headers, _ = running.ask("POST", f"{path}/rollback", back, owner | {"If-Match": '"2"'})
    assert (status, headers["etag"]) == (200, '"1"')
    assert running.ask("POST", f"{path}/revisions/2/activate", back, owner)[0] == 200
    assert running.ask("POST", f"{path}/end", back, owner | {"If-Match": '"7"'})[0] == 412


def test_an_age_that_says_nothing_is_refused_and_no_fault_of_ours(running: Running, owner: dict[str, str]) -> None:
    status, _, body = running.ask("POST", "/api/v1/gc", {"older_than": "", "dry_run": True}, owner)
    assert (status, json.loads(body)["code"]) == (422, "bad-moment")


def test_who_comes_late_is_told_whose_revision_is_in_force_by_name(running: Running, owner: dict[str, str]) -> None:
    text = APPLICATION.replace("application: offers", "application: two-people")
    assert running.ask("POST", "/api/v1/applications", {"text": text}, owner)[0] == 200
    made = json.loads(running.ask("POST", "/api/v1/tokens", {"role": "admin", "name": "ann"}, owner)[2])
    hers = {"Authorization": f"Bearer {made['token']}", "If-Match": '"1"'}
    third = {"text": text.replace("middle", "hers"), "reason": "quicker"}
    assert running.ask("POST", "/api/v1/applications", third, hers)[0] == 200
    status, _, body = running.ask(
        "POST", "/api/v1/applications", {"text": text.replace("middle", "mine"), "base": 1}, owner
    )
    assert (status, "two-people/2 is in force, applied by token:ann: quicker" in json.loads(body)["detail"]) == (
        409,
        True,
    )


def test_a_refusal_speaks_of_people_by_name(running: Running, owner: dict[str, str]) -> None:
    made = json.loads(running.ask("POST", "/api/v1/tokens", {"role": "viewer", "name": "eve"}, owner)[2])
    hers = {"Authorization": f"Bearer {made['token']}"}
    status, _, body = running.ask("POST", "/api/v1/gc", {"dry_run": True}, hers)
    found = json.loads(body)
    assert (status, found["code"], found["actor"]) == (403, "forbidden", "token:eve")
    assert "token:eve (role viewer) may not gc" in found["detail"]


def test_what_is_kept_under_a_class_is_changed_only_by_who_names_what_it_is_kept_under(
    running: Running, owner: dict[str, str]
) -> None:
    text = APPLICATION.replace("application: offers", "application: kept")
    running.ask("POST", "/api/v1/applications", {"text": text}, owner)
    for name in ("kept-short", "kept-long"):
        made = {"name": name, "keep": "1y", "keeps": ["decisions"], "reason": "a year"}
        assert running.ask("POST", "/api/v1/retention/classes", made, owner)[0] == 200
    use = {"target": "kept", "name": "kept-short", "reason": "small"}
    assert running.ask("POST", "/api/v1/retention/uses", use, owner)[0] == 200, "there was none yet"
    status, _, body = running.ask("POST", "/api/v1/retention/uses", use | {"name": "kept-long"}, owner)
    assert status == 428
    etag = json.loads(body)["etag"]
    sent = owner | {"If-Match": etag}
    assert running.ask("POST", "/api/v1/retention/uses", use | {"name": "kept-long"}, sent)[0] == 200
    assert running.ask("POST", "/api/v1/retention/uses", use, sent)[0] == 412, "it has changed by that"


def test_a_condition_that_nothing_would_look_at_is_refused_and_none_is_done(
    running: Running, owner: dict[str, str]
) -> None:
    made = {"role": "viewer", "name": "conditional"}
    status, _, body = running.ask("POST", "/api/v1/tokens", made, owner | {"If-Match": '"12"'})
    assert (status, json.loads(body)["code"]) == (412, "no-such-state")
    assert (
        'tokens:create is done whatever the present state: there is none that If-Match "12"'
        in json.loads(body)["detail"]
    )
    tokens = json.loads(running.ask("GET", "/api/v1/tokens?name=conditional", None, owner)[2])
    assert tokens == []
    assert running.ask("GET", "/api/v1/tokens", None, owner | {"If-Match": '"12"'})[0] == 200, "nothing changes"
    assert running.ask("POST", "/api/v1/tokens", made, owner | {"If-Match": "*"})[0] == 200


def test_the_document_says_of_every_write_that_it_takes_a_condition_and_of_no_other(
    running: Running, owner: dict[str, str]
) -> None:
    document = json.loads(running.ask("GET", "/api/v1/openapi.json", None, owner)[2])
    operations = [(verb, one) for path in document["paths"].values() for verb, one in path.items()]
    taking = {
        one["operationId"] for _, one in operations if any(p["name"] == "If-Match" for p in one.get("parameters", []))
    }
    assert taking == {one.name for one in ACTIONS if one.verb != "GET"} & TAGS.keys()
    assert {one["operationId"] for _, one in operations if "428" in one["responses"]} == taking
    assert all(("412" in one["responses"]) is (verb != "get") for verb, one in operations)


@pytest.mark.parametrize(
    ("verb", "path", "body", "name"),
    [
        ("POST", "/api/v1/tokens", b'{"role": "viewer", "role": "admin"}', "role"),
        ("POST", "/api/v1/features/x/rows", b'{"rows": [{"value": 1, "value": 2}]}', "value"),
        ("GET", "/api/v1/tokens?role=viewer&role=admin", None, "role"),
    ],
)
def test_what_is_given_twice_is_refused_by_name(
    running: Running, owner: dict[str, str], verb: str, path: str, body: bytes | None, name: str
) -> None:
    status, _, answer = running.ask(verb, path, body, owner)
    assert (status, json.loads(answer)["code"], json.loads(answer)["name"]) == (422, "given-twice", name)
