"""A whole home that other machines may reach: TLS of its own, a proxy before it, and a path that it is under."""

from __future__ import annotations

import http.client
import json
import ssl
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

import tenure
from tests.api.running import Running, brought_up
from tests.api.test_contract import APPLICATION
from tests.certificates import write_certificate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.processes

FORWARDED = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "ml.example.com", "X-Forwarded-For": "203.0.113.9"}
RENEWED_SECONDS = 30.0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("reaching")


@pytest.fixture(scope="module")
def reached(folder: Path) -> Iterator[Running]:
    certificate, key = write_certificate(folder, "localhost", "127.0.0.1", serial=21)
    tls = ("--tls-cert", str(certificate), "--tls-key", str(key))
    with brought_up(folder, "--host", "0.0.0.0", *tls, "--prefix", "/tenure", "--behind-proxy") as running:  # noqa: S104
        yield running


def ask(
    reached: Running, folder: Path, verb: str, path: str, document: Any = None, headers: dict[str, str] | None = None
) -> tuple[int, http.client.HTTPMessage, bytes]:
    trusted = ssl.create_default_context(cafile=str(folder / "cert.pem"))
    connection = http.client.HTTPSConnection("127.0.0.1", urlsplit(reached.url).port, timeout=60, context=trusted)
    body = None if document is None else json.dumps(document)
    connection.request(verb, path, body, {"Content-Type": "application/json"} | (headers or {}))
    answer = connection.getresponse()
    found = answer.status, answer.headers, answer.read()
    connection.close()
    return found


def test_programs_people_and_commands_reach_it_over_tls_below_its_prefix(
    reached: Running, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert reached.url.startswith("https://localhost:")
    assert reached.url.endswith("/tenure")
    monkeypatch.setenv("SSL_CERT_FILE", str(folder / "cert.pem"))
    with tenure.Client(reached.url, reached.token) as client:
        assert client.call("whoami")["role"] == "admin"
        applied = client.call("applications:apply", text=APPLICATION)
        assert applied["url"] == f"{reached.url}/applications/offers"
        answer = client.decide("offers", {"customer": "c", "a": 1.0})
        assert answer["url"] == f"{reached.url}/decisions/{answer['decision_id']}"
        assert [one["id"] for one in client.call("tokens:list")], "its pages are followed below the prefix"

    link = urlsplit(reached.link)
    status, headers, _ = ask(reached, folder, "GET", f"{link.path}?{link.query}")
    assert (status, headers["location"]) == (303, "/tenure/")
    assert headers["set-cookie"].startswith("__Host-")
    assert "Secure" in headers["set-cookie"]

    rows = folder / "rows.ndjson"
    rows.write_text('{"customer": "d", "a": -1.0}\n')
    told = reached.command("decide", "offers", "--input", str(rows), "--output", str(folder / "answers.ndjson"))
    assert told["decided"] == 1, "a command on this machine believes the home's own certificate"


def test_links_problems_and_pages_lead_back_below_the_prefix(reached: Running, folder: Path) -> None:
    owner = {"Authorization": f"Bearer {reached.token}"}
    status, _, body = ask(reached, folder, "POST", "/tenure/api/v1/applications/none/decisions", {}, owner)
    kind = json.loads(body)["type"]
    assert (status, kind) == (404, "/tenure/problems/unknown-application")
    status, _, body = ask(reached, folder, "GET", "/tenure/api/v1/models/none", headers=owner)
    assert (status, json.loads(body)["type"].startswith("/tenure/problems/")) == (404, True)
    status, _, page = ask(reached, folder, "GET", kind)
    assert (status, b'href="/tenure/"' in page) == (200, True)
    status, headers, _ = ask(reached, folder, "GET", "/tenure/api/v1/audit?limit=1", headers=owner)
    assert headers["link"].startswith("</tenure/api/v1/audit?")
    status, headers, _ = ask(reached, folder, "GET", "/tenure/", headers={"Accept": "text/html"})
    assert (status, headers["location"]) == (303, "/tenure/sign-in?next=/")
    document = json.loads(ask(reached, folder, "GET", "/tenure/api/v1/openapi.json", headers=owner)[2])
    assert document["servers"] == [{"url": "/tenure"}]
    assert ask(reached, folder, "GET", "/health/ready")[0] == 200, "a proxy may cut the prefix off"


def test_urls_are_those_that_a_believed_proxy_was_asked_at(reached: Running, folder: Path) -> None:
    owner = {"Authorization": f"Bearer {reached.token}"} | FORWARDED
    path = "/tenure/api/v1/applications/offers/decisions"
    for headers in (owner, owner | {"Expect": "100-continue"}):
        # One goes the short way and the other does not.
        decided = json.loads(ask(reached, folder, "POST", path, {"customer": "p", "a": 1.0}, headers)[2])
        assert decided["url"] == f"https://ml.example.com/tenure/decisions/{decided['decision_id']}"
    shown = json.loads(ask(reached, folder, "GET", f"/api/v1/decisions/{decided['decision_id']}", headers=owner)[2])
    assert shown["url"] == decided["url"]
    same_site = {"Origin": "https://ml.example.com"} | FORWARDED
    assert ask(reached, folder, "POST", "/api/v1/sessions", {"token": reached.token}, same_site)[0] == 200
    other_site = {"Origin": "https://evil.example.com"} | FORWARDED
    assert ask(reached, folder, "POST", "/api/v1/sessions", {"token": reached.token}, other_site)[0] == 403


def test_a_renewed_certificate_is_taken_into_use_while_it_serves(reached: Running, folder: Path) -> None:
    write_certificate(folder, "localhost", "127.0.0.1", serial=22)
    until = time.monotonic() + RENEWED_SECONDS
    while True:
        try:
            assert ask(reached, folder, "GET", "/health/live")[0] == 200
            return
        except ssl.SSLError:
            # What vouches for the new one does not for the old one.
            assert time.monotonic() < until
            time.sleep(0.05)
