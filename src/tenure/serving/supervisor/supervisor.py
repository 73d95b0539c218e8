"""What the supervisor can be asked to do, from the first start to the end; each is one method.

The data's way: `household.py` holds what runs; `announcing.py` serves a snapshot, `replacing.py` exchanges gateways,
`adoption.py` continues from an earlier supervisor, `status.py` shows what is.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Any

from tenure.serving.supervisor import adoption, announcing, replacing
from tenure.serving.supervisor import plan as plans
from tenure.serving.supervisor.recipes import CONTROL_SECONDS

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterable

    from tenure.serving.supervisor.household import Household
    from tenure.serving.supervisor.state import Remembered

    Say = Callable[[str], None]

_LOG = logging.getLogger("tenure.supervisor")
_STOP_CONTROL_SECONDS = 30.0


class Supervisor:
    """Keeps a household running, and makes one change of it at a time; knows nothing of how it is asked."""

    def __init__(self, house: Household) -> None:
        self.house = house
        self._changing = asyncio.Lock()
        self._ending = False

    def begin(self, listener: socket.socket) -> None:
        """Start everything, behind the caller's back and in order: control, the newest snapshot's workers, gateways."""
        self.house.listener = listener
        self.house.later(self._begin())

    async def _begin(self) -> None:
        house = self.house
        if house.with_control:
            house.keep_control()
            await house.changes.until(lambda: house.control is not None and house.control.settled, CONTROL_SECONDS)
        if house.plan.generation == 0:
            await announcing.serve(house, plans.newest(house.home.snapshots), _LOG.info)
        house.keep_gateways({})
        self._retire_unused()

    async def continue_from(self, old: Remembered, handed: dict[str, socket.socket]) -> None:
        """Take over what an earlier supervisor started, with the sockets that it handed over."""
        await adoption.adopt(self.house, old, handed)
        self.house.remember()
        self._retire_unused()

    async def announce(self, generation: int, say: Say) -> None:
        """Serve a generation: its workers are ready or failed and all gateways have swapped when this returns.

        Workers that it does not name stop afterwards, when no gateway has a request in flight that may ask them.
        """
        async with self._changing:
            self._refuse_at_the_end()
            if generation > self.house.plan.generation:
                await announcing.serve(self.house, plans.read(self.house.home.snapshots, generation), say)
            await announcing.acknowledged(self.house, say)
            self._retire_unused()

    async def upgrade_gateways(self, say: Say) -> list[int]:
        """Replace each gateway by a new process on the same socket: the new one answers before the old one drains."""
        async with self._changing:
            self._refuse_at_the_end()
            return await replacing.replace_all(self.house, say)

    async def end(self, say: Say) -> None:
        """Stop everything in order: gateways finish what they have begun, then workers, then control."""
        house = self.house
        self._ending = True
        say("gateways finish what they have begun")
        await house.drop_background()
        # Nobody takes the connections over, so idle ones need not be waited for.
        house.members.tell({"op": "drain", "grace": 0.2})
        seconds = house.plan.drain_seconds + replacing.CLOSE_SECONDS
        await _all(kept.stop(seconds) for kept in (*house.gateways.values(), *house.arriving.values()))
        await _all(process.stop(seconds) for _, process in house.leaving.values())
        say("workers stop")
        await _all(house.stop_worker(key, announcing.STOP_WORKER_SECONDS) for key in list(house.workers))
        if house.control is not None:
            say("control stops")
            await house.control.stop(_STOP_CONTROL_SECONDS)

    def _refuse_at_the_end(self) -> None:
        """Start nothing any more once the end has begun: control may announce a generation until it stops itself."""
        if self._ending:
            raise plans.Unplanned("everything is being stopped")

    async def let_go(self) -> None:
        """Watch nothing any more, and leave everything running for a successor."""
        await self.house.drop_background()
        await _all(one.release() for one in self.house.kept())

    def _retire_unused(self) -> None:
        self.house.later(announcing.retire_unused(self.house, self.house.plan))


async def _all(works: Iterable[Any]) -> None:
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.gather(*works)
