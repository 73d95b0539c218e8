"""One connection to the supervisor's socket: JSON lines both ways, with descriptors beside them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
from typing import TYPE_CHECKING, Any

from tenure.serving import sockets

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_LARGEST_LINE = 1 << 20


class Conversation:
    """Reads lines and calls `heard(conversation, message)`; calls `ended(conversation)` once when the other side leaves.

    Descriptors that came with a message wait in `descriptors` until it has been heard, and are then closed.
    """

    def __init__(
        self,
        connection: socket.socket,
        heard: Callable[[Conversation, dict[str, Any]], None],
        ended: Callable[[Conversation], None],
    ) -> None:
        connection.settimeout(0)
        self.descriptors: list[int] = []
        self._connection = connection
        self._heard = heard
        self._ended = ended
        self._rest = b""
        self._unsent = bytearray()
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(connection, self._readable)

    @property
    def open(self) -> bool:
        """Return whether the other side may still hear us."""
        return self._connection.fileno() != -1

    def say(self, message: Mapping[str, Any]) -> None:
        """Send a message; one that cannot be delivered any more is forgotten."""
        if not self.open:
            return
        self._unsent += sockets.line(message)
        self._send()

    def close(self) -> None:
        """End the conversation."""
        if self.open:
            self._loop.remove_reader(self._connection)
            self._loop.remove_writer(self._connection)
            self._connection.close()
            self._ended(self)

    def _send(self) -> None:
        try:
            sent = self._connection.send(self._unsent)
        except BlockingIOError:
            sent = 0
        except OSError:
            self.close()
            return
        del self._unsent[:sent]
        if self._unsent:
            self._loop.add_writer(self._connection, self._send)
        else:
            self._loop.remove_writer(self._connection)

    def _readable(self) -> None:
        try:
            content, descriptors, _, _ = socket.recv_fds(self._connection, 1 << 16, 8)
        except BlockingIOError:
            return
        except OSError:
            content, descriptors = b"", []
        self.descriptors += descriptors
        self._take(content)
        for descriptor in self.descriptors:
            with contextlib.suppress(OSError):
                os.close(descriptor)
        self.descriptors.clear()
        if not content or len(self._rest) > _LARGEST_LINE:
            self.close()

    def _take(self, content: bytes) -> None:
        *lines, self._rest = (self._rest + content).split(b"\n")
        for text in lines:
            try:
                message = json.loads(text)
            except ValueError:
                self.close()
                return
            self._heard(self, message)


class Door:
    """A listening Unix socket that begins a conversation with everybody who comes."""

    def __init__(self, listener: socket.socket, welcome: Callable[[socket.socket], None]) -> None:
        self._listener = listener
        self._welcome = welcome
        asyncio.get_running_loop().add_reader(listener, self._come_in)

    def close(self) -> None:
        """Let nobody in any more."""
        asyncio.get_running_loop().remove_reader(self._listener)
        self._listener.close()

    def _come_in(self) -> None:
        with contextlib.suppress(BlockingIOError, InterruptedError):
            connection, _ = self._listener.accept()
            self._welcome(connection)
