"""The gateways as the supervisor sees them: who has joined, at which generation, and what they still have in flight."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tenure.serving.supervisor.conversation import Conversation


@dataclass(slots=True)
class Member:
    """One gateway that speaks to us. `lowest` is the oldest generation that a request in flight has pinned."""

    pid: int
    conversation: Conversation
    generation: int
    lowest: int
    ready: bool
    refused: tuple[int, str] | None = None

    def answered(self, generation: int) -> bool:
        """Return whether it has taken or refused the generation."""
        return self.generation >= generation or (self.refused is not None and self.refused[0] == generation)


class Members:
    """All joined gateways by pid, and the questions that travel between them.

    `numbers` gives the supervisor's own metrics: name → labels → value. `doubted` is told of a worker that owes an answer.
    """

    def __init__(self, changed: Callable[[], None], numbers: Callable[[], Any], doubted: Callable[[str], None]) -> None:
        self._numbers = numbers
        self._doubted = doubted
        self.by_pid: dict[int, Member] = {}
        self._changed = changed
        self._collections: dict[str, tuple[Conversation, set[int], list[Any]]] = {}

    def join(self, conversation: Conversation, message: dict[str, Any]) -> Member:
        """Take in a gateway that came, or that came back after we took over."""
        member = Member(
            pid=message["pid"],
            conversation=conversation,
            generation=message["generation"],
            lowest=message["lowest"],
            ready=message["ready"],
        )
        self.by_pid[member.pid] = member
        self._changed()
        return member

    def heard(self, conversation: Conversation, message: dict[str, Any]) -> None:
        """Take note of what a gateway says."""
        member = next((one for one in self.by_pid.values() if one.conversation is conversation), None)
        if member is None:
            return
        match message["op"]:
            case "ack":
                member.generation, member.lowest = message["generation"], message["lowest"]
            case "refused":
                member.refused = (message["generation"], message["why"])
            case "lowest":
                member.lowest = message["lowest"]
            case "ready":
                member.ready = True
            case "silent":
                self._doubted(message["worker"])
            case "collect":
                self._collect(member, message["ticket"])
            case "metrics":
                self._collected(member, message)
        self._changed()

    def left(self, conversation: Conversation) -> None:
        """Forget a gateway whose connection ended."""
        self.by_pid = {pid: one for pid, one in self.by_pid.items() if one.conversation is not conversation}
        self._changed()

    def tell(self, message: dict[str, Any], pids: Iterable[int] | None = None) -> None:
        """Say something to all of them, or to some."""
        for pid in list(self.by_pid) if pids is None else pids:
            if pid in self.by_pid:
                self.by_pid[pid].conversation.say(message)

    def _collect(self, asking: Member, ticket: str) -> None:
        """Ask the other gateways for their numbers, for one of them that is being scraped."""
        others = {pid for pid in self.by_pid if pid != asking.pid}
        self._collections[ticket] = (asking.conversation, others, [])
        self.tell({"op": "metrics", "ticket": ticket}, others)
        self._hand_out(ticket)

    def _collected(self, member: Member, message: dict[str, Any]) -> None:
        if message["ticket"] in self._collections:
            _, missing, samples = self._collections[message["ticket"]]
            missing.discard(member.pid)
            samples.append(message["samples"])
            self._hand_out(message["ticket"])

    def _hand_out(self, ticket: str) -> None:
        conversation, missing, samples = self._collections[ticket]
        if not missing & self.by_pid.keys():
            del self._collections[ticket]
            conversation.say({"op": "collected", "ticket": ticket, "samples": [*samples, self._numbers()]})
