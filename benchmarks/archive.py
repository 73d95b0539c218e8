"""The archive in figures: what a version takes on disk, and how long it is until an old one answers. Part of `make bench`.

Everything is driven by the command, as a user does: package, register twenty versions of one environment, run one with
nothing but its blobs (cold), unpacked anew after that (rebuilt), again (warm), by its running worker, restore it with
`restore.py` alone and no network. With `--mlflow` also MLflow: `mlflow models predict` of the same model, which makes its
environment with virtualenv, with an index and with the network cut. Prints a table and leaves `.build/bench-archive.json`. Times belong to the machine and to what
else it does; what to read is the order of magnitude, and who needs a network.

Then decisions of a light model are replayed from the sealed log, each whole: request, rules, the version's own worker.

    archive.py [--versions 20] [--replays 5000] [--mlflow]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from batch import write
from contest import BIN, BUILD, environment, free_port, rows_of, train
from entrants import Installation, tenure
from peer_table import SERVERS

MODEL = "light"
#: caches of what was unpacked; what it compiled is kept apart
_UNPACKED = ("environments", "packages")
ANOTHER = """
import sys, joblib
model = joblib.load(sys.argv[1])
model[-1].intercept_ += float(sys.argv[3])
joblib.dump(model, sys.argv[2])
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--versions", type=int, default=20)
    parser.add_argument("--replays", type=int, default=5000)
    parser.add_argument("--mlflow", action="store_true")
    parser.add_argument("--output", type=Path, default=BUILD / "bench-archive.json")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-archive-") as path:
        work = Path(path)
        python = train(work)
        print("— packaging, registering, running and restoring", flush=True)
        found: dict[str, Any] = {"tenure": ours(work, python, options.versions)}
        print("— replaying decisions from the sealed log", flush=True)
        found["tenure"] |= replays(work, options.replays)
        options.output.write_text(json.dumps(found, indent=2) + "\n")
        if options.mlflow:
            print("— the same model with MLflow", flush=True)
            found["mlflow"] = mlflow(work)
    show(found)
    options.output.write_text(json.dumps(found, indent=2) + "\n")


class House:
    """A home of this product, driven by its command."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._environ = os.environ | {"TENURE_HOME": str(home)}

    def run(self, *words: str, alone: bool = False) -> tuple[Any, float]:
        """Return what a command says in JSON, and the seconds until it had said it; `alone`: without any network."""
        begun = time.monotonic()
        command = [*(cut() if alone else []), str(BIN / "tenure"), *words, "--json"]
        done = subprocess.run(command, env=self._environ, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"tenure {' '.join(words)}: {done.stdout}{done.stderr}")
        return json.loads(done.stdout), time.monotonic() - begun

    def size(self) -> int:
        """Return the bytes of everything that is kept; caches can be made again."""
        return size(self.home / "sha256")


def ours(work: Path, python: Path, versions: int) -> dict[str, Any]:
    """Return this product's figures."""
    house = House(work / "home")
    folder = work / MODEL
    (folder / "requirements.txt").write_text("scikit-learn\n")
    package, packaging = packaged(house, folder / "model.joblib", folder, work / "package-0")
    _, registering = house.run("register", str(package))
    found: dict[str, Any] = {"package_mb": mb(size(package)), "package_s": packaging, "register_s": registering}
    found["seal_level"] = house.run("show", f"{MODEL}/1")[0]["seal_level"]
    one = house.size()
    for number in range(1, versions):
        made = folder / f"other-{number}.joblib"
        subprocess.run(
            [str(python), "-c", ANOTHER, str(folder / "model.joblib"), str(made), str(number / 1e3)], check=True
        )
        house.run("register", str(packaged(house, made, folder, work / f"package-{number}")[0]))
    found |= {"one_mb": mb(one), "versions": versions, "all_mb": mb(house.size()), "ratio": house.size() / one}
    return found | runs(house, folder) | restored(package, work / "restored")


def packaged(house: House, model: Path, folder: Path, output: Path) -> tuple[Path, float]:
    made, seconds = house.run(
        "package", str(model), "--name", MODEL, "--inputs", str(folder / "inputs.csv"),
        "--requirements", str(folder / "requirements.txt"), "--output", str(output),
    )  # fmt: skip
    return Path(made["folder"]), seconds


