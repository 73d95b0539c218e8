from __future__ import annotations

import base64
import getpass
import os

import pytest

from tenure.client.connection import Connection, RemoteProblem
from tenure.entrypoints.api.routes import application
from tenure.governance.sessions import csrf_token
from tests.api.conftest import ACTIONS, PROMOTE_ROUTES, SESSION, serving


def status(call):
    with pytest.raises(RemoteProblem) as caught:
        call()
    return caught.value.status


def test_the_owner_of_the_home_needs_no_token_on_the_unix_socket(connect):
    assert connect().json("GET", "/api/v1/whoami")["actor"] == f"local:{getpass.getuser()}"


def test_another_user_needs_a_token_on_the_unix_socket(tmp_path, echo):
    with serving(application(echo, ACTIONS, "1"), echo, tmp_path / "s", os.getuid() + 1):
        stranger = Connection("http://localhost", unix_socket=tmp_path / "s")
        assert status(lambda: stranger.json("GET", "/api/v1/whoami")) == 401
        stranger.close()


def test_a_relayed_request_is_a_strangers_even_from_the_owners_process(connect):
    relayed = {"X-Tenure-Relay": "1"}
    assert status(lambda: connect().json("GET", "/api/v1/whoami", headers=relayed)) == 401
    for value in ("0", "", "no"):
        assert status(lambda v=value: connect().json("GET", "/api/v1/whoami", headers={"X-Tenure-Relay": v})) == 401


def test_a_relayed_request_with_a_token_is_its_actors(connect):
    assert connect("good").json("GET", "/api/v1/whoami", headers={"X-Tenure-Relay": "1"})["actor"] == "t1"


def test_a_token_may_come_as_a_basic_password(connect):
    basic = base64.b64encode(b"anyone:good").decode()
    assert connect().json("GET", "/api/v1/whoami", headers={"Authorization": f"Basic {basic}"})["actor"] == "t1"


@pytest.mark.parametrize("value", ["Bearer bad", "Bearer", "Basic !!!", "Basic Z29vZA==", "Digest good", "good"])
def test_a_bad_authorization_is_a_401_and_never_falls_back_to_the_owner(connect, value):
    assert status(lambda: connect().json("GET", "/api/v1/whoami", headers={"Authorization": value})) == 401


@pytest.mark.parametrize(("verb", "path"), PROMOTE_ROUTES)
def test_every_route_of_the_table_asks_who_you_are(connect, verb, path):
    assert status(lambda: connect().json(verb, path, headers={"X-Tenure-Relay": "1"})) == 401


def test_what_does_not_exist_asks_who_you_are_too(connect):
    assert status(lambda: connect().json("GET", "/api/v1/nothing", headers={"X-Tenure-Relay": "1"})) == 401


def test_a_session_counts_by_its_cookie_and_a_write_needs_its_csrf_token(connect):
    cookie = {"X-Tenure-Relay": "1", "Cookie": f"tenure_session={SESSION}"}
    assert connect().json("GET", "/api/v1/whoami", headers=cookie)["actor"] == "user:ann"
    promote, body = "/api/v1/models/churn/versions/2/promote", {"reason": "better"}
    assert status(lambda: connect().json("POST", promote, document=body, headers=cookie)) == 403
    meant = cookie | {"X-CSRF-Token": csrf_token(SESSION)}
    assert connect().json("POST", promote, document=body, headers=meant)["actor"] == "user:ann"
    forged = meant | {"Origin": "http://evil.example"}
    assert status(lambda: connect().json("POST", promote, document=body, headers=forged)) == 403


def test_a_wrong_cookie_never_falls_back_to_the_owner(connect):
    assert status(lambda: connect().json("GET", "/api/v1/whoami", headers={"Cookie": "tenure_session=tns_bad"})) == 401


def test_a_sessions_secret_may_come_as_a_bearer_token_which_no_other_site_can_send(connect):
    assert connect(SESSION).json("GET", "/api/v1/whoami", headers={"X-Tenure-Relay": "1"})["actor"] == "user:ann"
