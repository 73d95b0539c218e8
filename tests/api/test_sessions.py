"""Signing in, over a whole running home: the gateways, control, the command line, a browser's cookie."""

from __future__ import annotations

import json
from http.cookies import SimpleCookie
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest

if TYPE_CHECKING:
    from tests.api.running import Running

pytestmark = pytest.mark.processes

PASSWORD = "correct horse battery"


def cookie_of(headers: dict[str, str]) -> str:
    (morsel,) = SimpleCookie(headers["set-cookie"]).values()
    assert morsel["httponly"]
    assert morsel["samesite"] == "Lax"
    assert morsel["path"] == "/"
    return f"{morsel.key}={morsel.value}"


def bearer(running: Running) -> dict[str, str]:
    return {"Authorization": f"Bearer {running.token}"}


def an_account(running: Running, name: str) -> None:
    account = {"user": name, "role": "viewer", "password": PASSWORD}
    assert running.ask("POST", "/api/v1/users", account, bearer(running))[0] == 200


def signed_in(running: Running, **given: str) -> tuple[str, str]:
    """Return the Cookie header and the CSRF token of a new session."""
    status, headers, body = running.ask("POST", "/api/v1/sessions", given)
    assert status == 200, body
    return cookie_of(headers), json.loads(body)["csrf_token"]


def test_up_prints_the_url_the_home_a_link_and_two_export_lines(running: Running) -> None:
    assert running.environ["TENURE_HOME"] in running.printed
    assert running.url in running.printed.splitlines()
    assert running.link.startswith(f"{running.url}/sign-in?code=")
    assert running.ask("GET", "/api/v1/whoami", headers=bearer(running))[0] == 200


def test_the_printed_link_signs_in_once_and_leads_home(running: Running) -> None:
    path = running.link.removeprefix(running.url)
    status, headers, _ = running.ask("GET", path)
    assert (status, headers["location"]) == (303, "/")
    cookie = cookie_of(headers)
    status, _, body = running.ask("GET", "/api/v1/sessions/current", headers={"Cookie": cookie})
    found = json.loads(body)
    assert status == 200
    assert found["role"] == "admin"
    assert "versions:promote" in found["actions"]
    again, headers, page = running.ask("GET", path)
    assert again == 401
    assert "set-cookie" not in headers
    assert b"<form" in page


def test_a_write_by_cookie_needs_the_csrf_token_and_the_same_site(running: Running) -> None:
    cookie, csrf = signed_in(running, token=running.token)
    meant = {"Cookie": cookie, "X-CSRF-Token": csrf}
    own = {"Origin": running.url}
    for path, document in (("/api/v1/tokens", {"role": "viewer"}), ("/api/v1/outcomes", [])):
        assert running.ask("POST", path, document, {"Cookie": cookie})[0] == 403
        assert running.ask("POST", path, document, meant | {"X-CSRF-Token": csrf[:-1]})[0] == 403
        assert running.ask("POST", path, document, meant | own)[0] == 200
    assert (
        running.ask("POST", "/api/v1/tokens", {"role": "viewer"}, meant | {"Origin": "http://evil.example"})[0] == 403
    )
    assert running.ask("GET", "/api/v1/tokens", headers={"Cookie": cookie})[0] == 200


def test_the_gateways_know_a_session_at_once_and_forget_it_when_it_ends(running: Running) -> None:
    cookie, csrf = signed_in(running, token=running.token)
    meant = {"Cookie": cookie, "X-CSRF-Token": csrf}
    decide = "/api/v1/applications/none/decisions"
    assert running.ask("POST", decide, {}, meant)[0] == 404, "known, and may: only the application is missing"
    assert running.ask("POST", decide, {}, {"Cookie": cookie})[0] == 403
    assert running.ask("DELETE", "/api/v1/sessions/current", headers=meant)[0] == 200
    assert running.ask("POST", decide, {}, meant)[0] == 401
    assert running.ask("GET", "/api/v1/sessions/current", headers={"Cookie": cookie})[0] == 401


