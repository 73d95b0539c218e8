"""The end of a household: once it has begun, nothing is started any more."""

import asyncio
from pathlib import Path

import pytest

from tenure.serving.snapshot import Snapshot, WorkerEntry, write
from tenure.serving.supervisor.household import Household
from tenure.serving.supervisor.plan import Unplanned
from tenure.serving.supervisor.supervisor import Supervisor
from tenure.settings import Home


def test_a_generation_announced_while_everything_stops_starts_no_worker(tmp_path: Path) -> None:
    # Control announces until it is stopped itself, after the workers: it once left them behind, running for ever.
    home = Home(tmp_path)
    worker = WorkerEntry("sha256:1", "/bin/false", "", "worker.pyz", "package")
    write(home.snapshots, Snapshot(format=1, generation=1, created=0, workers={"churn/1": worker}))

    async def scenario() -> None:
        house = Household(home, 0, control=False, load_seconds=1)
        supervisor = Supervisor(house)
        await supervisor.end(lambda _: None)
        with pytest.raises(Unplanned, match="being stopped"):
            await supervisor.announce(1, lambda _: None)
        with pytest.raises(Unplanned, match="being stopped"):
            await supervisor.upgrade_gateways(lambda _: None)
        assert not house.workers

    asyncio.run(scenario())
