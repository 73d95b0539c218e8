"""The stream that says when something changed: who may listen, what is announced, and that nobody is held up by it."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import signal
import threading
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from tenure.entrypoints.api.changes import changes_route
from tenure.entrypoints.api.routes import application
from tenure.entrypoints.api.server import GRACE_SECONDS, server
from tenure.entrypoints.gateway.relay import Relay, is_stream
from tenure.entrypoints.streams import CHANGES
from tenure.serving.sockets import connect_unix, listen_unix
from tests.api.conftest import Echo
from tests.api.test_contract import APPLICATION

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.api.running import Running

SOON = 60.0


class Stream:
    """One listener's line."""

    def __init__(self, running: Running, token: str) -> None:
        parts = urlsplit(running.url)
        self.connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=SOON)
        self.connection.request("GET", CHANGES, headers={"Authorization": f"Bearer {token}"})
        self.answer = self.connection.getresponse()

    def next(self) -> list[str]:
        """Return what is announced next, which may be nothing."""
        while not (line := self.answer.readline()).startswith(b"data: "):
            assert line, "the stream has ended"
        kinds: list[str] = json.loads(line[len(b"data: ") :])
        return kinds

    def hears(self, kind: str) -> bool:
        """Read on until this kind was announced."""
        until = time.monotonic() + SOON
        while time.monotonic() < until:
            if kind in self.next():
                return True
        return False


@pytest.fixture
def listening(running: Running) -> Iterator[Stream]:
    stream = Stream(running, running.token)
    yield stream
    stream.connection.close()


@pytest.mark.processes
def test_who_listens_hears_of_a_change_and_of_a_decision_but_not_what_they_were(
    running: Running, listening: Stream
) -> None:
    assert listening.answer.status == 200
    assert listening.answer.headers["content-type"].startswith("text/event-stream")
    owner = {"Authorization": f"Bearer {running.token}"}
    text = APPLICATION.replace("offers", "announced")
    assert running.ask("POST", "/api/v1/applications", {"text": text}, owner)[0] == 200
    assert listening.hears("home")
    asked = "/api/v1/applications/announced/decisions"
    assert running.ask("POST", asked, {"customer": "c", "a": 1.0}, owner)[0] == 200
    assert listening.hears("decisions")


@pytest.mark.processes
def test_nothing_is_announced_to_who_may_read_nothing(running: Running) -> None:
    token = running.command("token", "create", "--role", "caller", "--application", "announced")["token"]
    for key, status in ((token, 403), ("wrong", 401)):
        stream = Stream(running, key)
        assert stream.answer.status == status
        stream.connection.close()


@pytest.mark.processes
def test_reading_and_listening_change_nothing(running: Running, listening: Stream) -> None:
    """Else every page would ask for everything again, for ever."""
    owner = {"Authorization": f"Bearer {running.token}"}
    announced = []
    # Jobs of the home may write something of their own now and then, but not each time that somebody reads.
    for _ in range(3):
        assert running.ask("GET", "/api/v1/models", None, owner)[0] == 200
        announced.append(listening.next())
    assert [] in announced


# ---- ending


def scope() -> dict[str, Any]:
    return {
        "method": "GET",
        "path": CHANGES,
        "raw_path": CHANGES.encode(),
        "query_string": b"",
        "headers": [(b"host", b"x")],
    }


async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Stand where control stands, and never end."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nhi\n\r\n")
    with contextlib.suppress(OSError):
        await reader.read()
    writer.close()


def test_a_gateway_that_leaves_ends_its_streams_in_order_and_takes_no_more_than_its_bound(tmp_path: Path) -> None:
    async def played() -> None:
        path = tmp_path / "control.sock"
        control = await asyncio.start_unix_server(endless, sock=listen_unix(path))
        leaving, begun = asyncio.Event(), asyncio.Event()
        relay = Relay(path, leaving, most_streams=1)
        heard: list[dict[str, Any]] = []

        whole = [{"type": "http.request", "body": b"", "more_body": False}]

        async def receive() -> dict[str, Any]:
            if not whole:
                await asyncio.Event().wait()
            return whole.pop()

        async def send(message: dict[str, Any]) -> None:
            heard.append(message)
            begun.set()

        one = asyncio.create_task(relay(scope(), receive, send, []))
        await begun.wait()
        assert relay.streams == 1
        assert relay.in_flight == 0
        refused: list[dict[str, Any]] = []

        async def send_other(message: dict[str, Any]) -> None:
            refused.append(message)

        assert await relay(scope(), receive, send_other, []) == 429
        leaving.set()
        assert await asyncio.wait_for(one, SOON) == 200
        assert heard[-1] == {"type": "http.response.body", "body": b"", "more_body": False}
        assert relay.streams == 0
        control.close()

    asyncio.run(played())
    assert not is_stream("POST", CHANGES)


def test_control_that_is_told_to_end_waits_for_no_listener(tmp_path: Path) -> None:
    leaving, echo = threading.Event(), Echo()
    routes = application(echo, [], "1", [changes_route(lambda: {"home": 1}, leaving.is_set)])
    process = server(routes, echo, -1, leaving=leaving)
    path = tmp_path / "control.sock"
    thread = threading.Thread(target=process.run, kwargs={"sockets": [listen_unix(path)]})
    thread.start()
    line = connect_unix(path, timeout=SOON)
    line.sendall(f"GET {CHANGES} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer good\r\n\r\n".encode())
    assert b"200 OK" in line.recv(65536)
    began = time.monotonic()
    process.handle_exit(signal.SIGTERM, None)
    thread.join(GRACE_SECONDS / 2)
    assert not thread.is_alive(), time.monotonic() - began
    line.close()
