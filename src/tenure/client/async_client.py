"""The client for programs that run on an event loop: the same methods, each to be awaited."""

from __future__ import annotations

import asyncio
import queue
from functools import partial
from typing import TYPE_CHECKING, Any, Self, TypeVar

from tenure.client.client import Client
from tenure.client.connection import TIMEOUT_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tenure.kit.cursors import Page

_T = TypeVar("_T")


class AsyncClient:
    """A Tenure to talk to from coroutines; takes what `Client` takes and raises what it raises.

    Each request under way has a kept-alive connection of its own, in a thread of its own, at most `connections` at
    once; the others wait their turn. It needs no library beyond Python's, whatever the event loop is.
    """

    def __init__(
        self,
        url: str | None = None,
        token: str | None = None,
        *,
        timeout: float = TIMEOUT_SECONDS,
        retries: int = 3,
        connections: int = 16,
    ) -> None:
        self._make = partial(Client, url, token, timeout=timeout, retries=retries)
        self._idle: queue.SimpleQueue[Client] = queue.SimpleQueue()
        self._places = asyncio.Semaphore(connections)

    async def decide(self, application: str, request: Mapping[str, Any], key: str | None = None) -> dict[str, Any]:
        """Return the decision on a request; see `Client.decide`."""
        return await self._with(lambda client: client.decide(application, request, key))

    async def decide_batch(
        self, application: str, rows: Sequence[Any], key: str | None = None, first: int = 0
    ) -> dict[str, Any]:
        """Return the decisions on up to 10,000 requests; see `Client.decide_batch`."""
        return await self._with(lambda client: client.decide_batch(application, rows, key, first))

    async def decision(self, decision_id: str) -> dict[str, Any]:
        """Return a decision made earlier."""
        return await self._with(lambda client: client.decision(decision_id))

    async def outcomes(self, application: str, outcomes: Sequence[Mapping[str, Any]]) -> int:
        """Tell the truth about earlier decisions and return how many were recorded; see `Client.outcomes`."""
        return await self._with(lambda client: client.outcomes(application, outcomes))

    async def call(self, action: str, /, **given: Any) -> Any:
        """Perform any action by its name; see `Client.call`."""
        return await self._with(lambda client: client.call(action, **given))

    async def page(self, action: str, /, **given: Any) -> Page:
        """Return one page of a list; see `Client.page`."""
        return await self._with(lambda client: client.page(action, **given))

    async def close(self) -> None:
        """Close all connections; the next call opens new ones."""
        while not self._idle.empty():
            self._idle.get_nowait().close()

    async def __aenter__(self) -> Self:
        """Use the client for a while."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close all connections."""
        await self.close()

    async def _with(self, ask: Callable[[Client], _T]) -> _T:
        async with self._places:
            return await asyncio.to_thread(self._asked, ask)

    def _asked(self, ask: Callable[[Client], _T]) -> _T:
        client = self._next()
        try:
            return ask(client)
        finally:
            self._idle.put(client)

    def _next(self) -> Client:
        try:
            return self._idle.get_nowait()
        except queue.Empty:
            return self._make()
