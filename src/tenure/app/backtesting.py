"""Running a back-test over the log: in this process, or where there is much to do in several of low priority.

`python -m tenure.app.backtesting` is one of these: a job on its standard input; on its standard output how many decisions it
has looked at, a line each time, and last its tally.
"""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import msgspec

from tenure.accountability.backtest import Comparison, Tally, Trial
from tenure.adapters.decision_log.newest import Newest, Piece, newest, read
from tenure.kit.errors import Kind, TenureError
from tenure.model.version import VersionRef, parse_ref

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tenure.accountability.backtest import Past
    from tenure.accountability.ports import Evidence
    from tenure.adapters.decision_log.reader import LogReader
    from tenure.app.working import Working

#: from so many decisions on it is worth the second that processes take to start
MANY = 30_000


class Job(msgspec.Struct, frozen=True):
    """What one process does."""

    trial: Trial
    application: str
    pieces: list[Piece]


class BacktestDied(TenureError):
    """A process of a back-test ended without its tally."""

    code = "backtest-died"
    kind = Kind.UNAVAILABLE
    message = "a process of the back-test ended with {status}"
    next_step = "try again with fewer decisions: --last N"


class LoggedTrials:
    """Tries a revision on the newest decisions of the log (accountability/ports.py)."""

    def __init__(
        self,
        reader: LogReader,
        evidence: Evidence,
        personal: Callable[[Any], Mapping[str, Any] | None],
        processes: int,
        working: Working,
    ) -> None:
        self._reader = reader
        self._working = working
        self._evidence = evidence
        self._personal = personal
        self._processes = processes

    def run(self, trial: Trial, application: str, last: int, *, personal: bool) -> Tally:
        """Return what was found in the newest decisions; `personal` says that personal fields must be decrypted."""
        found = newest(self._reader, application, last)
        with self._working.counting("rules:backtest", application, found.count) as count:
            if not (personal or trial.version) and found.count >= MANY and self._processes > 1:
                return self._apart(trial, application, found, count)
            with self._asking(trial) as model:
                comparison = Comparison(trial, self._decrypted if personal else None, model)
                unsealed = (found.unsealed[start : start + 2048] for start in range(0, len(found.unsealed), 2048))
                for records in itertools.chain(unsealed, read(found.pieces, application)):
                    comparison.look(records)
                    count(len(records))
            return comparison.tally

    def run_one(self, trial: Trial, record: bytes) -> Tally:
        """Return what becomes of one decision."""
        with self._asking(trial) as model:
            comparison = Comparison(trial, self._decrypted, model)
            comparison.look([record])
        return comparison.tally

    def raw(self, decision: str) -> bytes | None:
        """Return the bytes of a record, None where there is none."""
        return self._reader.get(decision)

    def _decrypted(self, past: Past) -> Mapping[str, Any] | None:
        return self._personal(past)

    def _asking(self, trial: Trial) -> Any:
        if not trial.version:
            return nullcontext(None)
        ref = parse_ref(trial.version)
        assert isinstance(ref, VersionRef)
        return self._evidence.asking(ref.model, ref.number)

    def _apart(self, trial: Trial, application: str, found: Newest, count: Callable[[int], None]) -> Tally:
        """Share the pieces out among processes, and look at what is not sealed in this one."""
        running = [
            _started(Job(trial, application, pieces)) for pieces in _shares(found.pieces, self._processes) if pieces
        ]
        comparison = Comparison(trial)
        comparison.look(found.unsealed)
        count(len(found.unsealed))
        with ThreadPoolExecutor(len(running) or 1) as waiting:
            for tally in waiting.map(lambda process: _finished(process, count), running):
                comparison.tally.add(tally)
        return comparison.tally


def _shares(pieces: Sequence[Piece], processes: int) -> list[list[Piece]]:
    """Return the pieces shared out evenly, neighbours together, so that a file is opened by one process."""
    share = -(-sum(piece.count for piece in pieces) // processes)
    shares: list[list[Piece]] = [[] for _ in range(processes)]
    done = 0
    for piece in pieces:
        shares[min(done // share, processes - 1)].append(piece)
        done += piece.count
    return shares


def _started(job: Job) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tenure.app.backtesting"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    with process.stdin:
        process.stdin.write(msgspec.json.encode(job))
    return process


def _finished(process: subprocess.Popen[bytes], count: Callable[[int], None]) -> Tally:
    """Return the tally that a process ends with; before it, each line says of how many decisions more it knows."""
    assert process.stdout is not None
    last = b""
    with process.stdout:
        for line in process.stdout:
            if last:
                count(int(last))
            last = line
    if process.wait():
        raise BacktestDied(status=process.returncode)
    return msgspec.json.decode(last, type=Tally)


def main() -> None:
    """Do one job."""
    os.nice(10)  # decisions go first
    job = msgspec.json.decode(sys.stdin.buffer.read(), type=Job)
    comparison = Comparison(job.trial)
    for records in read(job.pieces, job.application):
        comparison.look(records)
        sys.stdout.buffer.write(b"%d\n" % len(records))
        sys.stdout.buffer.flush()
    sys.stdout.buffer.write(msgspec.json.encode(comparison.tally))


if __name__ == "__main__":
    main()
