"""The decision log alone: appends per second and their p50, beside the disk's own fdatasync in the same run.

    log.py [--records 20000] [--folder DIR]

`alone` appends one record after the other; `crowd` keeps 64 in flight. What a lone append costs above the disk's own
fdatasync is the log's share.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import tempfile
import time
from pathlib import Path

from tenure.adapters.decision_log.disk import Disk
from tenure.adapters.decision_log.reader import LogReader
from tenure.adapters.decision_log.sealer import Sealer
from tenure.adapters.decision_log.segment import scan
from tenure.adapters.decision_log.writer import LogWriter
from tenure.kit.ids import new_id

RECORD = 700
IN_FLIGHT = 64


def record() -> bytes:
    now = time.time_ns() // 1000
    head = f'{{"v":1,"kind":"decision","id":"{new_id(now)}","at":{now},"application":"bench","request":{{"x":"'
    return (head + '"},"decided_by":"model","answer":{}}').encode().replace(b'"x":"', b'"x":"' + b"x" * (RECORD - 180))


def disk_p50(folder: Path, rounds: int = 500) -> float:
    """Return the p50 in microseconds of writing a record's bytes into a zero-filled file and fdatasync."""
    disk = Disk()
    descriptor = disk.create(folder / "plain", 1 << 20)
    content, times = record(), []
    for number in range(rounds):
        started = time.perf_counter()
        disk.write(descriptor, content, number * 704)
        disk.sync(descriptor)
        times.append(time.perf_counter() - started)
    os.close(descriptor)
    return statistics.median(times) * 1e6


async def alone(writer: LogWriter, count: int) -> tuple[float, float]:
    times = []
    for _ in range(count):
        content = record()
        started = time.perf_counter()
        await writer.append(content, alone=True)
        times.append(time.perf_counter() - started)
    return count / sum(times), statistics.median(times) * 1e6


async def crowd(writer: LogWriter, count: int) -> tuple[float, float]:
    times: list[float] = []

    async def client() -> None:
        for _ in range(count // IN_FLIGHT):
            content = record()
            started = time.perf_counter()
            await writer.append(content, alone=False)
            times.append(time.perf_counter() - started)

    started = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(IN_FLIGHT)))
    return len(times) / (time.perf_counter() - started), statistics.median(times) * 1e6


async def appends(decisions: Path, count: int) -> None:
    writer = LogWriter.open(decisions, "bench")
    for name, run, number in (("alone", alone, count // 20), ("crowd", crowd, count)):
        rate, p50 = await run(writer, number)
        print(f"{name:<28}{rate:>12,.0f} appends/s {p50:>10,.0f} µs p50")
    await writer.close()


def rest(decisions: Path) -> None:
    content = max(
        (decisions / "streams" / "bench").glob("*.segment"), key=lambda path: path.stat().st_size
    ).read_bytes()
    report("scan of a segment", lambda: len(scan(content, 0).frames) or 1)
    reader = LogReader(decisions)
    report("first look at the tail", lambda: len(reader.find(limit=None)))
    report("seal", lambda: Sealer(decisions, lag=0).seal().records)
    report("scan by a job", lambda: sum(map(len, reader.scan(kind="decision"))))


def report(name: str, job) -> None:
    started = time.perf_counter()
    count = job()
    seconds = time.perf_counter() - started
    print(f"{name:<28}{count / seconds:>12,.0f} records/s {seconds * 1e3:>9,.0f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=20_000)
    parser.add_argument("--folder", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=asked.folder) as folder:
        print(f"{'the disk itself':<28}{'':>22} {disk_p50(Path(folder)):>10,.0f} µs p50")
        asyncio.run(appends(Path(folder) / "decisions", asked.records))
        rest(Path(folder) / "decisions")


if __name__ == "__main__":
    main()
