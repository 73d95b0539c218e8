"""The real table of actions: the client's half of it is the same, and nothing in it can be reached unnamed."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tenure.app.actions import ACTIONS
from tenure.client.connection import Connection, RemoteProblem
from tenure.client.routes import ROUTES, Route
from tenure.entrypoints.api.changes import changes_route
from tenure.entrypoints.api.pages import page_routes
from tenure.entrypoints.api.routes import application
from tenure.entrypoints.api.sessions import session_routes
from tenure.entrypoints.api.uploads import missing_route, upload_route
from tenure.governance.sessions import SignInRefused
from tests.api.conftest import Echo, serving

#: what is sent where one says who one is
CLAIM = {"/api/v1/sessions": {"user": "eve", "password": "guess"}}


def test_the_client_knows_every_action_under_the_same_name_verb_and_path():
    assert {action.name: Route(action.verb, action.path, action.upload) for action in ACTIONS} == ROUTES


def test_the_client_and_the_commands_load_without_the_servers_libraries():
    code = (
        "import sys\n"
        "for name in ('numpy','scipy','sqlalchemy','alembic','pyarrow','duckdb','litestar','uvicorn','cel','prometheus_client'):\n"
        "    sys.modules[name] = None\n"
        "import tenure.client.client, tenure.client.version, tenure.entrypoints.cli.main as m; m.build()\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


class NoStore:
    def missing(self, manifest):
        raise AssertionError("reached")

    def unpack(self, archive, folder):
        raise AssertionError("reached")


class NoDesk:
    """Nobody gets in here."""

    def sign_in(self, given, address):
        raise SignInRefused(what="nothing does")

    def sign_out(self, actor, secret):
        raise AssertionError("reached")

    def current(self, actor, secret):
        raise AssertionError("reached")


@pytest.fixture(scope="module")
def routes(tmp_path_factory):
    """All that control answers, as `__main__` puts it together, with an echo in control's place."""
    echo = Echo()
    taking = [upload_route(echo, NoStore(), each, tmp_path_factory.mktemp("up")) for each in ACTIONS if each.upload]
    more = [
        *taking,
        missing_route(NoStore()),
        *session_routes(NoDesk()),
        *page_routes(echo),
        changes_route(dict, lambda: True),
    ]
    return application(echo, ACTIONS, "1", more)


@pytest.fixture(scope="module")
def socket(routes, tmp_path_factory):
    path = tmp_path_factory.mktemp("control") / "control.sock"
    with serving(routes, Echo(), path, os.getuid()):
        yield path


def all_routes(app):
    for route in app.routes:
        for verb in route.methods:
            yield verb, route.path_format.replace("{", "").replace("}", "") or "/"


def test_every_route_denies_who_has_no_token_or_a_wrong_one(routes, socket):
    looked_at = 0
    for verb, path in all_routes(routes):
        if path.startswith(("/problems/", "/schemas/")) or (verb, path) == ("GET", "/sign-in"):
            continue
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Cookie": "tenure_session=tns_wrong"}):
            connection = Connection("http://localhost", unix_socket=socket)
            with pytest.raises(RemoteProblem) as caught:
                connection.json(verb, path, document=CLAIM.get(path), headers={"X-Tenure-Relay": "1", **headers})
            connection.close()
            # Who comes to sign in with a form gets a page back, not a problem.
            assert caught.value.status == 401, (verb, path)
            looked_at += 1
    assert looked_at > 2 * len(ACTIONS)


def test_openapi_describes_every_action(routes, socket):
    document = Connection("http://localhost", unix_socket=socket).json("GET", "/api/v1/openapi.json")
    operations = {each["operationId"]: each for path in document["paths"].values() for each in path.values()}
    assert {action.name for action in ACTIONS} <= set(operations)
    assert all(each["responses"].get("200") and each["responses"].get("default") for each in operations.values())
