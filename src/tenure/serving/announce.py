"""How control and the command line speak to the supervisor: one JSON line asks, lines of progress and one end answer.

Standard library only, and blocking: the caller waits as long as the supervisor needs. Protocol: docs/formats/snapshot.md.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tenure.kit.errors import Kind, TenureError
from tenure.serving import sockets

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

_RECONNECT_SECONDS = 0.05
#: how long a standby may take to stand where its supervisor stood
_STANDBY_SECONDS = 3.0


class NoSupervisor(TenureError):
    """Nobody answers on the supervisor's socket."""

    code = "no-supervisor"
    kind = Kind.UNAVAILABLE
    message = "no supervisor answers at {socket}: {why}"
    next_step = "start it with `tenure up --detach`"


class SupervisorRefused(TenureError):
    """The supervisor could not do what was asked."""

    code = "supervisor-refused"
    kind = Kind.UNAVAILABLE
    message = "the supervisor could not {asked}: {why}"
    next_step = "see `tenure status` and the supervisor's log"


@dataclass(frozen=True, slots=True)
class Announced:
    """What became of an announcement.

    `workers` has every worker of the snapshot: `ready`, or `failed: ` and its last words. `gateways` has every living
    gateway's pid and the generation it acknowledged.
    """

    generation: int
    workers: dict[str, str]
    gateways: dict[int, int]


def announce(
    socket: Path, generation: int, timeout: float = 180.0, progress: Callable[[str], None] | None = None
) -> Announced:
    """Have a snapshot served; return when its workers are ready or failed and every gateway has swapped to it."""
    end = ask(socket, {"op": "announce", "generation": generation}, timeout, progress)
    gateways = {int(pid): number for pid, number in end["gateways"].items()}
    return Announced(end["generation"], end["workers"], gateways)


def status(socket: Path, timeout: float = 10.0) -> dict[str, Any]:
    """Return what runs: generation, address, control, workers, gateways, each with pid, state and restarts."""
    return ask(socket, {"op": "status"}, timeout)["status"]  # type: ignore[no-any-return]


def down(socket: Path, timeout: float = 120.0, progress: Callable[[str], None] | None = None) -> None:
    """Stop everything: gateways finish what they have, then workers, control and the supervisor leave."""
    ask(socket, {"op": "down"}, timeout, progress)


def upgrade_gateways(socket: Path, timeout: float = 600.0, progress: Callable[[str], None] | None = None) -> list[int]:
    """Replace every gateway by a new one on the same port, one after the other; return the new pids."""
    return ask(socket, {"op": "upgrade-gateways"}, timeout, progress)["gateways"]  # type: ignore[no-any-return]


def ask(
    socket: Path, request: Mapping[str, Any], timeout: float, progress: Callable[[str], None] | None = None
) -> dict[str, Any]:
    """Send one request and return its end.

    A supervisor that dies meanwhile is replaced by its standby within a moment, and every request is the same whether
    it is made once or twice; so it is made again until somebody answers, for a few seconds.
    """
    until = time.monotonic() + timeout
    alone_since = until
    while True:
        tried = time.monotonic()
        try:
            return _ask_once(socket, request, until, progress)
        except (ConnectionRefusedError, ConnectionResetError, BrokenPipeError) as error:
            now = time.monotonic()
            # One that has listened for a while and then died leaves a standby with all its time still before it.
            alone_since = now if now > tried + 1 else min(alone_since, now)
            if now > min(until, alone_since + _STANDBY_SECONDS):
                raise NoSupervisor(socket=socket, why=error) from error
            time.sleep(_RECONNECT_SECONDS)
        except OSError as error:
            raise NoSupervisor(socket=socket, why=error) from error


def _ask_once(
    socket: Path, request: Mapping[str, Any], until: float, progress: Callable[[str], None] | None
) -> dict[str, Any]:
    with sockets.connect_unix(socket, timeout=max(0.05, until - time.monotonic())) as connection:
        connection.sendall(sockets.line(request))
        with connection.makefile("rb") as answers:
            for text in answers:
                message: dict[str, Any] = json.loads(text)
                if message["op"] == "progress" and progress is not None:
                    progress(message["text"])
                if message["op"] == "refused":
                    raise SupervisorRefused(asked=request["op"], why=message["why"])
                if message["op"] == "end":
                    return message
    raise ConnectionResetError("the supervisor closed the connection before it had answered")
