"""An action that is being given up works on, and tells every caller until when."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import msgspec

from tenure.app.actions import ACTIONS, Action, Retiring
from tenure.client.connection import Connection
from tenure.entrypoints.api.routes import application
from tenure.kit.clock import parse_iso
from tests.api.conftest import Nothing, NotInService, Said, serving

if TYPE_CHECKING:
    from pathlib import Path

    from tests.api.conftest import Echo

ENDS = Retiring(parse_iso("2026-12-01"), parse_iso("2027-06-01"), "/api/v1/whoami")
OLD = Action("names:show", "GET", "/api/v1/name", Nothing, Said, lambda *_: None, retiring=ENDS)
NEW = Action("whoami", "GET", "/api/v1/whoami", Nothing, Said, lambda *_: None)
TOLD = {
    "deprecation": "@1796083200",
    "sunset": "Tue, 01 Jun 2027 00:00:00 GMT",
    "link": '</api/v1/whoami>; rel="successor-version"',
}


def told(connection: Connection, path: str) -> tuple[int, dict[str, str], Any]:
    connection._http.request("GET", path, headers={"Authorization": "Bearer good"})
    answer = connection._http.getresponse()
    headers = {name.lower(): value for name, value in answer.getheaders()}
    return answer.status, {name: headers[name] for name in TOLD if name in headers}, msgspec.json.decode(answer.read())


def test_answers_and_refusals_tell_until_when_and_the_document_says_so(tmp_path: Path, echo: Echo) -> None:
    socket = tmp_path / "control.sock"
    with serving(application(echo, (OLD, NEW), "1"), echo, socket, os.getuid()):
        connection = Connection("http://localhost", unix_socket=socket)
        assert told(connection, "/api/v1/name")[:2] == (200, TOLD)
        assert told(connection, "/api/v1/whoami")[:2] == (200, {})
        document = told(connection, "/api/v1/openapi.json")[2]
        echo.failure = NotInService(ref="churn/1")
        assert told(connection, "/api/v1/name")[:2] == (409, TOLD)
        assert told(connection, "/api/v1/whoami")[:2] == (409, {})
        connection.close()
    assert document["paths"]["/api/v1/name"]["get"]["deprecated"] is True
    assert not document["paths"]["/api/v1/whoami"]["get"].get("deprecated")


def test_what_ends_is_told_half_a_year_before() -> None:
    for action in ACTIONS:
        if action.retiring is not None:
            assert action.retiring.sunset - action.retiring.since >= parse_iso("2027-01-01") - parse_iso("2026-07-05")
