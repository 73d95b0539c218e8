"""SIGKILL under load: what was acknowledged is in the log, once."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from tenure.adapters.decision_log.reader import LogReader
from tenure.adapters.decision_log.sealer import Sealer
from tenure.adapters.decision_log.verify import verify_log
from tests.decision_log.log_faults import id_of

# Writes as fast as it can with 16 requests in flight, and prints an id only after its append returned.
LOAD = """
import asyncio, json, os, sys, time
from pathlib import Path
from tenure.adapters.decision_log.writer import LogWriter
from tenure.kit.ids import new_id

async def client(writer, out):
    while True:
        now = time.time_ns() // 1000
        name = new_id(now)
        record = {"v": 1, "kind": "decision", "id": name, "at": now, "application": "a", "revision": 1,
                  "request": {"pad": "x" * (now % 700)}, "decided_by": "model", "answer": {}}
        await writer.append(json.dumps(record).encode())
        os.write(1, name.encode() + b"\\n")

async def main():
    writer = LogWriter.open(Path(sys.argv[1]), sys.argv[2], segment_size=1 << 18)
    await asyncio.gather(*(client(writer, 1) for _ in range(16)))

asyncio.run(main())
"""


@pytest.mark.processes
def test_killed_writers_lose_and_double_nothing(tmp_path: Path) -> None:
    acknowledged: list[str] = []
    reader = LogReader(tmp_path)
    for run in range(6):
        output = tmp_path / f"acknowledged-{run}"
        with output.open("wb") as out:
            stream = f"gateway-{run % 2}"
            process = subprocess.Popen([sys.executable, "-c", LOAD, str(tmp_path), stream], stdout=out)
            try:
                wait_for_size(output, 3000 * (1 + run % 3))
                if run % 2:
                    Sealer(tmp_path, lag=0).seal()
            finally:
                os.kill(process.pid, signal.SIGKILL)
                process.wait()
        acknowledged += output.read_text().split("\n")[:-1]
        found = {id_of(record) for record in reader.find(limit=None)}
        assert set(acknowledged) <= found
    assert len(acknowledged) > 600
    sealed = Sealer(tmp_path, lag=0).seal()
    assert sealed.damage == ()
    times = Counter(document["id"] for batch in reader.scan() for document in batch)
    assert set(acknowledged) <= set(times)
    assert set(times.values()) == {1}
    assert verify_log(tmp_path) == []
    assert not list((tmp_path / "streams").iterdir()), "what dead writers left is sealed and gone"


def wait_for_size(file: Path, size: int, seconds: float = 30.0) -> None:
    until = time.monotonic() + seconds
    while file.stat().st_size < size:
        assert time.monotonic() < until, "it never happened"
        time.sleep(0.005)
