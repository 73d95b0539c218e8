"""`make bench`: this product beside a hand-written FastAPI endpoint, both models, side by side in one run.

Everything is switched on here (token, schema, one feature view, three rules, durable record), nothing there. Rounds
alternate; medians are printed as a table and left in `.build/bench.json`. Absolute figures belong to the machine, and
the load generator (wrk) shares its cores; the ratios are what to read.

    serving.py [--rounds 3] [--seconds 5] [--connections 1,32,64]
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
BIN = Path(sys.executable).parent
ENVIRONMENT = Path(".build/bench").absolute()
MODELS = ("light", "pipeline")
ENTITIES = 1000

APPLICATION = """
application: bench-{model}
owner: bench@example.com
entity: customer_id
request:
  customer_id: string
{fields}
features:
  - {{view: customer, key: customer_id, on_missing: error}}
model: {model}@champion
deadline: 2s
fallback: {{answer: {{band: none}}, reason: R90}}
rules:
  - {{id: tiny, before: model, when: "annual_inc < 100.0", answer: {{band: refused}}, reason: R01}}
  - {{id: high, after: model, when: "output.score >= 0.2 && past_loans < 5", answer: {{band: high}}, reason: R02}}
  - {{id: low, after: model, when: "output.score < 0.02", answer: {{band: low}}, reason: R03}}
default: {{answer: {{band: middle}}, reason: R00}}
reasons: {{R00: in between, R01: hardly any income, R02: likely to fail, R03: safe, R90: model not available}}
"""


def environment() -> Path:
    """Return the Python of the benchmark's own environment, made when missing."""
    python, lock, stamp = ENVIRONMENT / "bin" / "python", HERE / "requirements.txt", ENVIRONMENT / "requirements.txt"
    if not stamp.exists() or stamp.read_text() != lock.read_text():
        print("— preparing the benchmark's environment (FastAPI, scikit-learn)", flush=True)
        uv = str(BIN / "uv")
        subprocess.run([uv, "venv", "-q", "--clear", "--python", sys.executable, str(ENVIRONMENT)], check=True)
        subprocess.run([uv, "pip", "sync", "-q", "--require-hashes", "--python", str(python), str(lock)], check=True)
        shutil.copy(lock, stamp)
    return python


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wrk(url: str, bodies: Path, connections: int, seconds: float, token: str = "") -> dict[str, Any]:
    """Return one run's figures: requests a second, p50 and p99 in microseconds, errors."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{round(seconds)}s", "--latency", "-s", str(HERE / "load.lua"), url]
    environ = os.environ | {"BODIES": str(bodies)} | ({"TOKEN": token} if token else {})
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
    figures = json.loads(done.stdout.strip().splitlines()[-1])
    figures["per_second"] = round(figures["requests"] / figures["duration_us"] * 1e6)
    return dict(figures)


def wait_for(url: str, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            urllib.request.urlopen(url, timeout=1).close()
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise SystemExit(f"{url} does not answer")


@contextmanager
def fastapi(python: Path, work: Path, model: str) -> Iterator[int]:
    port = free_port()
    environ = os.environ | {"MODEL": model, "FOLDER": str(work)}
    command = [str(python), "-m", "uvicorn", "fastapi_endpoint:app", "--port", str(port), "--log-level", "warning"]
    server = subprocess.Popen(command, cwd=HERE, env=environ)
    try:
        wait_for(f"http://127.0.0.1:{port}/docs")
        yield port
    finally:
        server.terminate()
        server.wait()


@contextmanager
def tenure(work: Path) -> Iterator[dict[str, Any]]:
    """Bring an installation up with both models and their applications, and down again."""
    environ = os.environ | {"TENURE_HOME": str(work / "home")}

    def run(*words: str) -> Any:
        done = subprocess.run(
            [str(BIN / "tenure"), *words, "--json"], env=environ, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise SystemExit(f"tenure {' '.join(words)}: {done.stdout}{done.stderr}")
        return json.loads(done.stdout)

    try:
        up = run("up", "--detach", "--port", str(free_port()))
        environ |= {"TENURE_URL": up["url"], "TENURE_TOKEN": up["token"]}
        for model in MODELS:
            print(f"— packaging, registering and deploying {model}", flush=True)
            publish(work, model, run)
        yield up
    finally:
        run("down")


def publish(work: Path, model: str, run: Any) -> None:
    folder = work / model
    (folder / "requirements.txt").write_text("scikit-learn\npandas\n" if model == "pipeline" else "scikit-learn\n")
    packaged = run(
        "package", str(folder / "model.joblib"), "--name", model, "--inputs", str(folder / "inputs.csv"),
        "--reference", str(folder / "reference.csv"), "--requirements", str(folder / "requirements.txt"),
        "--output", str(work / "packages"),
    )  # fmt: skip
    run("register", packaged["folder"])
    run("deploy", f"{model}/1", "--reason", "bench")
    rows = json.loads((folder / "rows.json").read_text())
    feed = ["customer_id,known_at,past_loans"] + [f"c{n},2026-01-01T00:00:00Z,{n % 7}" for n in range(ENTITIES)]
    (folder / "customers.csv").write_text("\n".join(feed) + "\n")
    run(
        "features", "ingest", "customer", str(folder / "customers.csv"), "--key", "customer_id", "--at-column", "known_at"
    )  # fmt: skip
    kinds = {str: "string", int: "int", float: "float"}
    fields = "\n".join(f"  {name}: {kinds[type(value)]}" for name, value in rows[0].items())
    (folder / "application.yaml").write_text(APPLICATION.format(model=model, fields=fields))
    run("apply", str(folder / "application.yaml"), "--reason", "bench")
    bodies = [json.dumps({"customer_id": f"c{n % ENTITIES}"} | row) for n, row in enumerate(rows)]
    (folder / "bodies-tenure.jsonl").write_text("\n".join(bodies) + "\n")
    (folder / "bodies-fastapi.jsonl").write_text("\n".join(json.dumps(row) for row in rows) + "\n")


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


def contest(work: Path, up: dict[str, Any], python: Path, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Return a row of medians per model, connections and contestant, from alternating rounds."""
    rows = []
    for model in MODELS:
        with fastapi(python, work, model) as port:
            ours = f"{up['url']}/api/v1/applications/bench-{model}/decisions"
            contestants = {
                "tenure": lambda c, s, m=model, u=ours: wrk(u, work / m / "bodies-tenure.jsonl", c, s, up["token"]),
                "fastapi def": lambda c, s, m=model, p=port: wrk(
                    f"http://127.0.0.1:{p}/def", work / m / "bodies-fastapi.jsonl", c, s
                ),
                "fastapi async": lambda c, s, m=model, p=port: wrk(
                    f"http://127.0.0.1:{p}/async", work / m / "bodies-fastapi.jsonl", c, s
                ),
            }
            for connections in options.connections:
                runs: dict[str, list[dict[str, Any]]] = {name: [] for name in contestants}
                for ask in contestants.values():
                    ask(connections, 1)  # warm up
                for _ in range(options.rounds):
                    for name, ask in contestants.items():
                        runs[name].append(ask(connections, options.seconds))
                rows += [median(model, connections, name, figures) for name, figures in runs.items()]
                print(
                    "  " + "   ".join(f"{row['who']} {row['per_second']}/s" for row in rows[-len(runs) :]), flush=True
                )
    return rows


