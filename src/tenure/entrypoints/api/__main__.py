"""`python -m tenure.entrypoints.api --home DIR`: the control process of a home."""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from tenure import __version__
from tenure.app.actions import ACTIONS
from tenure.app.control import Control
from tenure.app.packaging import missing, unpack
from tenure.entrypoints.api.changes import changes_route
from tenure.entrypoints.api.console import built_console
from tenure.entrypoints.api.pages import page_routes
from tenure.entrypoints.api.routes import application
from tenure.entrypoints.api.server import Ticker, server
from tenure.entrypoints.api.sessions import session_routes
from tenure.entrypoints.api.shortcuts import shortcut_routes
from tenure.entrypoints.api.uploads import missing_route, upload_route
from tenure.kit.log_lines import write_json_lines
from tenure.serving import front
from tenure.serving.sockets import listen_unix
from tenure.settings import Home

if TYPE_CHECKING:
    from collections.abc import Sequence

    from litestar import Litestar

_LOG = logging.getLogger("tenure.control")

#: How much the jobs stand back behind the requests (nice(2)).
_NICE = 10
#: How much control as a whole stands back behind gateways and workers.
_GROUP_NICE = 5


class Uploads:
    """The home's side of uploads."""

    def __init__(self, home: Home) -> None:
        self._home = home

    def missing(self, manifest: bytes) -> Sequence[str]:
        """Return the digests of the manifest's blobs that the home lacks."""
        return missing(self._home, manifest)

    def unpack(self, archive: Path, folder: Path) -> Path:
        """Unpack an uploaded tar into the new folder `folder`."""
        return unpack(archive, folder)


def main(arguments: list[str] | None = None) -> int:
    """Run until SIGTERM; return the exit code."""
    parser = argparse.ArgumentParser(prog="tenure.entrypoints.api", description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    home = Home(parser.parse_args(arguments).home.absolute())
    write_json_lines("control")
    front.PREFIX.set(front.read(home.front).prefix)
    # uvicorn raises the signal once more when it has ended in order, and a start may be interrupted: both end here.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)
    go_behind()
    control = Control.open(home)
    try:
        listener = listen_unix(home.control_socket)
        with Ticker(control.tick, stand_back, lambda error: _LOG.error("a job failed", exc_info=error)):
            console, leaving = built_console(os.environ.get("TENURE_CONSOLE", "")), threading.Event()
            routes = routes_of(control, home, leaving)
            server(routes, control, home.root.stat().st_uid, console, leaving).run(sockets=[listener])
    finally:
        control.close()
    return 0


def _leave(_number: int, _frame: object) -> None:
    raise SystemExit(0)


def routes_of(control: Control, home: Home, leaving: threading.Event) -> Litestar:
    """Return everything that control answers, without the door; streams end when `leaving` is set."""
    uploads = Uploads(home)
    taking = [upload_route(control, uploads, each, home.root / "uploads") for each in ACTIONS if each.upload]
    more = [
        *taking,
        missing_route(uploads),
        *session_routes(control.reception),
        *shortcut_routes(control),
        changes_route(control.noticing.marks, leaving.is_set),
        *page_routes(control),
    ]
    return application(control, ACTIONS, __version__, more)


def go_behind() -> None:
    """Let those who answer decisions go first where there are too few processors: a third of what a gateway gets.

    Every process of ours is a group of its own to Linux's scheduler, in which niceness counts only among its threads; the
    group's own stands in `/proc/self/autogroup` (sched(7)). Where there are no such groups, or this one has others in it too,
    nothing is done.
    """
    if os.getsid(0) == os.getpid():
        with contextlib.suppress(OSError):
            Path("/proc/self/autogroup").write_text(f"{_GROUP_NICE}\n")


def stand_back() -> None:
    """Put the calling thread behind the requests; on Linux a thread has a niceness of its own (setpriority(2), notes)."""
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)


if __name__ == "__main__":
    sys.exit(main())
