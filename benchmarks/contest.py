"""What `make bench` and `make bench-peers` share: contestants, rounds that alternate, medians, and the table.

A contestant is asked by wrk with bodies of its own. Whoever takes part is checked before it is timed: each of a few
rows must get the score that the model gave when it was trained.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

HERE = Path(__file__).parent
BIN = Path(sys.executable).parent
BUILD = Path(".build").absolute()
MODELS = ("light", "pipeline")
CHECKED_ROWS = 20
#: a server that says this to a body will say it again
_NEVER = (400, 415, 422)
#: a peer may compute in another order; it may not give another score
TOLERANCE = 1e-9


@dataclass
class Contestant:
    """Who is asked: where, with which bodies, and what must be in the answers.

    `read` takes the checked part out of a decoded answer; `expected` is that part for the first bodies. `environ` is
    for load.lua. `pause` and `go_on` are called around the others' turns.
    """

    who: str
    url: str
    bodies: Path
    read: Callable[[Any], Any]
    expected: Sequence[Any]
    token: str = ""
    environ: dict[str, str] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    pause: Callable[[], None] = lambda: None
    go_on: Callable[[], None] = lambda: None

    def check(self) -> None:
        """Raise `SystemExit` when an answer is not what it must be."""
        for body, expected in zip(self.bodies.read_text().splitlines(), self.expected, strict=False):
            found = self.read(json.loads(self._asked(body.encode())))
            if not (found == expected or (isinstance(found, float) and abs(found - expected) < TOLERANCE)):
                raise WrongAnswer(f"{self.who} answers {found!r} where {expected!r} is right")

    def _asked(self, body: bytes) -> bytes:
        headers = {"Content-Type": "application/json"} | (
            {"Authorization": f"Bearer {self.token}"} if self.token else {}
        )
        with urllib.request.urlopen(urllib.request.Request(self.url, body, headers), timeout=30) as answer:
            content: bytes = answer.read()
        return content

    def wait(self, alive: Callable[[], bool], seconds: float = 300) -> None:
        """Return when the first answer is right; raise `WrongAnswer` when there is none in time."""
        end, last = time.monotonic() + seconds, ""
        while time.monotonic() < end and alive():
            try:
                self.check()
            except (urllib.error.URLError, OSError, ValueError) as error:
                last = _told(error)
                # MLServer answers so, with 400, until its model is loaded.
                loads = "not ready" in last
                if isinstance(error, urllib.error.HTTPError) and error.code in _NEVER and not loads:
                    break
                time.sleep(0.3)
            else:
                return
        raise WrongAnswer(f"{self.who} gave no answer: {last if alive() else 'its process ended'}")

    def run(self, connections: int, seconds: float) -> dict[str, Any]:
        """Return one run's figures: requests a second, p50 and p99 in microseconds, errors."""
        command = ["wrk", "-t1", f"-c{connections}", f"-d{round(seconds)}s", "--latency", "-s", str(HERE / "load.lua")]
        environ = (
            os.environ | self.environ | {"BODIES": str(self.bodies)} | ({"TOKEN": self.token} if self.token else {})
        )
        done = subprocess.run([*command, self.url], env=environ, capture_output=True, text=True, check=True)
        figures = json.loads(done.stdout.strip().splitlines()[-1])
        figures["per_second"] = round(figures["requests"] / figures["duration_us"] * 1e6)
        return dict(figures)


class WrongAnswer(Exception):
    """A contestant does not answer, or not what the model says."""


def _told(error: Exception) -> str:
    body = error.read()[:300].decode(errors="replace") if isinstance(error, urllib.error.HTTPError) else ""
    return f"{error} {body}".strip()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(name: str, lock: Path) -> Path:
    """Return the Python of an environment made from a lock, made anew when the lock has changed."""
    folder = BUILD / name
    python, stamp = folder / "bin" / "python", folder / "requirements.txt"
    if not stamp.exists() or stamp.read_text() != lock.read_text():
        print(f"— preparing {folder.relative_to(Path.cwd())} from {lock.name}", flush=True)
        uv = str(BIN / "uv")
        subprocess.run([uv, "venv", "-q", "--clear", "--python", sys.executable, str(folder)], check=True)
        subprocess.run([uv, "pip", "sync", "-q", "--require-hashes", "--python", str(python), str(lock)], check=True)
        shutil.copy(lock, stamp)
    return python