def median(model: str, connections: int, who: str, runs: list[dict[str, Any]]) -> dict[str, Any]:
    middle = {key: statistics.median(run[key] for run in runs) for key in ("per_second", "p50_us", "p99_us")}
    return {
        "model": model,
        "connections": connections,
        "who": who,
        "errors": sum(run["errors"] for run in runs),
    } | middle


def show(rows: list[dict[str, Any]], sync: float, stages: dict[str, float]) -> None:
    print(
        f"\n{'model':<9} {'conns':>5}  {'':<14} {'req/s':>8} {'p50 ms':>8} {'p99 ms':>8} {'errors':>6}   ours against it"
    )
    ours = {(row["model"], row["connections"]): row for row in rows if row["who"] == "tenure"}
    for row in rows:
        mine = ours[row["model"], row["connections"]]
        against = "" if row is mine else (
            f"{mine['per_second'] / row['per_second']:.2f}× req/s, {mine['p50_us'] / row['p50_us']:.2f}× p50, "
            f"{(mine['p50_us'] - sync) / row['p50_us']:.2f}× p50 without the disk"
        )  # fmt: skip
        print(
            f"{row['model']:<9} {row['connections']:>5}  {row['who']:<14} {row['per_second']:>8.0f} "
            f"{row['p50_us'] / 1000:>8.2f} {row['p99_us'] / 1000:>8.2f} {row['errors']:>6}   {against}"
        )
    print(f"\nthe disk's own fdatasync, p50: {sync:.0f} µs")
    if stages:
        print("where the gateway's microseconds go (mean a request over the whole run):")
        print("   " + "  ".join(f"{name} {value:.0f}" for name, value in stages.items()))


def stages_of(url: str, token: str) -> dict[str, float]:
    """Return the gateways' mean microseconds a request per stage, from their metrics."""
    request = urllib.request.Request(f"{url}/metrics", headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request) as answer:
        lines = answer.read().decode().splitlines()
    totals: dict[str, dict[str, float]] = {"sum": {}, "count": {}}
    for line in lines:
        if line.startswith("tenure_stage_seconds_"):
            name, value = line.rsplit(" ", 1)
            kind = "sum" if "_sum" in name else "count"
            stage = name.split('stage="')[1].split('"')[0]
            totals[kind][stage] = totals[kind].get(stage, 0.0) + float(value)
    return {stage: totals["sum"][stage] / count * 1e6 for stage, count in totals["count"].items() if count}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--connections", type=lambda text: [int(part) for part in text.split(",")], default=[1, 32, 64])
    parser.add_argument("--output", type=Path, default=Path(".build/bench.json"))
    options = parser.parse_args()
    if not shutil.which("wrk"):
        raise SystemExit("the load generator is missing: apt-get install wrk")
    python = environment()
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        work = Path(folder)
        subprocess.run([str(python), str(HERE / "models.py"), str(work)], check=True)
        sync = disk(work)
        with tenure(work) as up:
            rows = contest(work, up, python, options)
            stages = stages_of(up["url"], up["token"])
    show(rows, sync, stages)
    options.output.write_text(json.dumps({"rows": rows, "fdatasync_us": sync, "stages_us": stages}, indent=2) + "\n")


if __name__ == "__main__":
    main()
