"""A request is answered the same however its bytes arrive: the short way and uvicorn's differ in speed alone."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenure.entrypoints.gateway.patience import Patience
from tenure.entrypoints.gateway.problems import Answer
from tenure.entrypoints.gateway.server import Server
from tenure.entrypoints.gateway.whole import application_named

Headers = list[tuple[bytes, bytes]]


class Echo:
    """Tells what it was sent, after a turn of the loop, and counts which way requests came."""

    def __init__(self) -> None:
        self.short = self.long = 0

    async def decide(self, application: str, headers: Headers, body: bytes) -> Answer:
        self.short += 1
        await asyncio.sleep(0)
        return self._told(f"/api/v1/applications/{application}/decisions", headers, body)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.long += 1
        body, more = b"", True
        while more:
            message = await receive()
            body += message["body"]
            more = message["more_body"]
        answer = self._told(scope["path"], scope["headers"], body)
        await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
        await send({"type": "http.response.body", "body": answer.content, "more_body": False})

    @staticmethod
    def _told(path: str, headers: Headers, body: bytes) -> Answer:
        content = path.encode() + b"|" + dict(headers).get(b"idempotency-key", b"") + b"|" + body
        return Answer(200, [(b"content-length", str(len(content)).encode())], content)


@dataclass(frozen=True)
class Asked:
    """The bytes of one request and the content that answers it."""

    sent: bytes
    told: bytes


def asked(path: str, key: str, body: bytes, chunks: int = 0, extra: str = "") -> Asked:
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nIdempotency-Key: {key}\r\n{extra}"
    told = path.encode() + b"|" + key.encode() + b"|" + body
    if not chunks:
        return Asked(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body, told)
    size = -(-len(body) // chunks) or 1
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    content = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
    return Asked(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode() + content, told)


REQUESTS = st.builds(
    asked,
    st.sampled_from(["/api/v1/applications/offers/decisions", "/api/v1/outcomes", "/api/v1/applications/x%20y/decisions"]),
    st.text("abc", max_size=5),
    st.binary(max_size=300),
    st.integers(0, 3),
)  # fmt: skip


def answers(echo: Echo, pieces: list[bytes], count: int, patience: Patience | None = None) -> tuple[list[bytes], bool]:
    """Send the pieces one after the other; return the contents answered, and whether the connection then stands."""

    async def talk() -> tuple[list[bytes], bool]:
        listener = socket.create_server(("127.0.0.1", 0))
        server = Server(echo, patience or Patience())  # type: ignore[arg-type]
        address = listener.getsockname()
        server.listen(listener)
        reader, writer = await asyncio.open_connection(*address)
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in pieces:
            writer.write(piece)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        found = [await _answer(reader) for _ in range(count)]
        stands = await _stands(reader)
        writer.close()
        await server.leave(0.1, 0.2)
        return found, stands

    return asyncio.run(talk())


async def _answer(reader: asyncio.StreamReader) -> bytes:
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
    if head.startswith(b"HTTP/1.1 100"):
        return await _answer(reader)
    assert head.startswith(b"HTTP/1.1 200 OK\r\n"), head
    length = next(line for line in head.split(b"\r\n") if line.startswith(b"content-length: "))
    return await reader.readexactly(int(length.split()[1]))


async def _stands(reader: asyncio.StreamReader) -> bool:
    try:
        return await asyncio.wait_for(reader.read(1), 0.02) != b""
    except TimeoutError:
        return True


@settings(max_examples=60, deadline=None)
@given(st.lists(REQUESTS, min_size=1, max_size=6), st.data())
def test_answers_come_in_order_and_alike_however_the_bytes_are_cut(requests: list[Asked], data: st.DataObject) -> None:
    stream = b"".join(request.sent for request in requests)
    cuts = sorted(data.draw(st.sets(st.integers(1, len(stream) - 1), max_size=8)))
    pieces = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    told, stands = answers(Echo(), pieces, len(requests))
    assert stands
    expected = [request.told.replace(b"%20", b" ") for request in requests]
    assert told == expected


def test_a_request_in_one_piece_goes_the_short_way_and_any_other_does_not() -> None:
    decision = asked("/api/v1/applications/offers/decisions", "k", b"{}")
    for pieces, short in (
        ([decision.sent], 1),
        ([asked("/api/v1/applications/offers/decisions", "k", b"{}", 1).sent], 1),
        ([decision.sent[:-1], decision.sent[-1:]], 0),
        ([asked("/api/v1/outcomes", "k", b"{}").sent], 0),
        ([asked("/api/v1/applications/offers/decisions", "k", b"{}", extra="Expect: 100-continue\r\n").sent], 0),
    ):
        echo = Echo()
        _, stands = answers(echo, pieces, 1)
        assert (echo.short, echo.long, stands) == (short, 1 - short, True)


@pytest.mark.parametrize("extra", ["Connection: close\r\n", ""])
def test_a_client_that_wants_to_close_and_a_gateway_that_drains_end_after_the_answer(extra: str) -> None:
    decision = asked("/api/v1/applications/offers/decisions", "k", b"{}", extra=extra)
    echo = Echo()
    told, stands = answers(echo, [decision.sent], 1, Patience(leaving=not extra))
    assert told == [decision.told]
    assert not stands
    assert echo.short == 1


def test_a_client_that_never_reads_is_cut_off_and_frees_its_answer() -> None:
    class Large(Echo):
        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            for _ in range(1000):
                await send({"type": "http.response.body", "body": b"x" * (1 << 20), "more_body": True})
                self.long += 1

    async def talk() -> int:
        listener, large = socket.create_server(("127.0.0.1", 0)), Large()
        server = Server(large, Patience(read_seconds=0.2))  # type: ignore[arg-type]
        address = listener.getsockname()
        server.listen(listener)
        reader, writer = await asyncio.open_connection(*address, limit=1 << 10)
        writer.write(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        for _ in range(200):
            await asyncio.sleep(0.05)
            if large.long and not server.connections:
                break
        left = server.connections
        writer.close()
        reader.feed_eof()
        await server.leave(0.1, 0.2)
        return left

    assert asyncio.run(talk()) == 0


def test_an_old_client_is_answered_and_let_go() -> None:
    old = asked("/api/v1/applications/offers/decisions", "k", b"{}").sent.replace(b"HTTP/1.1", b"HTTP/1.0")
    echo = Echo()
    _, stands = answers(echo, [old], 1)
    assert (echo.long, stands) == (1, False)


def test_only_a_plain_path_names_an_application() -> None:
    assert application_named(b"/api/v1/applications/offers/decisions") == "offers"
    for other in (
        b"/api/v1/applications/offers/decisions?x=1", b"/api/v1/applications/a/b/decisions", b"/api/v1/outcomes",
        b"/api/v1/applications/a%2Fb/decisions", b"/api/v1/applications/a?x=/decisions",
        b"/api/v1/applications/\xc3\xa4/decisions", b"http://x/api/v1/applications/offers/decisions",
    ):  # fmt: skip
        assert application_named(other) is None
