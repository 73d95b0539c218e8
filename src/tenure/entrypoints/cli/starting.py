"""Starting a home and waiting until it is ready, and ending it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tenure.client.where import is_answering, write_private
from tenure.entrypoints.cli.caller import opened_at
from tenure.entrypoints.cli.gateways import public_address
from tenure.governance.tokens import OWNERS
from tenure.kit.errors import Kind, TenureError
from tenure.serving import front as fronts
from tenure.serving import sockets
from tenure.serving.announce import NoSupervisor, SupervisorRefused, down, status

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenure.entrypoints.cli.screen import Screen
    from tenure.serving.front import Front
    from tenure.settings import Home

READY_SECONDS = 180.0
_PAUSE_SECONDS = 0.1
_LAST_LINES = 12


class AlreadyUp(TenureError):
    """The home runs already."""

    code = "already-up"
    kind = Kind.CONFLICT
    message = "{home} is up already at {url}"
    next_step = "use it, or stop it with `tenure down`"


class CannotListen(TenureError):
    """The port is another's, or the host is none of this machine."""

    code = "cannot-listen"
    kind = Kind.CONFLICT
    message = "{host} port {port} cannot be listened at: {why}"
    next_step = "take another port with --port, or --port 0 for any that is free"


class DidNotStart(TenureError):
    """The supervisor ended, or was not ready in time."""

    code = "did-not-start"
    kind = Kind.UNAVAILABLE
    message = "Tenure did not start: {why}"
    next_step = "run `tenure doctor`; the logs are in {logs}"


@dataclass(frozen=True, slots=True)
class Start:
    """How a home is to be started."""

    home: Home
    host: str
    port: int
    gateways: int
    front: Front


@dataclass(frozen=True, slots=True)
class Running:
    """A home that is ready."""

    url: str
    pid: int
    process: subprocess.Popen[bytes]


def started(start: Start, progress: Callable[[str], None]) -> Running:
    """Start the supervisor and return when gateways and control answer."""
    _refuse_second(start.home)
    _refuse_taken(start.host, start.port)
    fronts.write(start.home.front, start.front)
    process = _supervisor(start)
    _wait_until_ready(start.home, process, progress)
    return Running(public_address(start.home), process.pid, process)


def owners_keys(home: Home) -> tuple[str, str]:
    """Return the owner's token and a one-time sign-in link.

    The token lies among the home's keys, which only its owner reads, who is its admin anyway; so what was exported
    once goes on working after a restart. One that was revoked is replaced.
    """
    with opened_at(home) as tenure:
        link = str(tenure.call("users:link")["url"])
        in_force = {one["id"] for one in tenure.call("tokens:list") if one["revoked_at"] is None}
        kept = home.owners_token
        if kept.exists() and (token := kept.read_text()).split("_")[1] in in_force:
            return token, link
        made = tenure.call("tokens:create", role="admin", name=OWNERS, reason="for the owner, by `tenure up`")
        write_private(kept, made["token"])
        return str(made["token"]), link


def wait_for_end(running: Running, home: Home, screen: Screen) -> None:
    """Stay until the supervisor ends; Ctrl-C and SIGTERM bring the home down in order."""
    screen.say("Ctrl-C brings it down")
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        running.process.wait()
    except KeyboardInterrupt:
        with screen.waiting("stopping: gateways finish what they have") as progress, contextlib.suppress(NoSupervisor):
            down(home.supervisor_socket, progress=progress)
        running.process.wait()


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _refuse_second(home: Home) -> None:
    with contextlib.suppress(NoSupervisor):
        status(home.supervisor_socket)
        raise AlreadyUp(home=home.root, url=public_address(home))


def _refuse_taken(host: str, port: int) -> None:
    """Raise `CannotListen` here, where it is a sentence: the supervisor's own words would be a trace in a log."""
    try:
        sockets.listen_tcp(host, port).close()
    except OSError as error:
        raise CannotListen(host=host, port=port, why=error.strerror or str(error)) from error


def _supervisor(start: Start) -> subprocess.Popen[bytes]:
    home = start.home
    home.logs.mkdir(parents=True, exist_ok=True)
    home.root.chmod(0o700)
    command = [sys.executable, "-m", "tenure.serving.supervisor", "--home", str(home.root)]
    command += ["--host", start.host, "--port", str(start.port), "--gateways", str(start.gateways)]
    environ = {name: value for name, value in os.environ.items() if name not in {"TENURE_URL", "TENURE_TOKEN"}}
    with (home.logs / "supervisor.log").open("ab") as log:
        # A session of its own: Ctrl-C reaches this command alone, which then brings the home down in order.
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, env=environ
        )


def _wait_until_ready(home: Home, process: subprocess.Popen[bytes], progress: Callable[[str], None]) -> None:
    until = time.monotonic() + READY_SECONDS
    while (waiting := _waits_for(home)) is not None:
        if process.poll() is not None:
            raise DidNotStart(why=_last_words(home), logs=home.logs)
        if time.monotonic() > until:
            raise DidNotStart(why=f"after {READY_SECONDS:.0f} seconds it still waits for {waiting}", logs=home.logs)
        progress(f"waiting for {waiting}")
        time.sleep(_PAUSE_SECONDS)


def _waits_for(home: Home) -> str | None:
    """Return what is not there yet, None when everything is."""
    try:
        found = status(home.supervisor_socket, timeout=5)
    except (NoSupervisor, SupervisorRefused, OSError):
        return "the supervisor"
    if not is_answering(home):
        return "control (it migrates the home and writes the first snapshot)"
    gateways = found["gateways"]
    ready = sum(gateway["state"] == "ready" for gateway in gateways.values())
    if not gateways:
        return "control to build what the versions in service need, where it is not there yet"
    return None if ready == len(gateways) else f"gateways ({ready} of {len(gateways)} ready)"


def _last_words(home: Home) -> str:
    lines = (home.logs / "supervisor.log").read_text(errors="replace").splitlines()
    return "\n".join(lines[-_LAST_LINES:]) or "the supervisor said nothing"
