"""`GET /api/v1/changes`: a stream that says when something changed, and nothing of what: who may read it asks for it.

Server-sent events (WHATWG HTML, section 9.2). A stream says every few seconds that it is there, and ends by itself after some minutes: a
browser comes again, and with it the question whether its session is still good.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import msgspec
from litestar import Request, get
from litestar.response import ServerSentEvent, ServerSentEventMessage

from tenure.entrypoints.api.routes import actor_of
from tenure.entrypoints.streams import CHANGES
from tenure.governance.access import Permission, authorize

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from litestar.handlers import HTTPRouteHandler

_LOOK_SECONDS = 0.5
_ALIVE_SECONDS = 3.0
_LIFE_SECONDS = 300.0
_AGAIN_MS = 1000
#: decisions come many times a second, and to count them anew costs more than to be told of them
_AT_MOST_EVERY = {"decisions": 4.0, "features": 4.0}


def changes_route(marks: Callable[[], Mapping[str, int]], is_leaving: Callable[[], bool]) -> HTTPRouteHandler:
    """Return the route; `marks` gives a number for each kind of thing, another one after it changed."""

    @get(CHANGES, operation_id="changes:watch", summary="watch changes", tags=["changes"])
    async def watch(request: Request[Any, Any, Any]) -> ServerSentEvent:
        """Say when something changed: `event: changed`, `data:` a JSON list of decisions, features, home, processes."""
        authorize(actor_of(request), Permission.STATUS)
        return ServerSentEvent(_changes(marks, is_leaving), retry_duration=_AGAIN_MS)

    return watch


async def _changes(
    marks: Callable[[], Mapping[str, int]], is_leaving: Callable[[], bool]
) -> AsyncIterator[ServerSentEventMessage]:
    began = spoke = time.monotonic()
    told = dict(marks())
    told_at = dict.fromkeys(told, 0.0)
    yield ServerSentEventMessage(data="[]", event="changed")
    while not is_leaving() and (now := time.monotonic()) - began < _LIFE_SECONDS:
        found = marks()
        changed = sorted(
            kind
            for kind, mark in found.items()
            if mark != told[kind] and now - told_at[kind] >= _AT_MOST_EVERY.get(kind, 0.0)
        )
        if changed:
            told |= {kind: found[kind] for kind in changed}
            told_at |= dict.fromkeys(changed, now)
            yield ServerSentEventMessage(data=msgspec.json.encode(changed), event="changed")
        elif now - spoke >= _ALIVE_SECONDS:
            yield ServerSentEventMessage(data="[]", event="changed")
        else:
            await asyncio.sleep(_LOOK_SECONDS)
            continue
        spoke = now