def runs(house: House, folder: Path) -> dict[str, Any]:
    """Return what running version 1 takes: with nothing unpacked, again, and by its running worker."""
    one_row = folder / "row.csv"
    one_row.write_text("".join((folder / "inputs.csv").read_text().splitlines(keepends=True)[:2]))
    found: dict[str, Any] = {}
    for name, gone in (("cold", ("bytecode", *_UNPACKED)), ("rebuilt", _UNPACKED), ("warm", ())):
        forget(house, gone)
        found |= _run(house, one_row, name, alone=True)
    house.run("up", "--detach", "--port", str(free_port()))
    try:
        house.run("deploy", f"{MODEL}/1", "--reason", "bench")
        found |= _run(house, one_row, "worker")
        decision = _decided(house, folder, one_row)
    finally:
        house.run("down")
    return found | _archived(house, decision, folder / "dossier.html")


def forget(house: House, caches: tuple[str, ...]) -> None:
    """Remove what was made from blobs."""
    for cache in caches:
        shutil.rmtree(house.home / "cache" / cache, ignore_errors=True)


def _decided(house: House, folder: Path, one_row: Path) -> str:
    """Return the id of a decision that version 1 helped to make; version 2 takes its place afterwards."""
    fields = house.run("show", f"{MODEL}/1")[0]["manifest"]["inputs"]
    definition = {
        "application": "bench",
        "request": {field["name"]: field["type"] for field in fields},
        "model": f"{MODEL}@champion",
        "deadline": "10s",
        "default": {"answer": {"offer": "none"}, "reason": "R00"},
        "fallback": {"answer": {"offer": "none"}, "reason": "R00"},
        "reasons": {"R00": "none"},
    }
    file = folder / "application.yaml"
    file.write_text(json.dumps(definition))
    house.run("apply", str(file), "--reason", "bench")
    house.run("decide", "bench", "--input", str(one_row), "--output", str(folder / "answers.json"))
    decision = house.run("decisions", "--application", "bench")[0]["decisions"][0]
    for words in (("deploy", f"{MODEL}/2"), ("promote", f"{MODEL}/2"), ("decommission", f"{MODEL}/1")):
        house.run(*words, "--reason", "bench")
    return str(decision["decision_id"])


def _archived(house: House, decision: str, page: Path) -> dict[str, Any]:
    """Return what archiving version 1 takes, and the dossier of its decision with nothing of any version unpacked."""
    found: dict[str, Any] = {}
    for name, words in (
        ("archive", ("archive", f"{MODEL}/1")),
        ("dossier", ("dossier", decision, "--output", str(page))),
    ):
        if name == "dossier":
            forget(house, _UNPACKED)
        before = busy()
        _, seconds = house.run(*words)
        found |= {f"{name}_s": seconds, f"{name}_cpu_s": busy() - before}
    return found


