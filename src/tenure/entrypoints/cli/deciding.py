"""Deciding the rows of a file over HTTP, several at once, answers in the order of the rows."""

from __future__ import annotations

import queue
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from tenure.client.connection import RemoteProblem, Unreachable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tenure.client.client import Client
    from tenure.contract.schema import FieldType
    from tenure.entrypoints.cli.caller import Caller

_BUSY = frozenset({429, 503})
_ATTEMPTS = 60
_PAUSE_SECONDS = 0.5


def request_types(tenure: Caller, application: str) -> dict[str, FieldType]:
    """Return the type of every field of the active revision's request."""
    request = tenure.call("applications:show", application=application)["definition"]["request"]
    return {field["name"]: field["type"] for field in request}


def decide_all(
    connect: Callable[[], Client],
    application: str,
    requests: Sequence[Mapping[str, Any]],
    key: str | None,
    connections: int,
    count: Callable[[int], None],
) -> list[dict[str, Any]]:
    """Return one answer per request, in order; a request that is refused has its problem under `error`.

    With a `key`, row n is sent under the Idempotency-Key `key:n`, so that asking again gives the decision made before.
    """
    clients: queue.SimpleQueue[Client] = queue.SimpleQueue()
    for _ in range(connections):
        clients.put(connect())
    counting = threading.Lock()

    def one(place: int) -> dict[str, Any]:
        client = clients.get()
        try:
            return _decided(client, application, requests[place], f"{key}:{place}" if key else None)
        finally:
            clients.put(client)
            with counting:
                count(1)

    with ThreadPoolExecutor(connections) as pool:
        answers = list(pool.map(one, range(len(requests))))
    for _ in range(connections):
        clients.get().close()
    return answers


def _decided(client: Client, application: str, request: Mapping[str, Any], key: str | None) -> dict[str, Any]:
    """Return the answer to one request, waiting while the server says that it is busy."""
    for attempt in range(_ATTEMPTS):
        try:
            return client.decide(application, request, key)
        except RemoteProblem as error:
            if error.status not in _BUSY or attempt == _ATTEMPTS - 1:
                return {"error": str(error), "problem": error.document}
        except Unreachable:
            # Without a key it is not known whether the row was decided, so it is never sent again.
            if key is None or attempt == _ATTEMPTS - 1:
                raise
        time.sleep(_PAUSE_SECONDS)
    raise AssertionError("the last attempt returns or raises")
