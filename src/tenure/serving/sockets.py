"""Sockets by path and by descriptor: long paths, one JSON line at a time, descriptors handed over (SCM_RIGHTS)."""

from __future__ import annotations

import contextlib
import json
import os
import socket
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

#: sun_path holds 108 bytes with its closing zero
_LONGEST = 107
#: the kernel passes at most 253 descriptors in one message (SCM_MAX_FD)
MOST_DESCRIPTORS = 253
_LARGEST_STATE = 1 << 20


@contextlib.contextmanager
def reachable(path: Path) -> Iterator[str]:
    """Give a name for a Unix socket that `bind` and `connect` take, however long its path is.

    A path that does not fit is reached through a descriptor of its folder, for as long as the block lasts.
    """
    if len(os.fsencode(path)) <= _LONGEST:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def listen_tcp(host: str, port: int) -> socket.socket:
    """Return a listening socket of the port; port 0 takes any free one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    listener.bind((host, port))
    listener.listen(4096)
    return listener


def listen_unix(path: Path, kind: int = socket.SOCK_STREAM) -> socket.socket:
    """Return a listening socket at `path`, taking the place of whatever stood there; only the owner may connect.

    It is bound beside and renamed, so that at no moment a client finds nothing at the path.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.{os.getpid()}")
    beside.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, kind)
    with reachable(beside) as name:
        listener.bind(name)
    beside.chmod(0o600)
    listener.listen(512)
    listener.settimeout(0)
    beside.rename(path)
    return listener


def connect_unix(path: Path, kind: int = socket.SOCK_STREAM, timeout: float | None = None) -> socket.socket:
    """Return a socket connected to `path`; raise `OSError` when nobody listens there."""
    connection = socket.socket(socket.AF_UNIX, kind)
    connection.settimeout(timeout)
    try:
        with reachable(path) as name:
            connection.connect(name)
    except OSError:
        connection.close()
        raise
    return connection


def line(message: Mapping[str, Any]) -> bytes:
    """Return one message as a JSON line."""
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


class Dismissed(Exception):
    """The supervisor ends on purpose, and wants no successor."""


DISMISSED = b"dismissed"
LEAVE = b"leave"


def send_state(successor: socket.socket, state: Mapping[str, Any], held: Mapping[str, int]) -> None:
    """Send the state and the descriptors of its sockets by name, as one packet (SOCK_SEQPACKET)."""
    content = json.dumps({"state": state, "sockets": list(held)}).encode()
    socket.send_fds(successor, [content], list(held.values()))


def receive_state(supervisor: socket.socket) -> tuple[dict[str, Any], dict[str, socket.socket]] | None:
    """Return the next state with its sockets by name, or None when the supervisor is gone; raise `Dismissed`."""
    try:
        content, descriptors, _, _ = socket.recv_fds(supervisor, _LARGEST_STATE, MOST_DESCRIPTORS)
    except ConnectionResetError:
        return None
    if content == DISMISSED:
        raise Dismissed
    if not content:
        return None
    message = json.loads(content)
    held = [socket.socket(fileno=descriptor) for descriptor in descriptors]
    return message["state"], dict(zip(message["sockets"], held, strict=True))