def replays(work: Path, count: int) -> dict[str, Any]:
    """Return what replaying takes: a tenth of the decisions, then all, so that starting and going on are told apart."""
    place = work / "replaying"
    shutil.copytree(work / MODEL, place / MODEL)
    application = f"bench-{MODEL}"
    with tenure(place, [MODEL]) as installation:
        source = write(place / "rows.parquet", rows_of(place, MODEL)[0], count)
        installation.run("decide", application, "--input", str(source), "--output", str(place / "answers.parquet"))
        while _sealed(installation) < count:
            time.sleep(1)
        found: dict[str, Any] = {}
        for name, many in (("few", count // 10), ("all", count)):
            begun = time.monotonic()
            answer = installation.run("replay", "--sample", str(many), "--application", application)
            found |= {f"replay_{name}": many, f"replay_{name}_s": time.monotonic() - begun}
            if answer["verdicts"] != {"BIT": many}:
                raise SystemExit(f"replay: {answer['verdicts']}")
    per_second = (count - count // 10) / (found["replay_all_s"] - found["replay_few_s"])
    return found | {"replays_per_second": per_second}


def _sealed(installation: Installation) -> int:
    try:
        return int(installation.run("log", "checkpoint")["size"])
    except SystemExit:
        return 0  # refused as long as nothing is sealed


def _run(house: House, rows: Path, name: str, *, alone: bool = False) -> dict[str, Any]:
    before = busy()
    answer, seconds = house.run("run", f"{MODEL}/1", "--input", str(rows), alone=alone)
    parts = {"way": answer["way"], **answer["seconds"]}
    return {f"run_{name}_s": seconds, f"run_{name}_cpu_s": busy() - before, f"run_{name}": parts}


def busy() -> float:
    """Return the processor seconds that ended children took: on a busy machine these say more than the clock."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def restored(package: Path, place: Path) -> dict[str, Any]:
    """Return what `restore.py` takes with nothing but a Python, and no network where this machine can cut it off."""
    begun = time.monotonic()
    subprocess.run(
        [*cut(), sys.executable, "-I", "-S", str(package / "restore.py"), str(place)], check=True, capture_output=True
    )
    return {"restore_py_s": time.monotonic() - begun, "restore_py_offline": bool(cut())}


def mlflow(work: Path) -> dict[str, Any]:
    """Return MLflow's figures for the same model; what fails is told with the end of what it said."""
    python = environment("peers/mlflow", SERVERS / "mlflow.txt")
    saved = work / "mlflow"
    subprocess.run(
        [str(python), str(SERVERS / "mlflow_model.py"), str(work / MODEL), str(saved)], check=True, capture_output=True
    )
    asked = work / "mlflow-row.json"
    row = json.loads((work / MODEL / "rows.json").read_text())[0]
    asked.write_text(json.dumps({"inputs": [list(row.values())]}))
    found: dict[str, Any] = {"package_mb": mb(size(saved))}
    for name, alone in (("offline", True), ("cold", False), ("warm", False)):
        if alone and not cut():
            continue
        found |= _predicted(python, saved, asked, work, name, alone=alone)
    return found


def _predicted(python: Path, saved: Path, asked: Path, work: Path, name: str, *, alone: bool) -> dict[str, Any]:
    command = [
        str(python),
        "-m",
        "mlflow",
        "models",
        "predict",
        "-m",
        str(saved),
        "-i",
        str(asked),
        "--env-manager",
        "virtualenv",
    ]
    environ = os.environ | {
        "MLFLOW_ENV_ROOT": str(work / "mlflow-envs" / ("offline" if alone else "online")),
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "PATH": f"{python.parent}:{os.environ['PATH']}",
    }
    begun = time.monotonic()
    try:
        done = subprocess.run(
            [*(cut() if alone else []), *command],
            env=environ,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return {f"run_{name}_s": None, f"run_{name}": "no answer within 600 s"}
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()
        return {f"run_{name}_s": None, f"run_{name}": f"failed: {said[-1] if said else done.returncode}"}
    return {f"run_{name}_s": time.monotonic() - begun, f"run_{name}": "answered"}


def cut() -> list[str]:
    """Return what stands before a command that is to have no network; nothing where this machine cannot cut it off."""
    may = shutil.which("unshare") and not subprocess.run(["unshare", "-n", "true"], check=False).returncode
    return ["unshare", "-n"] if may else []


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def mb(count: int) -> float:
    return round(count / 1e6, 1)


def show(found: dict[str, Any]) -> None:
    mine, theirs = found["tenure"], found.get("mlflow", {})
    lines = [
        ("package, MB", "package_mb"),
        ("run, nothing but blobs, s", "run_cold_s"),
        ("run, unpacked anew, s", "run_rebuilt_s"),
        ("run again, s", "run_warm_s"),
        ("run without a network, s", "run_offline_s"),
        ("run by its running worker, s", "run_worker_s"),
        ("restore.py alone, no network, s", "restore_py_s"),
        ("archive: a restore is proven, s", "archive_s"),
        ("dossier of an archived version, s", "dossier_s"),
    ]
    print(f"\n{'the command, start to end':34}{'tenure':>10}{'mlflow':>10}")
    for text, name in lines:
        ours_, others = (_cell(one, name) for one in (mine | {"run_offline_s": mine["run_cold_s"]}, theirs))
        print(f"{text:34}{ours_:>10}{others:>10}")
    for name in ("archive", "dossier"):
        print(f"{name}: {mine[f'{name}_cpu_s']:.1f} s of processor")
    for way in ("cold", "rebuilt", "warm", "worker"):
        parts = mine[f"run_{way}"]
        told = ", ".join(f"{name} {seconds:.2f} s" for name, seconds in parts.items() if name != "way")
        print(f"of that, {way} by {parts['way']}: {told}; {mine[f'run_{way}_cpu_s']:.1f} s of processor in all")
    print(
        f"{mine['versions']} versions of one environment: {mine['all_mb']} MB, {mine['ratio']:.2f} × one ({mine['one_mb']} MB); "
        f"seal level {mine['seal_level']}"
    )
    print(
        f"{mine['replay_all']:,} decisions replayed from the sealed log, all BIT, in {mine['replay_all_s']:.1f} s "
        f"({mine['replay_all'] / mine['replay_all_s']:.0f} a second, {mine['replays_per_second']:.0f} once it runs)"
    )
    for name in ("offline", "cold", "warm"):
        if str(theirs.get(f"run_{name}", "answered")) != "answered":
            print(f"mlflow, {name}: {theirs[f'run_{name}']}")


def _cell(one: dict[str, Any], name: str) -> str:
    if name not in one:
        return "–"
    return "failed" if one[name] is None else f"{one[name]:.1f}"


if __name__ == "__main__":
    main()