def test_an_account_signs_in_by_form_and_sees_what_its_role_may(running: Running) -> None:
    an_account(running, "ann")
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    fields = urlencode({"user": "ann", "password": PASSWORD, "next": "/models/churn"}).encode()
    status, headers, _ = running.ask("POST", "/sign-in", fields, form)
    assert (status, headers["location"]) == (303, "/models/churn")
    cookie = cookie_of(headers)
    found = json.loads(running.ask("GET", "/api/v1/sessions/current", headers={"Cookie": cookie})[2])
    assert (found["actor"], "tokens:create" in found["actions"]) == ("user:ann", False)
    csrf = {"Cookie": cookie, "X-CSRF-Token": found["csrf_token"]}
    assert running.ask("POST", "/api/v1/tokens", {"role": "viewer"}, csrf)[0] == 403
    elsewhere = urlencode({"user": "ann", "password": PASSWORD, "next": "//evil.example"}).encode()
    assert running.ask("POST", "/sign-in", elsewhere, form)[1]["location"] == "/"
    assert running.ask("POST", "/sign-in", fields, form | {"Origin": "http://evil.example"})[0] == 403
    assert running.ask("POST", "/api/v1/users/ann/disable", {}, bearer(running) | {"If-Match": "*"})[0] == 200
    assert running.ask("GET", "/api/v1/sessions/current", headers={"Cookie": cookie})[0] == 401


def test_guessing_has_to_wait(running: Running) -> None:
    an_account(running, "bob")
    wrong = {"user": "bob", "password": "wrong"}
    statuses = [running.ask("POST", "/api/v1/sessions", wrong)[0] for _ in range(6)]
    assert statuses == [401] * 5 + [429]
    status, headers, _ = running.ask("POST", "/api/v1/sessions", {"user": "bob", "password": PASSWORD})
    assert status == 429
    assert int(headers["retry-after"]) > 0


def test_the_command_line_logs_in_with_an_account_or_a_link_and_logs_out(running: Running) -> None:
    away = {"TENURE_HOME": "", "TENURE_URL": "", "TENURE_TOKEN": ""}
    running.command("users", "create", "cat", "--role", "viewer", "--password", said=PASSWORD + "\n")
    running.command("login", running.url, "--user", "cat", said=PASSWORD + "\n", **away)
    file = Path(running.environ["XDG_CONFIG_HOME"]) / "tenure" / "login.json"
    assert file.stat().st_mode & 0o777 == 0o600
    assert running.command("whoami", **away)["actor"] == "user:cat"
    kept = json.loads(file.read_text())["token"]
    link = running.command("users", "link", **away)
    assert link["subject"] == "user:cat"
    running.command("logout", **away)
    assert not file.exists()
    assert running.ask("GET", "/api/v1/whoami", headers={"Authorization": f"Bearer {kept}"})[0] == 401


def test_a_browser_is_led_to_the_sign_in_page_and_a_script_sees_no_box(running: Running) -> None:
    status, headers, _ = running.ask("GET", "/models/churn", headers={"Accept": "text/html,*/*"})
    assert (status, headers["location"]) == (303, "/sign-in?next=/models/churn")
    status, headers, _ = running.ask("GET", "/api/v1/models", headers={"Sec-Fetch-Dest": "empty"})
    assert status == 401
    assert headers["www-authenticate"].startswith("Bearer")
    assert running.ask("GET", "/")[0] == 401


def test_no_client_can_speak_for_a_gateway(running: Running) -> None:
    forged = {"X-Tenure-Client": "10.9.8.7", "X-Tenure-Scheme": "https", "X-Tenure-Relay": "0"}
    status, headers, _ = running.ask("POST", "/api/v1/sessions", {"token": running.token}, forged)
    assert status == 200
    assert "__Host-" not in headers["set-cookie"]
    assert running.ask("GET", "/api/v1/whoami", headers=forged)[0] == 401
    events = json.loads(running.ask("GET", "/api/v1/audit?limit=1", headers=bearer(running))[2])
    assert events[0]["after"]["from"] == "127.0.0.1"


def test_up_again_gives_the_same_token_and_a_new_link(running: Running) -> None:
    running.command("down")
    again = running.command("up", "--detach", "--port", "0", "--gateways", "1")
    assert again["token"] == running.token
    assert again["sign_in"] != running.link
    running.url = again["url"]
