"""What `tenure doctor` looks at: everything that a home needs from its machine."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

from tenure.serving import launch
from tenure.settings import DEFAULT_HOST, DEFAULT_PORT, Settings
from tenure.worker.confine import TOLD

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tenure.settings import Home

_ENV = "/usr/bin/env"
_ENOUGH_BYTES = 2 << 30


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; `next_step` is empty when it is as it should be."""

    what: str
    found: str
    next_step: str = ""

    @property
    def ok(self) -> bool:
        """Return whether nothing has to be done."""
        return not self.next_step


def checkup(environ: Mapping[str, str]) -> list[Finding]:
    """Return all findings for the environment's home."""
    home = Settings.of(environ).home
    return [
        _python(),
        _server(),
        _home(home),
        _space(home),
        _running(home),
        _port(home),
        _uv(),
        _interpreters(),
        _limits(),
        _seals(),
    ]


def _python() -> Finding:
    return Finding("Python", f"{sys.version.split()[0]} at {sys.executable}")


def _server() -> Finding:
    lacking = [name for name in ("litestar", "uvicorn", "sqlalchemy", "pyarrow", "duckdb") if find_spec(name) is None]
    if lacking:
        return Finding("server libraries", f"without {', '.join(lacking)}", "pip install 'tenure[server]'")
    return Finding("server libraries", "all there")


def _home(home: Home) -> Finding:
    if not home.root.exists():
        return Finding("home", f"{home.root} will be made by `tenure up`")
    if not os.access(home.root, os.W_OK | os.X_OK):
        return Finding("home", f"{home.root} cannot be written", "give it to this user, or set TENURE_HOME")
    return Finding("home", str(home.root))


def _space(home: Home) -> Finding:
    folder = next(parent for parent in (home.root, *home.root.parents) if parent.exists())
    free = shutil.disk_usage(folder).free
    step = "" if free > _ENOUGH_BYTES else "free some space: environments and the log need room"
    return Finding("disk", f"{free / 1e9:.1f} GB free", step)


def _running(home: Home) -> Finding:
    from tenure.entrypoints.cli.gateways import public_address
    from tenure.serving.announce import NoSupervisor

    try:
        return Finding("running", public_address(home))
    except NoSupervisor:
        return Finding("running", "no; `tenure up --detach` starts it")


def _port(home: Home) -> Finding:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((DEFAULT_HOST, DEFAULT_PORT))
        except OSError:
            return _taken(home)
    return Finding("port", f"{DEFAULT_PORT} is free")


def _taken(home: Home) -> Finding:
    if home.supervisor_socket.exists():
        return Finding("port", f"{DEFAULT_PORT} is in use, perhaps by this home")
    return Finding("port", f"{DEFAULT_PORT} is taken by another program", "choose one: tenure up --port 8081")


def _uv() -> Finding:
    from uv import find_uv_bin

    try:
        file = find_uv_bin()
    except FileNotFoundError as error:
        return Finding("uv", str(error), "pip install uv")
    said = subprocess.run([file, "--version"], capture_output=True, text=True, check=False)
    step = "" if said.returncode == 0 else "install it again: pip install --force-reinstall uv"
    return Finding("uv", said.stdout.strip() or said.stderr.strip(), step)


def _interpreters() -> Finding:
    found = sorted({name for name in _names() if shutil.which(name)})
    return Finding("Pythons for models", ", ".join(found) or "only this one")


def _limits() -> Finding:
    """Start a process as a worker is started, and see which limits hold."""
    command = [*launch.confining({}), sys.executable, "-c", f"import os; print(os.environ[{TOLD!r}])"]
    said = subprocess.run(command, env=launch.environ({}), capture_output=True, text=True, check=False)
    if said.returncode:
        return Finding("limits of workers", said.stderr.strip(), "no worker can be started; see the message")
    limits = json.loads(said.stdout)
    found = f"{limits['memory'] / 2**30:.1f} GiB, {limits['files']} files, network {limits['network']}: {limits['why']}"
    step = "" if limits["network"] == "none" else "allow seccomp or network namespaces, or trust every model's code"
    return Finding("limits of workers", found, step)


def _seals() -> Finding:
    """Hide from a process what a restore is to do without, and say which seal levels can be proven here.

    S2 is enough for production, so less than S3 asks for nothing to be done.
    """
    # What it becomes must need no library but glibc, or it could not say anything.
    command = [*launch.confining({}, {"empty": [], "libraries": True}), _ENV]
    said = subprocess.run(command, env=launch.environ({}), capture_output=True, text=True, check=False)
    told = next((line.partition("=")[2] for line in said.stdout.splitlines() if line.startswith(f"{TOLD}=")), "")
    if not told:
        return Finding("seal levels", f"up to S2: {said.stderr.strip() or f'{_ENV} said nothing'}")
    why = json.loads(told)["alone"]["why"]
    return Finding(
        "seal levels", f"up to S2: {why}" if why else "up to S3: restores are tried without this machine's libraries"
    )


def _names() -> list[str]:
    return [f"python3.{minor}" for minor in range(7, 15)]
