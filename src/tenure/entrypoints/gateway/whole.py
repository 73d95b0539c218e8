"""A request for a decision that arrived in one piece, and an answer as the bytes that leave in one piece."""

from __future__ import annotations

from typing import TYPE_CHECKING

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterable

    from tenure.entrypoints.gateway.problems import Answer

APPLICATIONS = "/api/v1/applications/"
DECISIONS = "/decisions"
_BEFORE, _AFTER = APPLICATIONS.encode(), DECISIONS.encode()
#: what would make a path mean something else than it says
_NOT_PLAIN = (b"/", b"%", b"?", b"#")


class WholeRequest:
    """One request on the short way. Stands where uvicorn keeps its own cycle, and has all that uvicorn asks of that."""

    __slots__ = (
        "application", "asked_at", "disconnected", "headers", "keep_alive", "pieces", "response_complete", "response_started", "task",
    )  # fmt: skip

    def __init__(
        self, application: str, headers: list[tuple[bytes, bytes]], *, keep_alive: bool, asked_at: str = ""
    ) -> None:
        self.application = application
        #: the address at which a proxy says that the caller asked
        self.asked_at = asked_at
        self.headers = headers
        self.keep_alive = keep_alive
        self.pieces: list[bytes] = []
        self.disconnected = False
        self.response_started = False
        self.response_complete = False
        self.task: asyncio.Task[None] | None = None

    @property
    def message_event(self) -> WholeRequest:
        """Return what is to be told that more has arrived or that the client has gone."""
        return self

    def set(self) -> None:
        """Nobody waits: the request is whole."""


def application_named(target: bytes) -> str | None:
    """Return the application that a plain request target asks for a decision, None for any other target."""
    if not (target.startswith(_BEFORE) and target.endswith(_AFTER)):
        return None
    name = target[len(_BEFORE) : -len(_AFTER)]
    if not (name and name.isascii()) or any(mark in name for mark in _NOT_PLAIN):
        return None
    return name.decode("ascii")


def encoded(answer: Answer, defaults: Iterable[tuple[bytes, bytes]], *, keep_alive: bool) -> bytes:
    """Return the answer as HTTP/1.1."""
    lines = [STATUS_LINE[answer.status]]
    for name, value in (*defaults, *answer.headers):
        lines += (name, b": ", value, b"\r\n")
    lines += (b"\r\n" if keep_alive else b"connection: close\r\n\r\n", answer.content)
    return b"".join(lines)
