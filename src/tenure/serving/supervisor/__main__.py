"""`python -m tenure.serving.supervisor --home DIR`: start a home, or take over one that is running."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tenure.kit.log_lines import write_json_lines
from tenure.serving import sockets
from tenure.serving.supervisor import state, takeover
from tenure.serving.supervisor.household import Household
from tenure.serving.supervisor.kept import Kept
from tenure.serving.supervisor.office import Office
from tenure.serving.supervisor.process import start_time
from tenure.serving.supervisor.recipes import Recipes
from tenure.serving.supervisor.supervisor import Supervisor
from tenure.settings import DEFAULT_HOST, DEFAULT_PORT, Home

if TYPE_CHECKING:
    import socket

    from tenure.serving.supervisor.state import Remembered

    Inherited = tuple[Remembered, dict[str, socket.socket]]

_STANDBY_SECONDS = 10.0
_LOCK_SECONDS = 15.0


def main(arguments: list[str] | None = None) -> int:
    """Run until told to stop; return the exit code."""
    options = _parser().parse_args(arguments)
    write_json_lines("supervisor")
    home = Home(options.home.absolute())
    home.run.mkdir(parents=True, exist_ok=True, mode=0o700)
    inherited: Inherited | None = None
    if options.standby or options.takeover:
        inherited = takeover.wait_for_turn(home, now=options.takeover)
        if inherited is None:
            return 0
    try:
        takeover.take_lock(home, _LOCK_SECONDS if inherited else 0.0)
        inherited = inherited or _left_behind(home)
        listener = None if inherited else sockets.listen_tcp(options.host, options.port)
    except (takeover.Occupied, OSError) as error:
        print(f"the supervisor cannot start: {error}", file=sys.stderr)  # noqa: T201 - for the person who started it
        return 1
    return asyncio.run(_run(home, options, inherited, listener))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tenure.serving.supervisor", description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--host", default=DEFAULT_HOST)
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="0 takes any free port")
    parser.add_argument("--gateways", type=int, default=2)
    parser.add_argument("--load-seconds", type=float, default=120.0, help="how long a worker may take to load")
    parser.add_argument("--no-control", action="store_true", help="serve the newest snapshot without control")
    parser.add_argument("--takeover", action="store_true", help="take the place of the supervisor that runs")
    parser.add_argument("--standby", action="store_true", help="wait until the supervisor dies, then take its place")
    return parser


def _left_behind(home: Home) -> Inherited | None:
    """Return what a supervisor left that died together with its standby, if anything of it still lives."""
    left = state.read(home.state)
    if left is None or not any(start_time(one.pid) == one.started for one in left.processes):
        return None
    return left, {}


async def _run(
    home: Home, options: argparse.Namespace, inherited: Inherited | None, listener: socket.socket | None
) -> int:
    house = Household(home, options.gateways, control=not options.no_control, load_seconds=options.load_seconds)
    supervisor = Supervisor(house)
    office = Office(supervisor)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, office.begin_end)
    if inherited is not None:
        await supervisor.continue_from(*inherited)
    if listener is not None:
        supervisor.begin(listener)
    await _stand_guard(house, office)
    office.close()
    return 0


async def _stand_guard(house: Household, office: Office) -> None:
    """Keep a standby behind us until the office has finished."""

    async def waits(_: object) -> None:
        await house.changes.until(lambda: office.has_successor)

    standby = Kept(Recipes(house.home).standby, waits, house.changes, lambda: None, load_seconds=_STANDBY_SECONDS)
    await office.ended.wait()
    await standby.release()
    await office.finished.wait()


if __name__ == "__main__":
    sys.exit(main())
