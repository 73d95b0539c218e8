"""How the processes of a running home are replaced: asked of its supervisor, or of the one that takes its place."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

from tenure.kit.errors import Kind, TenureError
from tenure.serving import announce
from tenure.serving.announce import NoSupervisor, SupervisorRefused

if TYPE_CHECKING:
    from tenure.settings import Home

_SECONDS = 60.0
_PAUSE_SECONDS = 0.05


class NothingRuns(TenureError):
    """There is no supervisor whose processes could be replaced."""

    code = "nothing-runs"
    kind = Kind.UNAVAILABLE
    message = "nothing runs in {home}, so nothing can be replaced: {why}"
    next_step = "start it: tenure up --detach"


class NotReplaced(TenureError):
    """The new process did not take over; the old one still serves."""

    code = "not-replaced"
    kind = Kind.UNAVAILABLE
    message = "the {what} was not replaced: {why}"
    next_step = "see the logs in {logs}; what ran before still runs"


class HomeProcesses:
    """The processes of one home (governance/restarting.py)."""

    def __init__(self, home: Home) -> None:
        self._home = home

    def replace_gateways(self) -> list[int]:
        """Return the pids of the new gateways, once each old one has left its place."""
        self._supervisor()
        try:
            return announce.upgrade_gateways(self._home.supervisor_socket)
        except SupervisorRefused as error:
            raise NotReplaced(what="gateway", why=str(error), logs=self._home.logs) from error

    def replace_supervisor(self) -> int:
        """Return the pid of the new supervisor."""
        before = self._supervisor()
        command = [sys.executable, "-m", "tenure.serving.supervisor", "--home", str(self._home.root), "--takeover"]
        with (self._home.logs / "supervisor.log").open("ab") as log:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        until = time.monotonic() + _SECONDS
        while process.poll() is None and time.monotonic() < until:
            with contextlib.suppress(NothingRuns, SupervisorRefused, OSError):
                if (now := self._supervisor()) != before:
                    return now
            time.sleep(_PAUSE_SECONDS)
        why = "it ended" if process.poll() is not None else f"it was not ready within {_SECONDS:g} s"
        process.kill()
        raise NotReplaced(what="supervisor", why=why, logs=self._home.logs)

    def end_control(self) -> int:
        """Tell this process to end, which it does when all that it is asked is answered; the supervisor starts another."""
        pid = os.getpid()
        if self._status()["control"]["pid"] != pid:
            raise NotReplaced(what="control", why="this process is not the home's control", logs=self._home.logs)
        os.kill(pid, signal.SIGTERM)
        return pid

    def _supervisor(self) -> int:
        pid: int = self._status()["supervisor"]["pid"]
        return pid

    def _status(self) -> dict[str, Any]:
        try:
            return announce.status(self._home.supervisor_socket)
        except NoSupervisor as error:
            raise NothingRuns(home=self._home.root, why=str(error)) from error
