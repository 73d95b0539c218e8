"""Where the processes of a home meet and write, beside what `settings.Home` names. `key` is `model/version`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from tenure.settings import Home


def worker_socket(home: Home, key: str) -> Path:
    """Return where the worker of a version is reached."""
    return home.run / "workers" / f"{key.replace('/', '-')}.sock"


def worker_log(home: Home, key: str) -> Path:
    """Return where the worker of a version writes."""
    return home.logs / f"worker-{key.replace('/', '-')}.log"


def successor_socket(home: Home) -> Path:
    """Return where a process waits that will be the next supervisor."""
    return home.run / "standby.sock"


def supervisor_lock(home: Home) -> Path:
    """Return the file that the one supervisor of the home holds locked."""
    return home.run / "supervisor.lock"
