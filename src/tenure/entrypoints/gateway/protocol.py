"""One client's connection: uvicorn's HTTP protocol with deadlines, bounds, and a way to leave without a reset.

uvicorn waits for ever for a silent client or the second half of a header, and closes at once when it is told to end.

A request for a decision that arrives in one piece, with none before it unanswered, goes a short way: no ASGI scope, no
events, and one write for the whole answer (measured: 20 of 74 µs). Every other request goes uvicorn's way: bodies in
pieces, `Expect: 100-continue`, pipelined requests, HTTP/1.0, everything that control answers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from tenure.entrypoints.gateway.patience import MOST_EXCESS
from tenure.entrypoints.gateway.problems import BadHttp, HeaderTooLarge, SlowClient, problem_of
from tenure.entrypoints.gateway.whole import WholeRequest, application_named, encoded
from tenure.serving.front import ASKED_AT, address_of

if TYPE_CHECKING:
    import asyncio

    from uvicorn.config import Config
    from uvicorn.server import ServerState

    from tenure.entrypoints.gateway.patience import Patience
    from tenure.entrypoints.gateway.problems import Answer
    from tenure.kit.errors import TenureError
    from tenure.serving.front import Front

_MOST_HEADER_BYTES = 64 << 10
#: longer than the keep-alive of common clients and proxies (60 s), so that they close first
KEEP_ALIVE_SECONDS = 75.0


class Decides(Protocol):
    """Who answers the requests that go the short way."""

    async def decide(self, application: str, headers: list[tuple[bytes, bytes]], body: bytes) -> Answer:
        """Return the answer to a whole request for a decision; raises nothing that a client could cause."""


class Connection(HttpToolsProtocol):
    """A connection whose client must send its header and body, and take its answer, within bounds.

    `header_since` and `body_since` are loop times at which the part now awaited began, 0.0 when none is awaited;
    `idle_since` is when the last answer was finished, 0.0 from the next byte on.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        loop: asyncio.AbstractEventLoop,
        patience: Patience,
        decides: Decides,
        front: Front,
    ) -> None:
        super().__init__(config=config, server_state=server_state, app_state={}, _loop=loop)
        self.patience = patience
        self._front = front
        self._is_believed = False
        self._peer: tuple[tuple[str, int] | None, Any] = (None, None)
        self._asked_at = ""
        self._decides = decides
        self._held: WholeRequest | None = None
        self.idle_since = 0.0
        self.header_since = 0.0
        self.body_since = 0.0
        self.stuck_since = 0.0
        self._header_bytes = 0
        self._body_bytes = 0
        self._excess = 0

    @property
    def busy(self) -> bool:
        """Return whether a request has been begun and not yet answered."""
        return bool(self._header_bytes) or (self.cycle is not None and not self.cycle.response_complete)

    def leave_after_this(self) -> None:
        """Close the connection after the answer that is being made."""
        if self.cycle is not None:
            self.cycle.keep_alive = False

    def look_at_clock(self, now: float, since_last: float) -> None:
        """Cut the client off when it keeps us waiting for longer than patience allows."""
        if self.patience.header_is_late(self.header_since, now):
            self._refuse(SlowClient(why="the header of the request did not arrive in time"))
        elif self.body_since and self.flow.read_paused:
            # We are not taking what it sends, so the delay is not the client's.
            self.body_since += since_last
        elif self.patience.body_is_late(self.body_since, self._body_bytes, now):
            self._refuse(SlowClient(why="the body of the request arrives too slowly"))
        elif self.patience.answer_is_late(self.stuck_since, now):
            self.patience.cut_off["never-reads"] += 1
            self.transport.abort()
        elif self.idle_since and now - self.idle_since > KEEP_ALIVE_SECONDS:
            self.transport.close()

    # ---- asyncio's and the parser's calls

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first header."""
        super().connection_made(transport)
        self._peer = self.client, self.scheme
        self._is_believed = self.client is not None and self._front.believes(self.client[0])
        self.header_since = self.loop.time()

    def data_received(self, data: bytes) -> None:
        """Take bytes; a header that goes on for ever is refused."""
        self.idle_since = 0.0
        if self.header_since or not self.busy:
            self._header_bytes += len(data)
        super().data_received(data)
        if self._held is not None:
            self._go_the_long_way(self._held)
        if self.header_since and self._header_bytes > _MOST_HEADER_BYTES:
            self._refuse(HeaderTooLarge(limit=_MOST_HEADER_BYTES))

    def on_message_begin(self) -> None:
        """Begin to wait for the rest of a header; the ASGI scope is made when it is needed."""
        self.url = b""
        self.headers = []
        self.expect_100_continue = False
        if not self.header_since:
            self.header_since = self.loop.time()

    def on_headers_complete(self) -> None:
        """Begin to wait for the body."""
        self.header_since = 0.0
        self._header_bytes = 0
        self._body_bytes = self._excess = 0
        self.url = self._front.within(self.url)
        if self._is_believed:
            self._believe()
        application = application_named(self.url)
        if application is not None and self._may_go_the_short_way():
            self._held = WholeRequest(
                application, self.headers, keep_alive=self.parser.should_keep_alive(), asked_at=self._asked_at
            )
        else:
            self._begin_cycle()

    def _believe(self) -> None:
        """Take the proxy's word for who asks, how, and at which host; each request may be another client's."""
        client, scheme = self._peer
        assert client is not None
        asked = self._front.asked(client[0], scheme, self.headers)
        self.client, self.scheme = (asked.client, client[1]), asked.scheme  # type: ignore[assignment]
        self.headers = [(b"host", asked.host), *(header for header in self.headers if header[0] != b"host")]
        self._asked_at = address_of(asked, self._front.prefix)

    def on_body(self, body: bytes) -> None:
        """Count and keep what arrives."""
        self._body_bytes += len(body)
        if self._held is not None:
            self._held.pieces.append(body)
        elif self.cycle.response_complete:
            self._waste(len(body))
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Wait for nothing more from the client."""
        self.body_since = 0.0
        held, self._held = self._held, None
        if held is None:
            super().on_message_complete()
        else:
            # It has all that uvicorn asks of a cycle.
            self.cycle = held  # type: ignore[assignment]
            held.task = self.loop.create_task(self._answer(held))

    def _waste(self, count: int) -> None:
        """Read on for a while after an answer that did not need the rest, so that the client comes to read it."""
        self._excess += count
        if self._excess > MOST_EXCESS:
            self.patience.cut_off["goes-on-sending"] += 1
            self.transport.abort()

    # ---- the short way

    def _may_go_the_short_way(self) -> bool:
        return (
            (self.cycle is None or self.cycle.response_complete)
            and not self.expect_100_continue
            and self.parser.get_method() == b"POST"
            and self.parser.get_http_version() == "1.1"
            and not self.parser.should_upgrade()
        )

    async def _answer(self, request: WholeRequest) -> None:
        """Answer a request in one write, and take the next one."""
        if request.asked_at:
            ASKED_AT.set(request.asked_at)
        try:
            answer = await self._decides.decide(request.application, request.headers, b"".join(request.pieces))
            if self.flow.write_paused and not request.disconnected:
                await self.flow.drain()
        except BaseException:
            self.transport.close()
            raise
        if request.disconnected or self.transport.is_closing():
            return
        request.response_started = request.response_complete = True
        keep_alive = request.keep_alive and not self.patience.leaving
        self.transport.write(encoded(answer, self.server_state.default_headers, keep_alive=keep_alive))
        if not keep_alive:
            self.transport.close()
        self.on_response_complete()

    # ---- uvicorn's way

    def _go_the_long_way(self, held: WholeRequest) -> None:
        """Hand over a request that has not arrived whole."""
        self._held = None
        self._begin_cycle()
        for piece in held.pieces:
            super().on_body(piece)

    def _begin_cycle(self) -> None:
        self.body_since = self.loop.time()
        url, headers, expects = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expects
        self.scope["state"]["asked_at"] = self._asked_at
        self.headers.extend(headers)
        super().on_headers_complete()
        if self.patience.leaving:
            self.leave_after_this()

    def on_response_complete(self) -> None:
        """Take the next request that waits, or be idle; the tick sees to the keep-alive, so no timer is needed."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        else:
            self.idle_since = self.loop.time()

    def pause_writing(self) -> None:
        """Begin to wait for the client to read."""
        self.stuck_since = self.loop.time()
        super().pause_writing()

    def resume_writing(self) -> None:
        """Wait no longer for the client to read."""
        self.stuck_since = 0.0
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP."""
        self._refuse(BadHttp(why=msg))

    def _refuse(self, error: TenureError) -> None:
        """Answer with a problem, if no answer has begun, and close."""
        self._held = None
        if self.transport.is_closing():
            return
        self.patience.cut_off[error.code] += 1
        if self.cycle is None or self.cycle.response_complete or not self.cycle.response_started:
            self.transport.write(encoded(problem_of(error), (), keep_alive=False))
        self.transport.close()
