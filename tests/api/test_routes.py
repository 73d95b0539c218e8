from __future__ import annotations

import os
import socket as stdlib_socket

import msgspec
import pytest

from tenure.client.connection import Connection, RemoteProblem
from tenure.entrypoints.api.routes import application
from tests.api.conftest import ACTIONS, NotInService, TryLater, serving

PROMOTE = "/api/v1/models/churn/versions/2/promote"


def refusal(call):
    with pytest.raises(RemoteProblem) as caught:
        call()
    return caught.value.document


def test_an_action_gets_path_and_body_as_one_input_and_its_output_comes_back(connect):
    said = connect().json("POST", PROMOTE, document={"reason": "better", "as": "shadow"})
    assert said["action"] == "versions:promote"
    assert said["given"] == {"model": "churn", "version": "2", "reason": "better", "as": "shadow", "tags": []}


def test_a_get_takes_its_parameters_from_the_query(connect):
    [said] = connect().json("GET", "/api/v1/models/churn/versions", {"stage": "archived"})
    assert (said["given"]["model"], said["given"]["stage"]) == ("churn", "archived")


def test_a_field_of_the_wrong_type_is_a_422_that_names_the_field(connect):
    found = refusal(lambda: connect().json("POST", PROMOTE, document={"reason": 5}))
    assert (found["status"], found["code"]) == (422, "invalid-input")
    assert "reason" in found["detail"]


def test_an_unknown_field_is_refused_and_not_ignored(connect):
    found = refusal(lambda: connect().json("POST", PROMOTE, document={"reason": "x", "reasn": "y"}))
    assert found["status"] == 422
    assert "reasn" in found["detail"]


def test_a_missing_body_is_a_422(connect):
    assert refusal(lambda: connect().json("POST", PROMOTE))["status"] in {400, 422}


def test_a_body_that_is_not_json_is_a_400(connect):
    found = refusal(lambda: connect().send("POST", PROMOTE, body=b"{", headers={"Content-Type": "application/json"}))
    assert (found["status"], found["code"]) == (400, "malformed-json")


def test_who_leaves_in_the_middle_of_a_body_is_no_incident(tmp_path, echo, caplog):
    with serving(application(echo, ACTIONS, "1"), echo, tmp_path / "left.sock", os.getuid()):
        with stdlib_socket.socket(stdlib_socket.AF_UNIX) as client:
            client.connect(str(tmp_path / "left.sock"))
            head = f"POST {PROMOTE} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            client.sendall(f'{head}Content-Length: 100\r\n\r\n{{"reason": '.encode())
        # A server that ends has dealt with whoever came before.
        Connection("http://localhost", unix_socket=tmp_path / "left.sock").json("GET", "/api/v1/whoami")
    assert "incident" not in caplog.text


def test_a_query_value_of_the_wrong_type_names_the_parameter(connect):
    found = refusal(lambda: connect().json("GET", "/api/v1/models/churn/versions", {"limit": "many"}))
    assert found["status"] == 422
    assert "limit" in found["detail"]


def test_an_error_of_the_core_becomes_a_problem_with_its_facts_and_next_step(connect, echo):
    echo.failure = NotInService(ref="churn/2", secret=object())
    found = refusal(lambda: connect().json("POST", PROMOTE, document={"reason": "x"}))
    assert found == {
        "type": "/problems/not-in-service",
        "title": "The action is refused",
        "status": 409,
        "detail": "churn/2 is not in service",
        "code": "not-in-service",
        "next_step": "deploy it with `tenure deploy churn/2`",
        "ref": "churn/2",
    }


def test_an_unavailable_answer_says_when_to_try_again(connect, echo):
    echo.failure = TryLater(retry_after=7)
    found = refusal(lambda: connect().json("GET", "/api/v1/whoami"))
    assert (found["status"], found["retry_after"]) == (503, 7)


def test_a_fault_of_ours_tells_an_incident_and_nothing_else(connect, echo, caplog):
    echo.failure = RuntimeError("the password is hunter2")
    found = refusal(lambda: connect().json("GET", "/api/v1/whoami"))
    assert found["status"] == 500
    assert "hunter2" not in msgspec.json.encode(found).decode()
    assert found["incident"] in caplog.text


def test_an_unknown_path_is_a_404_and_a_wrong_verb_a_405(connect):
    assert refusal(lambda: connect().json("GET", "/api/v1/nothing"))["code"] == "no-such-route"
    assert refusal(lambda: connect().json("DELETE", PROMOTE))["status"] == 405


def test_openapi_names_every_action_and_is_only_a_document(connect):
    document = connect().json("GET", "/api/v1/openapi.json")
    assert document["openapi"].startswith("3.1")
    operations = {o["operationId"] for path in document["paths"].values() for o in path.values()}
    assert operations == {"versions:promote", "versions:list", "whoami"}
    promote = document["paths"]["/api/v1/models/{model}/versions/{version}/promote"]["post"]
    assert [p["name"] for p in promote["parameters"]] == ["model", "version", "Idempotency-Key"]
    for path in ("/api/v1", "/api/v1/swagger", "/api/v1/redoc"):
        try:
            content = connect().send("GET", path)
        except RemoteProblem:
            continue
        assert b"<html" not in content.lower()
