"""`python -m tenure.entrypoints.gateway --home DIR --name NAME --listen-fd N`: one gateway, started by the supervisor."""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import resource
import signal
import socket
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import uvloop

from tenure.app.gateway import Gateway
from tenure.entrypoints.gateway import watching
from tenure.entrypoints.gateway.asgi import Application
from tenure.entrypoints.gateway.channel import Channel
from tenure.entrypoints.gateway.metrics import Metrics
from tenure.entrypoints.gateway.patience import Patience
from tenure.entrypoints.gateway.relay import Relay
from tenure.entrypoints.gateway.server import Server
from tenure.kit.log_lines import write_json_lines
from tenure.serving import front as fronts
from tenure.settings import Home

if TYPE_CHECKING:
    from tenure.entrypoints.gateway.metrics import Samples
    from tenure.serving.tls import Certificate


def main(arguments: list[str] | None = None) -> int:
    """Serve until told to leave; return the exit code."""
    options = _parser().parse_args(arguments)
    write_json_lines(options.name)
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    _allow_many_clients()
    front = fronts.read(Home(options.home.absolute()).front)
    fronts.PREFIX.set(front.prefix)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_Process(options, front).run())
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tenure.entrypoints.gateway", description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--listen-fd", type=int, required=True)
    return parser


def _allow_many_clients() -> None:
    """Take as many descriptors as the system grants: each client needs one."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


class _Process:
    """The life of a gateway: join the supervisor, serve, drain, leave."""

    def __init__(self, options: argparse.Namespace, front: fronts.Front) -> None:
        home = Home(options.home.absolute())
        self._listener = socket.socket(fileno=options.listen_fd)
        self._gateway = Gateway(home, partial(front.base, *self._listener.getsockname()[:2]))
        self._patience = Patience()
        self._leaving = asyncio.Event()
        self._grace: float | None = None
        metrics = Metrics()
        self._channel = Channel(
            home.supervisor_socket,
            options.name,
            self._gateway,
            options.listen_fd,
            self._samples,
            self._drain,
        )
        relay = Relay(home.control_socket, self._leaving)
        self._application = Application(self._gateway, relay, metrics, self._channel, self._patience, options.name)
        self._server = Server(self._application, self._patience, front, _certificate(front))
        self._watch(metrics, relay)
        self._gateway.left = self._generation_left
        self._gateway.swapped = self._take_limits
        self._gateway.silent = self._channel.say_silent
        self._tasks: set[asyncio.Task[None]] = set()

    def _watch(self, metrics: Metrics, relay: Relay) -> None:
        log = self._gateway.log
        watching.watch_links(metrics, lambda: self._gateway.generation.links)
        watching.watch_features(metrics, self._gateway.feature_counts)
        metrics.watch_rows("tenure_cut_off_total", lambda: watching.by_code(self._patience.cut_off))
        metrics.watch("tenure_relayed", lambda: relay.in_flight)
        metrics.watch("tenure_listening", lambda: relay.streams)
        metrics.watch("tenure_log_records_total", lambda: log.committed)
        metrics.watch("tenure_log_commits_total", lambda: log.groups)
        metrics.watch_stages(self._gateway.deciding.stages.sums)
        shadowing = self._gateway.shadowing
        metrics.watch("tenure_shadows_waiting", lambda: shadowing.waiting)
        metrics.watch("tenure_shadows_kept_total", lambda: shadowing.counts.kept)
        metrics.watch("tenure_shadows_dropped_total", lambda: shadowing.counts.dropped)
        metrics.watch("tenure_connections", lambda: self._server.connections)
        metrics.watch("tenure_generation", lambda: self._gateway.number)
        metrics.watch("tenure_log_backlog_bytes", lambda: log.backlog)
        metrics.watch("tenure_log_commit_seconds", lambda: log.commit_us / 1e6)

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._leaving.set)
        line = asyncio.create_task(self._channel.run())
        if await self._joined():
            self._server.listen(self._listener.dup())
            self._channel.ready()
            await self._leaving.wait()
            limits = self._gateway.generation.limits
            grace = limits.drain_seconds if self._grace is None else self._grace
            await self._server.leave(grace, max(grace, limits.drain_seconds))
        line.cancel()
        await self._gateway.close()

    async def _joined(self) -> bool:
        """Return whether the supervisor has given us a generation; False when we are told to leave before."""
        waiting = {asyncio.create_task(self._channel.joined.wait()), asyncio.create_task(self._leaving.wait())}
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in waiting:
            task.cancel()
        # What starting made lives as long as the process: the collector need not look at it again.
        gc.collect()
        gc.freeze()
        return not self._leaving.is_set()

    def _samples(self) -> Samples:
        return self._application.samples()

    def _drain(self, grace: float) -> None:
        self._grace = grace
        self._leaving.set()

    def _take_limits(self) -> None:
        self._patience.header_seconds = self._gateway.generation.limits.header_seconds

    def _generation_left(self) -> None:
        self._channel.say_lowest()
        task = asyncio.create_task(self._gateway.drop_links())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _certificate(front: fronts.Front) -> Certificate | None:
    if not front.certificate:
        return None
    # OpenSSL is loaded only where it is needed.
    from tenure.serving.tls import Certificate

    return Certificate(front.certificate, front.key)


if __name__ == "__main__":
    sys.exit(main())
