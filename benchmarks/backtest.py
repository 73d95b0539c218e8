"""A back-test over a generated log: decisions a second for rules alone, and what that makes of a million.

    backtest.py [--decisions 200000] [--processes 2] [--folder DIR]

Every decision has 17 request fields, a logged model output and three rules; the log is sealed before it is tried.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import resource
import tempfile
import time
from pathlib import Path

import msgspec

from tenure.accountability.backtest import Trial
from tenure.adapters.decision_log.reader import LogReader
from tenure.adapters.decision_log.sealer import Sealer
from tenure.adapters.decision_log.writer import LogWriter
from tenure.app.backtesting import LoggedTrials
from tenure.app.working import Working
from tenure.application.decisions.deciding import AskModel, Decider
from tenure.application.revisions.definition import parse
from tenure.contract.predictor import Batch, Prediction
from tenure.contract.records import encode
from tenure.contract.schema import Field
from tenure.kit.clock import DAY, SystemClock
from tenure.kit.ids import new_id

NAMES = [f"x{number}" for number in range(16)]
OUTPUTS = (Field("score", "float"),)
INPUTS = tuple(Field(name, "float") for name in NAMES)
TEXT = (
    "application: bench\nrequest:\n"
    + "".join(f"  {name}: float\n" for name in NAMES)
    + """\
  region: {type: string, values: [north, south]}
model: m@champion
fallback: {answer: {band: X}}
rules:
  - {id: low, before: model, when: "x0 < 0.02 && region == 'north'", answer: {band: N}}
  - {id: grey, after: model, when: "output.score > 0.7 && output.score < 0.8", review: desk}
  - {id: high, after: model, when: "output.score >= 0.7", answer: {band: C}}
default: {answer: {band: A}}
"""
)
CHANGED = TEXT.replace("output.score >= 0.7", "output.score >= 0.65")


def records(count: int, at: int) -> list[bytes]:
    """Return records as the gateway makes them, the first a moment after `at`."""
    decider = Decider(parse(TEXT), INPUTS, OUTPUTS, 1)
    made = []
    for _ in range(count):
        row = {name: random.random() for name in NAMES} | {"region": random.choice(["north", "south"])}
        step = decider.before(decider.admit_row(row), {})
        if isinstance(step, AskModel):
            said = {"score": random.random()}
            step = decider.after(step, Prediction("m", 1, "sha256:" + "0" * 64, said, b"\0" * 8, Batch(8, 1, 0, 60)))
        at += 20
        made.append(encode(decider.record(step, id=new_id(at), at=at, protect=lambda _, __: ("", ""), elapsed_us=900)))
    return made


def log_of(folder: Path, count: int) -> LogReader:
    clock = SystemClock()
    writer = LogWriter.open(folder, "bench", clock=clock)
    at = time.time_ns() // 1000 - DAY
    for start in range(0, count, 2000):
        writer.append_all(records(min(2000, count - start), at + 20 * start))
    writer.close_now()
    while Sealer(folder, clock=clock, lag=0).seal().records:
        pass
    return LogReader(folder)


def busy() -> float:
    """Return the processor seconds of this process and of those it started: what a busy machine does not change much."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--decisions", type=int, default=200_000)
    parser.add_argument("--processes", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    with contextlib.ExitStack() as stack:
        random.seed(1)
        folder = given.folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        reader = log_of(folder, given.decisions)
        changed = parse(CHANGED)
        trial = Trial(changed, {1: parse(TEXT)}, {"m/1": (INPUTS, OUTPUTS)}, by=("region",))
        for processes in sorted({1, given.processes}):
            trials = LoggedTrials(reader, None, lambda _: None, processes, Working())  # type: ignore[arg-type] # no version is asked
            begun, before = time.perf_counter(), busy()
            tally = trials.run(trial, "bench", given.decisions, personal=False)
            elapsed = time.perf_counter() - begun
            assert tally.compared == given.decisions
            million = elapsed * 1e6 / given.decisions
            spent = (busy() - before) * 1e6 / given.decisions
            print(
                msgspec.json.encode(
                    {"processes": processes, "decisions": tally.compared, "changed": tally.changed,
                     "seconds": round(elapsed, 2), "a_million_takes_seconds": round(million, 1),
                     "cpu_us_a_decision": round(spent, 1), "load": os.getloadavg()[0]}
                ).decode()
            )  # fmt: skip


if __name__ == "__main__":
    main()
