"""Everything that the gateway does not answer itself goes, unread, to control over its Unix socket."""

from __future__ import annotations

import asyncio
import contextlib
import re
from typing import TYPE_CHECKING, Any

import h11

from tenure.entrypoints.gateway.problems import ControlBusy, ControlUnavailable, problem_of
from tenure.entrypoints.gateway.tracing import REQUEST_ID, TRACEPARENT
from tenure.entrypoints.streams import CHANGES
from tenure.serving import sockets
from tenure.serving.front import PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tenure.kit.errors import TenureError

    Headers = list[tuple[bytes, bytes]]

_PIECE = 1 << 16
#: requests that one gateway hands to control at once, and streams beside them
MOST_RELAYED = 64
MOST_STREAMS = 64
_RETRY_SECONDS = 5
#: RFC 9110 section 7.6.1: these belong to one connection
_HOP_BY_HOP = frozenset(
    [b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade", b"expect"]
)
#: control takes a request with this header as one from the network, so no client may send it or leave it out
_RELAYED = b"x-tenure-relay"
#: what only a gateway may say to control: these, and where the client is and whether it came over TLS
_OURS = b"x-tenure-"
_CLIENT, _SCHEME, _ASKED_AT = b"x-tenure-client", b"x-tenure-scheme", b"x-tenure-asked-at"
_HOST = re.compile(rb"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~-]+)(?::([0-9]{1,5}))?")
_LAST_PORT = 65_535
_NAMES = frozenset([REQUEST_ID, TRACEPARENT])
_OF_CONTROL = _HOP_BY_HOP | {b"date", b"server"}


def is_stream(method: str, path: str) -> bool:
    """Return whether the answer to this goes on until somebody leaves."""
    return method == "GET" and path == CHANGES


class Relay:
    """An ASGI application that hands each request to control and its answer back, both in pieces as they come.

    Streams end, in order, when `leaving` is set: who listens comes again, to another gateway.
    """

    def __init__(
        self, control: Path, leaving: asyncio.Event, most: int = MOST_RELAYED, most_streams: int = MOST_STREAMS
    ) -> None:
        self._control, self._leaving = control, leaving
        self._most, self._most_streams = most, most_streams
        #: requests that control has not answered yet
        self.in_flight = 0
        #: clients that listen to what changes
        self.streams = 0

    async def __call__(self, scope: Any, receive: Any, send: Any, names: Headers) -> int:
        """Relay one request and return the status that was sent, 0 when the client left before.

        `names` are headers that say which request it is, to control and to the client.
        """
        if is_stream(scope["method"], scope["path"]):
            return await self._stream(scope, receive, send, names)
        if self.in_flight >= self._most:
            return await _refuse(send, ControlBusy(in_flight=self.in_flight), names)
        self.in_flight += 1
        try:
            return await self._relay(scope, receive, send, names)
        finally:
            self.in_flight -= 1

    async def _stream(self, scope: Any, receive: Any, send: Any, names: Headers) -> int:
        if self.streams >= self._most_streams:
            return await _refuse(send, ControlBusy(in_flight=self.streams), names)
        self.streams += 1
        try:
            return await self._relay(scope, receive, send, names, self._leaving)
        finally:
            self.streams -= 1

    async def _relay(
        self, scope: Any, receive: Any, send: Any, names: Headers, until: asyncio.Event | None = None
    ) -> int:
        try:
            connection = sockets.connect_unix(self._control, timeout=1.0)
            reader, writer = await asyncio.open_unix_connection(sock=connection)
        except OSError:
            return await _refuse(send, ControlUnavailable(retry_after=_RETRY_SECONDS), names)
        exchange = _Exchange(scope, receive, send, reader, writer, names)
        try:
            return await exchange.run(until)
        except (OSError, EOFError, h11.ProtocolError):
            if exchange.status == 0:
                return await _refuse(send, ControlUnavailable(retry_after=_RETRY_SECONDS), names)
            return exchange.status
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


class _Exchange:
    """One request on its way to control, and the answer on its way back."""

    def __init__(
        self,
        scope: Any,
        receive: Any,
        send: Any,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        names: Headers,
    ) -> None:
        self.status = 0
        self._ended = False
        self._names = names
        self._scope = scope
        self._receive = receive
        self._send = send
        self._reader = reader
        self._writer = writer
        self._http = h11.Connection(h11.CLIENT)

    async def run(self, until: asyncio.Event | None = None) -> int:
        """Send and receive at once: control may answer before it has read everything. `until` ends a stream."""
        asking = asyncio.create_task(self._ask())
        answering = asyncio.create_task(self._answer())
        tasks = [asking, answering] if until is None else [asking, answering, asyncio.create_task(until.wait())]
        try:
            # Asking goes on until the client has left, so its end before the answer's is the client's leaving.
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if answering.done():
                answering.result()
            elif asking.done():
                asking.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if until is not None and until.is_set():
            await self._end_in_order()
        return self.status

    async def _end_in_order(self) -> None:
        """End an answer that has begun and would go on."""
        if self.status and not self._ended:
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _ask(self) -> None:
        target = self._scope["raw_path"]
        if self._scope["query_string"]:
            target += b"?" + self._scope["query_string"]
        told = (header for header in self._scope["headers"] if header[0] not in _NAMES)
        headers = [*relayed_headers(told), *self._names, *_origin(self._scope)]
        await self._write(h11.Request(method=self._scope["method"], target=target, headers=headers))
        more = True
        while (message := await self._receive())["type"] == "http.request":
            if message["body"]:
                await self._write(h11.Data(data=message["body"]))
            if more and not message["more_body"]:
                more = False
                await self._write(h11.EndOfMessage())

    async def _write(self, event: Any) -> None:
        self._writer.write(self._http.send(event) or b"")
        with contextlib.suppress(OSError):
            # Control may close its reading side early; what it says then is still to be read.
            await self._writer.drain()

    async def _answer(self) -> None:
        while True:
            event = self._http.next_event()
            if event is h11.NEED_DATA:
                self._http.receive_data(await self._reader.read(_PIECE))
            elif isinstance(event, h11.Response):
                await self._begin(event)
            elif isinstance(event, h11.Data):
                await self._send({"type": "http.response.body", "body": bytes(event.data), "more_body": True})
            elif isinstance(event, h11.EndOfMessage):
                self._ended = True
                await self._send({"type": "http.response.body", "body": b"", "more_body": False})
                return
            elif isinstance(event, h11.ConnectionClosed):
                raise EOFError

    async def _begin(self, response: h11.Response) -> None:
        self.status = response.status_code
        headers = [_as_seen(bytes(name), bytes(value)) for name, value in response.headers if name not in _OF_CONTROL]
        await self._send(
            {"type": "http.response.start", "status": response.status_code, "headers": [*headers, *self._names]}
        )


def relayed_headers(headers: Iterable[tuple[bytes, bytes]]) -> Iterable[tuple[bytes, bytes]]:
    """Return a client's headers as control gets them: none of one connection only, and marked as relayed."""
    chunked, host = False, b""
    for name, value in headers:
        if name == b"host":
            host = host or value
        elif name == b"transfer-encoding":
            chunked = True
        elif name not in _HOP_BY_HOP and not name.startswith(_OURS):
            yield name, value
    if chunked:
        yield b"transfer-encoding", b"chunked"
    yield b"host", _host(host)
    yield b"connection", b"close"
    yield _RELAYED, b"1"


def _host(given: bytes) -> bytes:
    """Return the host that was asked for; where none was (HTTP/1.0) or it is none, one that control can read."""
    found = _HOST.fullmatch(given)
    return given if found and int(found[1] or 0) <= _LAST_PORT else b"localhost"


def _origin(scope: Any) -> Iterable[tuple[bytes, bytes]]:
    """Return what control is told of the client."""
    if scope.get("client"):
        yield _CLIENT, str(scope["client"][0]).encode()
    yield _SCHEME, str(scope.get("scheme", "http")).encode()
    if asked_at := scope.get("state", {}).get("asked_at"):
        yield _ASKED_AT, asked_at.encode("latin-1")


def _as_seen(name: bytes, value: bytes) -> tuple[bytes, bytes]:
    """Return a header as who asked can follow it: control knows nothing of the path that all this is under."""
    prefix = PREFIX.get().encode()
    if prefix and name == b"location" and value.startswith(b"/"):
        return name, prefix + value
    if prefix and name == b"link" and value.startswith(b"</"):
        return name, b"<" + prefix + value[1:]
    return name, value


async def _refuse(send: Any, error: TenureError, names: Headers) -> int:
    status, headers, content = problem_of(error)
    await send({"type": "http.response.start", "status": status, "headers": [*headers, *names]})
    await send({"type": "http.response.body", "body": content, "more_body": False})
    return status