def contest(
    model: str, contestants: Sequence[Contestant], options: argparse.Namespace, failed: dict[str, str]
) -> list[dict[str, Any]]:
    """Return a row of medians for each number of connections and contestant, from rounds that alternate.

    While one has its turn the others are paused. Who breaks down is left out from there on and told in `failed`.
    """
    rows = []
    for one in contestants:
        one.pause()
    for connections in options.connections:
        runs: dict[str, list[dict[str, Any]]] = {one.who: [] for one in contestants}
        for nth in range(options.rounds + 1):
            for one in contestants:
                if f"{one.who} with {model}" not in failed:
                    figures = _turn(one, connections, options.seconds if nth else 1)
                    if figures is None and nth:
                        failed[f"{one.who} with {model}"] = f"it broke down at {connections} connections"
                    elif figures and nth:
                        runs[one.who].append(figures)
        rows += [median(model, connections, who, figures) for who, figures in runs.items() if figures]
        told = "   ".join(
            f"{row['who']} {row['per_second']:.0f}/s" for row in rows if row["connections"] == connections
        )
        print(f"  {model}, {connections} connections: {told}", flush=True)
    return rows


def _turn(one: Contestant, connections: int, seconds: float) -> dict[str, Any] | None:
    """Return the figures of one turn, None when nothing of use came back."""
    one.go_on()
    try:
        figures = one.run(connections, seconds)
    except (subprocess.CalledProcessError, ValueError):
        return None
    finally:
        one.pause()
    return figures if figures["requests"] > figures["errors"] else None


def median(model: str, connections: int, who: str, runs: list[dict[str, Any]]) -> dict[str, Any]:
    middle = {key: statistics.median(run[key] for run in runs) for key in ("per_second", "p50_us", "p99_us")}
    errors = sum(run["errors"] for run in runs)
    return {"model": model, "connections": connections, "who": who, "errors": errors} | middle


def disk(folder: Path, times: int = 300) -> float:
    """Return the p50 in microseconds of one fdatasync of 700 bytes written into a zero-filled file on this disk."""
    file = os.open(folder / "probe", os.O_CREAT | os.O_RDWR)
    os.write(file, bytes(times * 700))
    os.fsync(file)
    taken = []
    for at in range(times):
        os.pwrite(file, b"x" * 700, at * 700)
        start = time.perf_counter()
        os.fdatasync(file)
        taken.append(time.perf_counter() - start)
    os.close(file)
    return round(statistics.median(taken) * 1e6)


def show(rows: list[dict[str, Any]], sync: float) -> None:
    """Print the table: each contestant's figures, and ours against them."""
    width = max(len(row["who"]) for row in rows)
    print(
        f"\n{'model':<9} {'conns':>5}  {'':<{width}} {'req/s':>8} {'p50 ms':>8} {'p99 ms':>8} {'errors':>6}   ours against it"
    )
    ours = {(row["model"], row["connections"]): row for row in rows if row["who"] == "tenure"}
    for row in rows:
        mine = ours.get((row["model"], row["connections"]))
        against = "" if row is mine or mine is None else (
            f"{mine['per_second'] / row['per_second']:.2f}× req/s, {mine['p50_us'] / row['p50_us']:.2f}× p50, "
            f"{(mine['p50_us'] - sync) / row['p50_us']:.2f}× p50 without the disk"
        )  # fmt: skip
        print(
            f"{row['model']:<9} {row['connections']:>5}  {row['who']:<{width}} {row['per_second']:>8.0f} "
            f"{row['p50_us'] / 1000:>8.2f} {row['p99_us'] / 1000:>8.2f} {row['errors']:>6}   {against}"
        )
    print(f"\nthe disk's own fdatasync, p50: {sync:.0f} µs")


def train(work: Path) -> Path:
    """Train both models in the benchmark's own environment and return its Python."""
    python = environment("bench", HERE / "requirements.txt")
    subprocess.run([str(python), str(HERE / "models.py"), str(work)], check=True)
    return python


def rows_of(work: Path, model: str) -> tuple[list[dict[str, Any]], list[float]]:
    """Return the load generator's rows and the score of each."""
    folder = work / model
    return json.loads((folder / "rows.json").read_text()), json.loads((folder / "scores.json").read_text())


def write_bodies(path: Path, bodies: Iterable[Any]) -> Path:
    """Write one JSON document a line, as load.lua reads them."""
    path.write_text("".join(json.dumps(body) + "\n" for body in bodies))
    return path


def options_of(document: str, output: str, *, rounds: int, seconds: float) -> argparse.Namespace:
    """Return the options of the command line; refuse when the load generator is missing."""
    parser = argparse.ArgumentParser(description=document, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--seconds", type=float, default=seconds)
    parser.add_argument("--connections", type=lambda text: [int(part) for part in text.split(",")], default=[1, 32, 64])
    parser.add_argument("--output", type=Path, default=BUILD / output)
    parser.add_argument("--only", type=lambda text: text.split(","), help="only these contestants, by name")
    parser.add_argument("--long", type=int, default=0, help="also this many requests, to see whether memory stays flat")
    options = parser.parse_args()
    # Told to end, it still ends what it has started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("told to end"))
    if not shutil.which("wrk"):
        raise SystemExit("the load generator is missing: apt-get install wrk")
    return options
