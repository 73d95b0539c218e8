"""`make bench`: this product beside a hand-written FastAPI endpoint, both models, side by side in one run.

Everything is switched on here (token, schema, one feature view, three rules, durable record), nothing there. Rounds
alternate; medians are printed as a table and left in `.build/bench.json`, with what the processes take in memory and,
when idle, of a core. Absolute figures belong to the machine, and the load generator (wrk) shares its cores; the ratios
are what to read. `tenure, reasons` is the same application with the model's own reasons in each answer.

    serving.py [--rounds 3] [--seconds 5] [--connections 1,32,64] [--long 1000000]
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from contest import MODELS, contest, disk, options_of, show, train
from entrants import Installation, fastapi, tenure
from processes import command_of, idle_percent, memory_mb, running_with

IDLE_SECONDS = 20
#: control seals and counts what was decided for a while after the last request
SETTLING_SECONDS = 60
#: how often memory is looked at along the long run
LONG_SECONDS = 10


def main() -> None:
    options = options_of(__doc__ or "", "bench.json", rounds=3, seconds=5)
    failed: dict[str, str] = {}
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="bench-") as path:
        work = Path(path)
        python = train(work)
        sync = disk(work)
        with tenure(work) as installation:
            for model in MODELS:
                ours = installation.entrant(model)
                ours.check()
                reasoned = installation.with_reasons(model, failed)
                with fastapi(python, work, model) as others:
                    rows += contest(model, [ours, *reasoned, *others], options, failed)
            found = {
                "rows": rows,
                "fdatasync_us": sync,
                "stages_us": stages_of(installation.url, installation.token),
                "memory_mb": memory(installation),
                "idle_percent": idle(installation),
                "long": long_run(installation, options.long),
                "failed": failed,
            }
    show(rows, sync)
    tell(found)
    for name, why in failed.items():
        print(f"took no part: {name}: {why}")
    options.output.write_text(json.dumps(found, indent=2) + "\n")


def tell(found: dict[str, Any]) -> None:
    print("where the gateway's microseconds go (mean a request over the whole run):")
    print("   " + "  ".join(f"{name} {value:.0f}" for name, value in found["stages_us"].items()))
    print("resident MB: " + "  ".join(f"{name} {value}" for name, value in found["memory_mb"].items()))
    print(
        f"% of a core over {IDLE_SECONDS} idle seconds: "
        + "  ".join(f"{n} {v}" for n, v in found["idle_percent"].items())
    )


def named_processes(installation: Installation) -> dict[str, int]:
    """Return every process of the installation by what it is."""
    found = {}
    for pid in running_with(str(installation.home)):
        found[_name(command_of(pid))] = pid
    return dict(sorted(found.items()))


def _name(command: list[str]) -> str:
    if "--package" in command:
        return "worker " + str(_manifest(command)["name"])
    if "--name" in command:
        return command[command.index("--name") + 1]
    if "tenure.entrypoints.api" in command:
        return "control"
    return "standby" if "--standby" in command else "supervisor"


def _manifest(worker: list[str]) -> dict[str, Any]:
    return dict(json.loads((Path(worker[worker.index("--package") + 1]) / "manifest.json").read_text()))


def memory(installation: Installation) -> dict[str, float]:
    """Return each process's resident megabytes, and for workers what is over a bare process with the same model."""
    found: dict[str, float] = {}
    for name, pid in named_processes(installation).items():
        found[name] = round(memory_mb(pid), 1)
        if name.startswith("worker"):
            found[f"{name} over its model"] = round(found[name] - bare_mb(command_of(pid)), 1)
    return found


def bare_mb(worker: list[str]) -> float:
    """Return the resident megabytes of a process that loads a worker's model, asks it once, and does no more."""
    manifest, package = _manifest(worker), worker[worker.index("--package") + 1]
    loader = manifest["loader"]
    rows = [{one["name"]: "A" if one["type"] == "string" else 1.0 for one in manifest["inputs"]}] * 8
    arrange = (
        "pandas.DataFrame(rows)" if loader["form"] == "frame" else "numpy.array([[*row.values()] for row in rows])"
    )
    script = (
        f"import joblib, {arrange.partition('.')[0]}\nrows = {rows!r}\n"
        f"model = joblib.load({str(Path(package) / loader['file'])!r})\nmodel.{loader['predict']}({arrange})\n"
        "print(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmRSS')))\n"
    )
    environ = os.environ | dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    done = subprocess.run(
        [worker[0], "-s", "-B", "-c", script], env=environ, capture_output=True, text=True, check=True
    )
    return int(done.stdout.split()[-1]) / 1024


def idle(installation: Installation) -> dict[str, float]:
    print(
        f"— {SETTLING_SECONDS} seconds to seal and count what was decided, then {IDLE_SECONDS} without work", flush=True
    )
    time.sleep(SETTLING_SECONDS)
    return idle_percent(named_processes(installation), IDLE_SECONDS)


def long_run(installation: Installation, requests: int) -> list[dict[str, Any]]:
    """Return the memory of gateways and workers along so many requests, each about a person never seen before."""
    steps: list[dict[str, Any]] = []
    if requests:
        ours, asked = installation.crowd("light"), 0
        while asked < requests:
            figures = ours.run(32, LONG_SECONDS)
            asked += figures["requests"]
            taken = {name: round(memory_mb(pid), 1) for name, pid in named_processes(installation).items()}
            steps.append({"requests": asked, "per_second": figures["per_second"], "errors": figures["errors"]})
            steps[-1]["memory_mb"] = {name: mb for name, mb in taken.items() if name.startswith(("gateway", "worker"))}
            print(f"  {asked:>9,} requests, {figures['per_second']}/s: {steps[-1]['memory_mb']}", flush=True)
            ours.environ["FIRST_PERSON"] = str(asked)
    return steps


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


if __name__ == "__main__":
    main()
