"""Events on their way through a gateway: into the log first, then into the views that they feed."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from typing import TYPE_CHECKING, Protocol

import msgspec

from tenure.application.features.events import EventRefused, Told
from tenure.contract.records import encode
from tenure.governance.access import Permission, authorize
from tenure.kit.bodies import MalformedJson

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tenure.app.deciding import Log
    from tenure.app.generation import Generation
    from tenure.application.features.events import Entry, Protect
    from tenure.governance.access import Actor
    from tenure.kit.clock import Clock

_LOG = logging.getLogger("tenure.gateway")


class Sent(msgspec.Struct, forbid_unknown_fields=True):
    """Several events in one body."""

    events: list[Told]


class Recorded(msgspec.Struct):
    """How many events are in the log, their records' ids, and whether every view knows them already."""

    application: str
    recorded: int
    ids: list[str]
    fresh: bool


_SENT = msgspec.json.Decoder(Told | list[Told])
_SEVERAL = msgspec.json.Decoder(Sent)


class Views(Protocol):
    """Where views computed from events are kept."""

    def feed(self, entries: Iterable[Entry]) -> None:
        """Take events into their views, all or none; whoever reads next sees them."""


class Eventing:
    """Takes the events of a gateway's clients."""

    def __init__(self, log: Log, views: Views, protect: Protect, clock: Clock) -> None:
        self._log = log
        self._views = views
        self._protect = protect
        self._clock = clock

    async def take(self, generation: Generation, application: str, actor: Actor | None, body: bytes) -> bytes:
        """Record one event or several, all or none; when this returns they are durable and the next decision knows them."""
        known = authorize(actor, Permission.EVENTS_IMPORT, application)
        forms = generation.events(application)
        now = self._clock.now()
        taken = [
            forms.taken(place, told, now=now, actor=known.id, protect=self._protect)
            for place, told in enumerate(sent(body), 1)
        ]
        async with asyncio.TaskGroup() as group:
            for one in taken:
                group.create_task(self._log.append(encode(one.record), alone=False))
        fresh = await self._fed([entry for one in taken for entry in one.entries])
        return msgspec.json.encode(Recorded(application, len(taken), [one.record.id for one in taken], fresh))

    async def _fed(self, entries: list[Entry]) -> bool:
        """Return whether the views know the events; where they could not be told, control tells them from the log."""
        try:
            # Another process may be writing: that must not hold up this one's requests.
            await asyncio.to_thread(self._views.feed, entries)
        except sqlite3.Error:
            _LOG.exception("events are in the log, and in the views later")
            return False
        return True


def sent(body: bytes) -> list[Told]:
    """Return the events of a body: one, a list, or `{"events": […]}`; raise `EventRefused` or `MalformedJson`."""
    try:
        if body.lstrip()[:1] == b"{" and b'"events"' in body:
            return _SEVERAL.decode(body).events
        found = _SENT.decode(body)
    except msgspec.ValidationError as error:
        raise EventRefused(place="body", why=str(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedJson(why=str(error)) from error
    return found if isinstance(found, list) else [found]
