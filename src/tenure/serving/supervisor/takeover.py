"""How another supervisor takes the place: it holds a copy of every socket and the state, and waits for the lock.

The same wait serves the standby, which comes when its supervisor dies, and `--takeover`, which asks it to leave.
"""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING

from tenure.serving import sockets
from tenure.serving.places import successor_socket, supervisor_lock
from tenure.serving.supervisor import state
from tenure.serving.supervisor.state import Remembered

if TYPE_CHECKING:
    from tenure.settings import Home

_LOCK_SECONDS = 15.0


class Occupied(Exception):
    """Another supervisor has the home."""


def wait_for_turn(home: Home, *, now: bool) -> tuple[Remembered, dict[str, socket.socket]] | None:
    """Return what to continue from once the supervisor is gone; `now` asks it to leave; None when it is not wanted."""
    last: tuple[Remembered, dict[str, socket.socket]] | None = None
    with sockets.connect_unix(successor_socket(home), socket.SOCK_SEQPACKET) as supervisor:
        try:
            while (received := sockets.receive_state(supervisor)) is not None:
                _close(last)
                last = Remembered.of(received[0]), received[1]
                if now:
                    supervisor.send(sockets.LEAVE)
                    now = False
        except sockets.Dismissed:
            return None
    return last


def take_lock(home: Home, seconds: float = _LOCK_SECONDS) -> int:
    """Return the descriptor that holds the supervisor's lock; raise `Occupied` when another holds it for too long."""
    until = time.monotonic() + seconds
    while (held := state.lock(supervisor_lock(home))) is None:
        if time.monotonic() > until:
            raise Occupied(f"another supervisor runs in {home.root}")
        time.sleep(0.01)
    return held


def _close(earlier: tuple[Remembered, dict[str, socket.socket]] | None) -> None:
    for one in earlier[1].values() if earlier else ():
        one.close()
