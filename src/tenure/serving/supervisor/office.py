"""Where the supervisor is spoken to: `run/supervisor.sock` for requests and gateways, `run/standby.sock` for successors.

Translates messages into the supervisor's methods and back; decides nothing. Protocol: docs/formats/snapshot.md.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from typing import TYPE_CHECKING, Any

from tenure.serving import sockets
from tenure.serving.places import successor_socket
from tenure.serving.supervisor import announcing, plan, replacing, state, status
from tenure.serving.supervisor.conversation import Conversation, Door
from tenure.serving.supervisor.replacing import GatewayNotReady

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from tenure.serving.supervisor.supervisor import Supervisor

_LOG = logging.getLogger("tenure.supervisor")


class Office:
    """Answers requests, hears gateways, and keeps every successor supplied with state and sockets."""

    def __init__(self, supervisor: Supervisor) -> None:
        #: set as soon as no successor is wanted any more
        self.ended = asyncio.Event()
        self.finished = asyncio.Event()
        self._supervisor = supervisor
        self._house = supervisor.house
        self._home = supervisor.house.home
        self._tasks: set[asyncio.Task[None]] = set()
        self._successors: dict[int, socket.socket] = {}
        self._doors = (
            Door(sockets.listen_unix(self._home.supervisor_socket), self._welcome),
            Door(sockets.listen_unix(successor_socket(self._home), socket.SOCK_SEQPACKET), self._welcome_successor),
        )
        supervisor.house.on_change = self.remember

    def remember(self) -> None:
        """Write down what runs and tell the successors."""
        if self._house.listener is None or self.ended.is_set():
            return
        remembered = self._house.remembered()
        try:
            state.write(self._home.state, remembered)
        except OSError as error:
            # The standby is told all the same; a full disk must not keep anything from being started.
            _LOG.warning("what runs cannot be written down: %s", error)
        for successor in list(self._successors.values()):
            self._hand(successor, remembered)

    def begin_end(self) -> None:
        """Stop everything and finish (the way of SIGTERM)."""
        self._later(self._end(_LOG.info))

    def close(self) -> None:
        """Let nobody in any more."""
        for door in self._doors:
            door.close()

    # ---- requests and gateways

    def _welcome(self, connection: socket.socket) -> None:
        Conversation(connection, self._heard, self._house.members.left)

    def _heard(self, conversation: Conversation, message: dict[str, Any]) -> None:
        def say(text: str) -> None:
            _LOG.info("%s", text)
            conversation.say({"op": "progress", "text": text})

        match message.get("op"):
            case "announce":
                self._later(self._answer(conversation, self._announce(message["generation"], say)))
            case "status":
                self._later(self._answer(conversation, self._status()))
            case "upgrade-gateways":
                self._later(self._answer(conversation, self._upgrade(say)))
            case "down":
                self._later(self._answer(conversation, self._end(say)))
            case "join":
                self._join(conversation, message)
            case _:
                self._house.members.heard(conversation, message)

    async def _answer(self, conversation: Conversation, work: Coroutine[Any, Any, dict[str, Any]]) -> None:
        try:
            end = await work
        except (plan.Unplanned, GatewayNotReady, OSError) as error:
            conversation.say({"op": "refused", "why": str(error)})
        else:
            conversation.say({"op": "end", **end})

    async def _announce(self, generation: int, say: Callable[[str], None]) -> dict[str, Any]:
        await self._supervisor.announce(generation, say)
        if refusals := announcing.refusals(self._house):
            raise plan.Unplanned("; ".join(refusals))
        return {
            "generation": self._house.plan.generation,
            "workers": {key: self._house.workers[key].verdict for key in self._house.plan.workers},
            "gateways": {str(pid): one.generation for pid, one in self._house.members.by_pid.items()},
        }

    async def _status(self) -> dict[str, Any]:
        return {"status": {**status.shown(self._house), "successors": len(self._successors)}}

    async def _upgrade(self, say: Callable[[str], None]) -> dict[str, Any]:
        return {"gateways": await self._supervisor.upgrade_gateways(say)}

    async def _end(self, say: Callable[[str], None]) -> dict[str, Any]:
        if self.ended.is_set():
            await self.finished.wait()
            return {}
        self._dismiss_successors()
        await self._supervisor.end(say)
        home = self._home
        for file in (home.state, home.supervisor_socket, home.control_socket, successor_socket(home)):
            file.unlink(missing_ok=True)
        asyncio.get_running_loop().call_later(0.05, self.finished.set)
        return {}

    def _join(self, conversation: Conversation, message: dict[str, Any]) -> None:
        member = self._house.members.join(conversation, message)
        if self._house.listener is None and conversation.descriptors:
            self._house.listener = socket.socket(fileno=conversation.descriptors.pop(0))
        replacing.welcome(self._house, member.pid)
        self._house.changes.happened()

    # ---- successors

    def _welcome_successor(self, connection: socket.socket) -> None:
        connection.settimeout(0)
        self._successors[connection.fileno()] = connection
        asyncio.get_running_loop().add_reader(connection, self._successor_spoke, connection)
        if self._house.listener is not None:
            self._hand(connection, self._house.remembered())
        self._house.changes.happened()

    def _hand(self, successor: socket.socket, remembered: state.Remembered) -> None:
        assert self._house.listener is not None
        held = {"http": self._house.listener, **self._house.worker_listeners}
        # More workers than descriptors fit: those left out get a new socket when they restart.
        handed = {key: one.fileno() for key, one in list(held.items())[: sockets.MOST_DESCRIPTORS]}
        try:
            sockets.send_state(successor, remembered.plain(), handed)
        except OSError as error:
            _LOG.warning("a successor does not listen: %s", error)
            self._forget_successor(successor)

    def _successor_spoke(self, successor: socket.socket) -> None:
        try:
            said = successor.recv(64)
        except BlockingIOError:
            return
        except OSError:
            said = b""
        if said == sockets.LEAVE:
            self._later(self._leave(successor))
        elif not said:
            self._forget_successor(successor)

    async def _leave(self, successor: socket.socket) -> None:
        """Make way for a successor that wants the place now; everything goes on running."""
        self._dismiss_successors(but=successor)
        await self._supervisor.let_go()
        self.finished.set()

    def _dismiss_successors(self, but: socket.socket | None = None) -> None:
        self.ended.set()
        for successor in list(self._successors.values()):
            if successor is not but:
                with contextlib.suppress(OSError):
                    successor.send(sockets.DISMISSED)
                self._forget_successor(successor)

    def _forget_successor(self, successor: socket.socket) -> None:
        asyncio.get_running_loop().remove_reader(successor)
        self._successors.pop(successor.fileno(), None)
        successor.close()

    def _later(self, work: Coroutine[Any, Any, Any]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    @property
    def has_successor(self) -> bool:
        """Return whether somebody waits to take over."""
        return bool(self._successors)
