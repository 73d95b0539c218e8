"""One client's connection: uvicorn's HTTP protocol with deadlines, bounds, and a way to leave without a reset.

uvicorn waits for ever for a silent client or the second half of a header, and closes at once when it is told to end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from tenure.entrypoints.gateway.problems import BadHttp, HeaderTooLarge, SlowClient, problem_of

if TYPE_CHECKING:
    import asyncio

    from uvicorn.config import Config
    from uvicorn.server import ServerState

    from tenure.entrypoints.gateway.patience import Patience
    from tenure.entrypoints.gateway.problems import Answer
    from tenure.kit.errors import TenureError

_MOST_HEADER_BYTES = 64 << 10


class Connection(HttpToolsProtocol):
    """A connection whose client must send its header and body, and take its answer, within bounds.

    `header_since` and `body_since` are loop times at which the part now awaited began, 0.0 when none is awaited.
    """

    def __init__(
        self, config: Config, server_state: ServerState, loop: asyncio.AbstractEventLoop, patience: Patience
    ) -> None:
        super().__init__(config=config, server_state=server_state, app_state={}, _loop=loop)
        self.patience = patience
        self.header_since = 0.0
        self.body_since = 0.0
        self.stuck_since = 0.0
        self._header_bytes = 0
        self._body_bytes = 0

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
            self.transport.abort()

    # ---- asyncio's and the parser's calls

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first header."""
        super().connection_made(transport)
        self.header_since = self.loop.time()

    def data_received(self, data: bytes) -> None:
        """Take bytes; a header that goes on for ever is refused."""
        if self.header_since or not self.busy:
            self._header_bytes += len(data)
        super().data_received(data)
        if self.header_since and self._header_bytes > _MOST_HEADER_BYTES:
            self._refuse(HeaderTooLarge(limit=_MOST_HEADER_BYTES))

    def on_message_begin(self) -> None:
        """Begin to wait for the rest of a header."""
        super().on_message_begin()
        if not self.header_since:
            self.header_since = self.loop.time()

    def on_headers_complete(self) -> None:
        """Begin to wait for the body."""
        self.header_since = 0.0
        self._header_bytes = 0
        self._body_bytes = 0
        self.body_since = self.loop.time()
        super().on_headers_complete()
        if self.patience.leaving:
            self.leave_after_this()

    def on_body(self, body: bytes) -> None:
        """Count what arrives."""
        self._body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Wait for nothing more from the client."""
        self.body_since = 0.0
        super().on_message_complete()

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
        if self.transport.is_closing():
            return
        if self.cycle is None or self.cycle.response_complete or not self.cycle.response_started:
            self.transport.write(_whole(problem_of(error)))
        self.transport.close()


def _whole(answer: Answer) -> bytes:
    lines = [name + b": " + value + b"\r\n" for name, value in (*answer.headers, (b"connection", b"close"))]
    return b"".join([STATUS_LINE[answer.status], *lines, b"\r\n", answer.content])
