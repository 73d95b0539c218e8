"""What processes of this machine use, read from /proc, and how they are stopped: a server with all its children."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def family(pid: int) -> list[int]:
    """Return the process and all that descend from it."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                children.setdefault(parent, []).append(int(entry.name))
    found = [pid]
    for one in found:
        found += children.get(one, [])
    return found


def running_with(word: str) -> list[int]:
    """Return the processes whose command line mentions a word, this one not among them."""
    found = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return sorted(pid for pid in found if pid != os.getpid() and any(word in one for one in command_of(pid)))


def command_of(pid: int) -> list[str]:
    """Return the command line of a process, empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")[:-1]
    except OSError:
        return []


def memory_mb(pid: int) -> float:
    """Return the resident megabytes of one process, what it shares with others counted in full."""
    return _kilobytes(Path(f"/proc/{pid}/status"), "VmRSS:") / 1024


def own_memory_mb(pids: list[int]) -> float:
    """Return the megabytes of processes together, what they share counted once (proportional set size)."""
    total = 0.0
    for pid in pids:
        with contextlib.suppress(OSError):
            total += _kilobytes(Path(f"/proc/{pid}/smaps_rollup"), "Pss:") / 1024
    return total


def cpu_seconds(pid: int) -> float:
    """Return the processor time that the process has used, in user and kernel mode."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def idle_percent(named: dict[str, int], seconds: float) -> dict[str, float]:
    """Return the percentage of one core that each process uses while nobody asks anything."""
    before = {name: cpu_seconds(pid) for name, pid in named.items()}
    time.sleep(seconds)
    return {name: round(100 * (cpu_seconds(pid) - before[name]) / seconds, 2) for name, pid in named.items()}


def tell(pids: list[int], number: int) -> None:
    """Send a signal to processes that may be gone."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def end(pid: int, seconds: float = 8) -> None:
    """End a process and all its descendants: asked first, killed when they do not go."""
    members = family(pid)
    tell(members, signal.SIGCONT)
    tell([pid], signal.SIGTERM)
    until = time.monotonic() + seconds
    while time.monotonic() < until and any(map(_alive, members)):
        time.sleep(0.1)
    tell([one for one in members if _alive(one)], signal.SIGKILL)


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _kilobytes(file: Path, field: str) -> int:
    return next(int(line.split()[1]) for line in file.read_text().splitlines() if line.startswith(field))
