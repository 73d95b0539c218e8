"""Five times more requests than the model can answer: it goes on answering as many, and the others hear no at once."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tenure.model.package import BatchForm
from tests.faults.house import TOKEN, House, running
from tests.worker.packages import PLAIN

pytestmark = pytest.mark.processes

#: eight rows in a tenth of a second, without using the machine that the clients run on
CALL_SECONDS = 0.1
ROWS = 8
CAPACITY = ROWS / CALL_SECONDS
SLOW = PLAIN.replace("        return [self", f"        time.sleep({CALL_SECONDS})\n        return [self")
#: as the application's `deadline` says
DEADLINE = 0.5


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with running(tmp_path / "home", versions=1, source=SLOW, batch=BatchForm("fixed", ROWS)) as one:
        yield one


def test_a_short_overload_costs_no_goodput_and_is_refused_at_once(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    overload(house, seconds=4, capsys=capsys)


@pytest.mark.soak
def test_minutes_of_overload_cost_no_goodput_and_no_memory(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    overload(house, seconds=60, capsys=capsys)
    before = resident(house)
    overload(house, seconds=120, capsys=capsys)
    grown = resident(house) - before
    with capsys.disabled():
        print(f"\nsoak: memory of gateways and worker {grown / 2**20:+.1f} MiB over two more minutes", flush=True)
    assert grown < 16 << 20


def overload(house: House, seconds: float, capsys: pytest.CaptureFixture[str]) -> None:
    """Measure the peak with few clients, then send five times as much, whatever comes back."""
    asyncio.run(sent(house.port, rate=CAPACITY / 2, seconds=1))
    peak = asyncio.run(sent(house.port, rate=CAPACITY, seconds=max(2, seconds / 10)))
    flood = asyncio.run(sent(house.port, rate=5 * CAPACITY, seconds=seconds))
    refused = sorted(flood.refused)
    with capsys.disabled():
        print(
            f"\nsoak: peak {peak.goodput:.0f}/s; at 5 times that: {flood.goodput:.0f}/s answered by the model in time, "
            f"{flood.statuses}, fallback {flood.fallbacks}, refused within {1000 * refused[len(refused) // 2]:.1f} ms "
            f"(p50) and {1000 * refused[int(0.99 * len(refused))]:.1f} ms (p99)",
            flush=True,
        )
    assert set(flood.statuses) == {200, 429}
    assert flood.retry_after
    assert flood.retry_after <= {"1", "2", "3"}, "a few calls' time: the queue is short"
    assert flood.goodput >= 0.8 * peak.goodput
    assert flood.fallbacks <= 0.1 * flood.statuses[200]
    assert refused[len(refused) // 2] < 0.05


@dataclass
class Sent:
    """What came back: how many good answers a second, and how long refusals took."""

    seconds: float
    good: int = 0
    fallbacks: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    refused: list[float] = field(default_factory=list)
    retry_after: set[str] = field(default_factory=set)

    @property
    def goodput(self) -> float:
        return self.good / self.seconds


async def sent(port: int, rate: float, seconds: float) -> Sent:
    """Send requests at a fixed rate, each on an idle keep-alive connection, without waiting for earlier answers."""
    found, idle, under_way = Sent(seconds), list[tuple[asyncio.StreamReader, asyncio.StreamWriter]](), set()
    began = time.monotonic()
    for nth in range(int(rate * seconds)):
        await asyncio.sleep(max(0.0, began + nth / rate - time.monotonic()))
        under_way.add(asyncio.create_task(_one(port, nth, idle, found)))
    await asyncio.gather(*under_way)
    for _, writer in idle:
        writer.close()
    return found


async def _one(port: int, nth: int, idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]], found: Sent) -> None:
    reader, writer = idle.pop() if idle else await asyncio.open_connection("127.0.0.1", port)
    body = json.dumps({"customer": f"c{nth}", "a": 1.0, "b": nth / 7}).encode()
    head = f"POST /api/v1/applications/offers/decisions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n"
    began = time.perf_counter()
    writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    answered = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    headers = dict(line.split(": ", 1) for line in answered.splitlines()[1:] if line)
    content = await reader.readexactly(int(headers["content-length"]))
    took = time.perf_counter() - began
    status = int(answered.split()[1])
    found.statuses[status] += 1
    if status == 429:
        found.refused.append(took)
        found.retry_after.add(headers["retry-after"])
    by_model = b'"decided_by":"model"' in content
    found.good += by_model
    found.fallbacks += status == 200 and not by_model
    idle.append((reader, writer))


def resident(house: House) -> int:
    """Return the bytes of memory that gateways and worker hold."""
    pids = [*house.gateway_pids(), house.worker_pid("plain/1")]
    texts = [Path(f"/proc/{pid}/status").read_text() for pid in pids]
    return sum(int(text.split("VmRSS:")[1].split()[0]) << 10 for text in texts)
