"""One process of ours, by pid and start time: started here or taken over from a supervisor that is gone."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tenure.kit.log_lines import message_of
from tenure.serving.supervisor.precedence import be_prompt

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_LARGEST_LOG = 16 << 20
_LAST_WORDS = 2000


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a process is started: what runs, in which environment, with which descriptors, and where it writes."""

    name: str
    command: Sequence[str]
    environ: Mapping[str, str] | None
    log: Path
    descriptors: tuple[int, ...] = ()
    #: whether a decision waits for it (`precedence`)
    prompt: bool = False


class Process:
    """A living process; `gone` is set when it has died, however it was started."""

    def __init__(self, pid: int, pidfd: int, popen: subprocess.Popen[bytes] | None, log: Path, log_from: int) -> None:
        self.pid = pid
        self.started = start_time(pid) or 0
        self.gone = asyncio.Event()
        self.end = ""
        self._pidfd = pidfd
        self._popen = popen
        self._log = log
        self._log_from = log_from
        asyncio.get_running_loop().add_reader(pidfd, self._ended)

    @classmethod
    def start(cls, recipe: Recipe) -> Process:
        """Start a process in a session of its own, so that no terminal's signal and no group's end reaches it."""
        recipe.log.parent.mkdir(parents=True, exist_ok=True)
        _turn_over(recipe.log)
        with recipe.log.open("ab") as log:
            begin = log.tell()
            popen = subprocess.Popen(
                list(recipe.command),
                env=None if recipe.environ is None else dict(recipe.environ),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=recipe.descriptors,
                start_new_session=True,
            )
        if recipe.prompt:
            be_prompt(popen.pid)
        return cls(popen.pid, os.pidfd_open(popen.pid), popen, recipe.log, begin)

    @classmethod
    def adopt(cls, pid: int, started: int, log: Path) -> Process | None:
        """Return the process that had this pid and start time, or None when it is gone."""
        try:
            pidfd = os.pidfd_open(pid)
        except OSError:
            return None
        # The descriptor came first: from here on the pid cannot come to mean another process unseen.
        if start_time(pid) != started:
            os.close(pidfd)
            return None
        return cls(pid, pidfd, None, log, log.stat().st_size if log.exists() else 0)

    @property
    def alive(self) -> bool:
        """Return whether it has not been seen to die."""
        return not self.gone.is_set()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal; nothing happens when it is gone."""
        if self.alive:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, number)

    async def stop(self, grace: float) -> None:
        """Ask it to end, and end it after `grace` seconds; return when it is gone."""
        self.signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self.gone.wait(), grace)
        except TimeoutError:
            self.signal(signal.SIGKILL)
            await self.gone.wait()

    def last_words(self) -> str:
        """Return the last lines that it wrote, in one line, or how it ended when it wrote none."""
        try:
            with self._log.open("rb") as log:
                log.seek(max(self._log_from, self._log.stat().st_size - _LAST_WORDS))
                text = log.read().decode(errors="replace")
        except OSError:
            text = ""
        lines = [message_of(line.strip()) for line in text.splitlines() if line.strip()]
        return " | ".join([*lines[-3:], self.end]).strip(" |")

    def _ended(self) -> None:
        asyncio.get_running_loop().remove_reader(self._pidfd)
        os.close(self._pidfd)
        self.end = _how(self._popen.wait() if self._popen else None)
        self.gone.set()


def start_time(pid: int) -> int | None:
    """Return when a process started, in clock ticks since boot (field 22 of /proc/PID/stat), or None when it is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    # The name of the program stands in brackets and may hold anything, so fields are counted from the last bracket.
    return int(text[text.rindex(")") + 2 :].split()[19])


def _how(code: int | None) -> str:
    if code is None:
        return "ended"
    if code < 0:
        return f"killed by signal {-code} ({signal.strsignal(-code)})"
    return f"exit {code}"


def _turn_over(log: Path) -> None:
    """Begin a new log file when the present one has grown large; one older is kept."""
    if log.exists() and log.stat().st_size > _LARGEST_LOG:
        log.rename(log.with_suffix(".log.1"))
