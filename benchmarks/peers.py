"""`make bench-peers`: this product beside the serving systems that people use today, side by side in one run.

Each peer runs in an environment of its own from `peer_servers/*.txt`, with its defaults, one worker, and batching on where it
has it (at most 64 rows, 1 ms window). Everything is switched on here (token, schema, one feature view, three rules,
durable record); nothing of that there. Every peer's scores are checked before it is timed, and while one is timed the
others are stopped. A peer that cannot be installed or started is named at the end. Leaves `.build/bench-peers.json`.

    peers.py [--rounds 2] [--seconds 3] [--connections 1,32,64] [--only tenure,ray]
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contest import (
    BUILD,
    CHECKED_ROWS,
    MODELS,
    Contestant,
    WrongAnswer,
    contest,
    disk,
    environment,
    free_port,
    options_of,
    rows_of,
    show,
    train,
    write_bodies,
)
from entrants import fastapi, tenure
from peer_table import PEERS, SERVERS
from processes import end, family, own_memory_mb, tell

if TYPE_CHECKING:
    from collections.abc import Iterator

#: no peer tells its makers that it ran here, or writes a line for each request
QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true", "BENTOML_DO_NOT_TRACK": "true", "RAY_USAGE_STATS_ENABLED": "0",
    "DO_NOT_TRACK": "1", "PYTHONWARNINGS": "ignore", "UVICORN_ACCESS_LOG": "false",
}  # fmt: skip


class Running:
    """A peer that was started with one model; `contestant` asks it."""

    def __init__(self, name: str, python: Path, work: Path, model: str) -> None:
        peer, port = PEERS[name], free_port()
        folder = work / f"{name}-{model}-{port}"
        folder.mkdir()
        peer.prepare(python, folder, model, port)
        rows, scores = rows_of(work, model)
        bodies = write_bodies(folder / "bodies.jsonl", (peer.body(model, row) for row in rows))
        environ = os.environ | QUIET | {"MODEL": model, "FOLDER": str(work)}
        environ["PATH"] = f"{python.parent}:{environ['PATH']}"
        self._began = time.monotonic()
        with log_of(name, model).open("wb") as log:
            self._server = subprocess.Popen(
                peer.command(python, folder, port),
                cwd=SERVERS,
                env=environ,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.contestant = Contestant(
            name, f"http://127.0.0.1:{port}{peer.path}", bodies, peer.score, scores[:CHECKED_ROWS]
        )

    @property
    def alive(self) -> bool:
        """Return whether its first process has not ended."""
        return self._server.poll() is None

    def ready(self) -> Contestant:
        """Return the contestant when its first answers are right; raise `WrongAnswer` otherwise."""
        one = self.contestant
        one.wait(lambda: self.alive)
        members = family(self._server.pid)
        one.facts |= {
            "ready_seconds": round(time.monotonic() - self._began, 1),
            "processes": len(members),
            "memory_mb": round(own_memory_mb(members)),
        }
        one.pause, one.go_on = partial(tell, members, signal.SIGSTOP), partial(tell, members, signal.SIGCONT)
        return one

    def end(self) -> None:
        """End the peer with all its processes."""
        end(self._server.pid)
        self._server.wait()


def log_of(name: str, model: str) -> Path:
    return BUILD / "peers" / f"{name}-{model}.log"


def version(python: Path, distribution: str) -> str:
    asked = f"import importlib.metadata as m; print(m.version({distribution!r}))"
    return subprocess.run([str(python), "-c", asked], capture_output=True, text=True, check=True).stdout.strip()


def installed(names: list[str], failed: dict[str, str]) -> dict[str, Path]:
    """Return the Python of every peer that could be installed."""
    (BUILD / "peers").mkdir(parents=True, exist_ok=True)
    pythons = {}
    for name in names:
        try:
            pythons[name] = environment(f"peers/{name}", SERVERS / f"{name}.txt")
        except (subprocess.CalledProcessError, OSError) as error:
            failed[name] = f"cannot be installed: {error}"
    return pythons


def main() -> None:
    options = options_of(__doc__ or "", "bench-peers.json", rounds=2, seconds=3)
    wanted = [name for name in PEERS if not options.only or name in options.only]
    failed: dict[str, str] = {}
    pythons = installed(wanted, failed)
    versions = {name: version(python, PEERS[name].distribution) for name, python in pythons.items()}
    rows: list[dict[str, Any]] = []
    facts: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory(prefix="bench-") as path:
        work = Path(path)
        python = train(work)
        versions |= {"fastapi": version(python, "fastapi"), "uvicorn": version(python, "uvicorn")}
        print("— " + ", ".join(f"{name} {number}" for name, number in versions.items()), flush=True)
        sync = disk(work)
        with tenure(work) as installation:
            for model in MODELS:
                with contextlib.ExitStack() as stack:
                    ours = installation.entrant(model)
                    ours.check()
                    entrants = [ours, *stack.enter_context(fastapi(python, work, model))]
                    entrants += _started(stack, pythons, work, model, failed)
                    facts |= {f"{one.who}, {model}": one.facts for one in entrants if one.facts}
                    rows += contest(model, entrants, options, failed)
    report(rows, sync, versions, facts, failed, options.output)


def _started(
    stack: contextlib.ExitStack, pythons: dict[str, Path], work: Path, model: str, failed: dict[str, str]
) -> list[Contestant]:
    """Return the peers that could be started with a model and answer rightly."""

    def started(name: str) -> Running:
        print(f"— starting {name} with {model}", flush=True)
        one = Running(name, pythons[name], work, model)
        stack.callback(one.end)
        return one

    running, found = {}, []
    for name in pythons:
        with _told(name, model, failed):
            running[name] = started(name)
    for name, one in running.items():
        with _told(name, model, failed):
            try:
                found.append(one.ready())
            except WrongAnswer:
                if one.alive:
                    raise
                # BentoML takes ports by chance besides the one it is told, and ends where one is taken: once more.
                found.append(started(name).ready())
    return found


@contextlib.contextmanager
def _told(name: str, model: str, failed: dict[str, str]) -> Iterator[None]:
    """Keep why a peer takes no part instead of stopping the others."""
    try:
        yield
    except (WrongAnswer, subprocess.CalledProcessError, OSError) as error:
        failed[f"{name} with {model}"] = f"{error}; see {log_of(name, model).relative_to(Path.cwd())}"
        print(f"  {name} takes no part: {error}", flush=True)


def report(
    rows: list[dict[str, Any]], sync: float, versions: dict[str, str], facts: dict[str, Any], failed: dict[str, str],
    output: Path,
) -> None:  # fmt: skip
    show(rows, sync)
    for model in MODELS:
        at_32 = {row["who"]: row["per_second"] for row in rows if row["model"] == model and row["connections"] == 32}
        others = {who: rate for who, rate in at_32.items() if who not in {"tenure", "fastapi async"}}
        if "tenure" in at_32 and others:
            fastest = max(others, key=lambda who: others[who])
            ratio = at_32["tenure"] / others[fastest]
            print(f"{model}, 32 connections: {ratio:.1f} × the fastest of the others ({fastest})")
    print("\nversions: " + ", ".join(f"{name} {number}" for name, number in versions.items()))
    print("batching: " + ", ".join(f"{name} {PEERS[name].batching}" for name in versions if name in PEERS))
    print("memory of all processes: " + ", ".join(f"{who} {known['memory_mb']} MB" for who, known in facts.items()))
    for name, why in failed.items():
        print(f"took no part: {name}: {why}")
    found = {"rows": rows, "fdatasync_us": sync, "versions": versions, "facts": facts, "failed": failed}
    output.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
