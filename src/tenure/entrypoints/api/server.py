"""Control's HTTP server on a Unix socket: uvicorn, with the door in front of the routes."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Self

import uvicorn

from tenure.entrypoints.api.console import Console
from tenure.entrypoints.api.door import Authenticator, Door, PeerProtocol
from tenure.entrypoints.api.heads import Heads
from tenure.entrypoints.api.hearing import Hearing
from tenure.governance.access import local_actor

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import FrameType

#: How long requests in flight may take to finish once the server was asked to stop.
GRACE_SECONDS = 20


class Server(uvicorn.Server):
    """uvicorn, which sets `leaving` as soon as it is told to end: streams would hold it up for all its grace."""

    def __init__(self, config: uvicorn.Config, leaving: threading.Event) -> None:
        super().__init__(config)
        self._leaving = leaving

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to end."""
        self._leaving.set()
        super().handle_exit(sig, frame)


def server(
    routes: Any,
    tokens: Authenticator,
    owner: int,
    console: Path | None = None,
    leaving: threading.Event | None = None,
) -> uvicorn.Server:
    """Return a server of the routes behind the door; `owner` is the uid that counts as the home's owner.

    `console` is the folder of the console, whose files stand before the door; `leaving` is set when it is told to end.
    """
    behind = Door(Heads(routes), tokens, owner, local_actor)
    config = uvicorn.Config(
        Hearing(Console(console, behind) if console else behind),
        http=PeerProtocol,
        proxy_headers=False,
        server_header=False,
        access_log=False,
        log_config=None,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    return Server(config, leaving or threading.Event())


class Ticker:
    """Calls `tick` about once a second in a thread of its own until it is stopped.

    The thread calls `begin` first; a tick that fails is told to `failed`, and the next one comes all the same.
    """

    def __init__(
        self,
        tick: Callable[[], object],
        begin: Callable[[], object],
        failed: Callable[[Exception], object],
        pause: float = 1.0,
    ) -> None:
        self._tick = tick
        self._begin = begin
        self._failed = failed
        self._pause = pause
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="tick", daemon=True)

    def __enter__(self) -> Self:
        """Begin ticking."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop, and wait until a tick that is under way has ended."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        self._begin()
        while not self._stopping.wait(self._pause):
            try:
                self._tick()
            except Exception as error:  # noqa: BLE001 - the boundary of a job: the next tick must come
                self._failed(error)
