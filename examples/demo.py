"""`make demo`: three applications live through everything, on real data, with real servers, processes and files.

It drives only the installed `tenure` command and HTTP, as anybody else would; it never imports tenure. Each example
folder says what it needs in `plan.json` (examples/README.md). What happened is left in `demo-report.json`.

    demo.py [--once] [--home FOLDER] [--report FILE]      --once brings everything down at the end
"""

from __future__ import annotations

import argparse
import concurrent.futures
import csv
import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import tomllib
import urllib.parse
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HERE = Path(__file__).parent
EXAMPLES = ("movies", "sales", "credit")
TENURE = Path(sys.executable).with_name("tenure")
CONNECTIONS = 4
REPLAYED = 200
#: seconds between two requests of a connection while a version is being replaced
PACE = 0.06


class Failed(Exception):
    """A command of the demo did not do what the story needs."""


class Screen:
    """Prints whole lines from several threads, each with its example's name and the time since the start."""

    def __init__(self) -> None:
        self._start = time.monotonic()
        self._lock = threading.Lock()
        self._colour = sys.stdout.isatty()

    def say(self, who: str, text: str, strong: bool = False) -> None:  # noqa: FBT001, FBT002
        seconds = time.monotonic() - self._start
        line = f"{seconds:6.1f}s  {who:<7} {text}"
        with self._lock:
            print(f"\033[1m{line}\033[0m" if self._colour and strong else line, flush=True)


class Server:
    """The running installation: its command line and its HTTP interface."""

    def __init__(self, home: Path, port: int) -> None:
        self.port = port
        self.environ = os.environ | {"TENURE_HOME": str(home), "PATH": f"{TENURE.parent}:{os.environ['PATH']}"}
        self.token = ""
        self.pythons = next(row["found"] for row in self.run("doctor") if row["what"] == "Pythons for models")

    def run(self, *words: str, refused: bool = False) -> Any:
        """Run a command with --json and return its document; with `refused`, it must be refused and say why."""
        command = [str(TENURE), *words, "--json"]
        done = subprocess.run(command, env=self.environ, capture_output=True, text=True, check=False)
        if refused and done.returncode == 1:
            return json.loads(done.stderr)
        if refused or done.returncode != 0:
            raise Failed(f"`tenure {' '.join(words)}` ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return json.loads(done.stdout) if done.stdout.strip() else None

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)

    def decide(self, connection: http.client.HTTPConnection, application: str, row: dict[str, Any]) -> dict[str, Any]:
        """Ask for one decision; raise `Failed` on anything but an answer."""
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        connection.request("POST", f"/api/v1/applications/{application}/decisions", json.dumps(row), headers)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise Failed(f"{application} answered {answer.status} to {row}: {body.decode(errors='replace')}")
        return dict(json.loads(body))

    def decisions(self, application: str) -> Iterator[dict[str, Any]]:
        """Return every logged decision of an application, page by page."""
        connection, after = self.connect(), ""
        while after is not None:
            query = urllib.parse.urlencode({"application": application, "limit": 1000, "after": after})
            connection.request("GET", f"/api/v1/decisions?{query}", headers={"Authorization": f"Bearer {self.token}"})
            page = json.loads(connection.getresponse().read())
            yield from page["decisions"]
            after = page["next"]


class Life:
    """One application's whole life, and what is reported of it."""

    def __init__(self, name: str, work: Path, server: Server, screen: Screen) -> None:
        self.name, self.work, self.server, self.screen = name, work, server, screen
        self.plan: dict[str, Any] = {}
        self.decided: dict[int, list[dict[str, Any]]] = {}
        self.report: dict[str, Any] = {"seconds": {}}

    @contextmanager
    def step(self, key: str, text: str) -> Iterator[None]:
        self.screen.say(self.name, text)
        start = time.monotonic()
        yield
        self.report["seconds"][key] = round(time.monotonic() - start, 2)

    def tenure(self, *words: str, refused: bool = False) -> Any:
        return self.server.run(*words, refused=refused)

    # -- the chapters, in order ---------------------------------------------------------------------------------------

    def train(self, python: Path) -> None:
        with self.step("train", "reading real data, training two versions"):
            for script in ("data.py", "train.py"):
                command = [str(python), str(HERE / self.name / script), str(self.work)]
                done = subprocess.run(command, capture_output=True, text=True, check=False)
                if done.returncode:
                    raise Failed(f"{script} of {self.name} failed:\n{done.stdout}{done.stderr}")
        self.plan = json.loads((self.work / "plan.json").read_text())

    def package(self, version: str) -> None:
        """Package and register one version."""
        folder = self.work / "packages" / version
        with self.step(
            f"package {version}", f"packaging {version}: lock, wheels, interpreter, proof of the batch form"
        ):
            made = self.tenure("package", str(self.work / version), "--output", str(folder), *self.python(version))
        with self.step(f"register {version}", f"registering {version}: rebuilt from its own files, golden outputs met"):
            self.tenure("register", made["folder"])

    def python(self, version: str) -> list[str]:
        """Return the words that ask for the running Python where the one the version asks for is not on this machine."""
        wanted = tomllib.loads((self.work / version / "model.toml").read_text())["python"]
        if f"python{wanted}" in self.server.pythons:
            return []
        here = f"{sys.version_info.major}.{sys.version_info.minor}"
        self.screen.say(
            self.name, f"   there is no Python {wanted} on this machine, so {version} is packaged for {here}"
        )
        return ["--python", here]

    def begin(self) -> None:
        model, application = self.plan["model"], self.plan["application"]
        with self.step("deploy v1", f"deploying {model}/1"):
            self.tenure("deploy", f"{model}/1", "--reason", "first version")
        with self.step("features", "ingesting features as they were known then"):
            for view in self.plan.get("views", ()):
                self.tenure("features", "apply", str(HERE / self.name / view), "--reason", "computed from events")
            self.ingest(1)
        with self.step("apply", f"applying {application}"):
            self.apply(0, "first revision")
        self.tell(1)
        batch = self.plan.get("batch")
        with self.step("decide v1", f"deciding the first requests {'as one batch' if batch else 'over HTTP'}"):
            self.decide_batch(**batch) if batch else self.decide(1)
        self.resolve()

    def apply(self, number: int, reason: str) -> None:
        self.tenure("apply", str(HERE / self.name / self.plan["revisions"][number]), "--reason", reason)

    def ingest(self, phase: int) -> None:
        """Ingest what was known at the beginning of a phase."""
        for feed in self.plan["features"]:
            if feed["phase"] != phase:
                continue
            words = [feed["view"], str(self.work / feed["file"]), "--key", feed["key"], "--known-at", feed["known_at"]]
            self.tenure("features", "ingest", *words)

    def tell(self, phase: int) -> None:
        """Tell the events that had happened when a phase began; those told before count once."""
        for feed in self.plan.get("events", ()):
            if feed["phase"] == phase:
                with self.step(f"events {phase}", f"telling every {feed['event']} until then"):
                    words = [str(self.work / feed["file"]), "--application", self.plan["application"]]
                    words += ["--event", feed["event"], "--at-column", "on", "--id-column", "id"]
                    self.report[f"events_{phase}"] = self.tenure("events", "import", *words)["recorded"]

    def decide(self, phase: int, failed: list[str] | None = None, changed: threading.Event | None = None) -> None:
        """Post the requests of a phase in order over a few keep-alive connections, and keep the answers by request.

        Until `changed` is set they come at an even pace and the last quarter waits for it, so that some are on their way before,
        during and after it, however long this machine takes.
        """
        file = self.work / self.plan["requests"][phase - 1]
        rows = [json.loads(line) for line in file.read_text().splitlines()]
        decisions: list[dict[str, Any]] = [{}] * len(rows)

        def some(first: int) -> None:
            connection = self.server.connect()
            for at in range(first, len(rows), CONNECTIONS):
                if changed is not None:
                    changed.wait(PACE if at < len(rows) * 3 // 4 else None)
                try:
                    decisions[at] = self.server.decide(connection, self.plan["application"], rows[at])
                except (Failed, OSError, http.client.HTTPException) as error:
                    if failed is None:
                        raise
                    failed.append(str(error))
                    connection = self.server.connect()

        with concurrent.futures.ThreadPoolExecutor(CONNECTIONS) as pool:
            list(pool.map(some, range(CONNECTIONS)))
        self.decided[phase] = decisions

    def decide_batch(self, phase: int, key: str) -> None:
        """Decide the requests of a phase with one command, as a nightly job does; the key names its run."""
        requests, answers = self.work / self.plan["requests"][phase - 1], self.work / f"answers-{phase}.jsonl"
        words = ["--input", str(requests), "--output", str(answers), "--key", key]
        self.tenure("decide", self.plan["application"], *words)
        self.decided[phase] = [json.loads(line) for line in answers.read_text().splitlines()]

    def resolve(self) -> None:
        """Let a person answer a decision that waits for one, or override one; the decision itself stays as it was."""
        told = self.plan.get("resolution")
        if told is None:
            return
        answered = self.decided[1]
        one = next((each for each in answered if each["status"] == "pending_review"), answered[0])
        with self.step("resolve", f"a person changes an answer: {told['reason']}"):
            words = ["--answer", told["answer"], "--code", told["code"], "--reason", told["reason"]]
            self.tenure("resolve", one["decision_id"], *words)
            self.report["overrides"] = self.tenure("overrides", "--application", self.plan["application"])

    def ask(self) -> None:
        """Ask the log the question that the example is about."""
        if asked := self.plan.get("question"):
            found = self.tenure("sql", asked["sql"])["rows"][0]
            self.report["question"] = found
            self.screen.say(self.name, f"   {asked['text']}: {', '.join(map(str, found))}")

    def outcomes(self, phase: int) -> None:
        """Tell what became of a phase's decisions: the file names requests by row, the command wants decision ids."""
        told = self.work / f"outcomes-{phase}-by-decision.csv"
        with (self.work / self.plan["outcomes"][phase - 1]).open(newline="") as source, told.open("w") as file:
            rows = csv.DictReader(source)
            writer = csv.DictWriter(file, ["decision_id", *[name for name in rows.fieldnames or () if name != "row"]])
            writer.writeheader()
            answered = [(self.decided[phase][int(row.pop("row"))], row) for row in rows]
            writer.writerows({"decision_id": decision["decision_id"]} | row for decision, row in answered if decision)
        with self.step(f"outcomes {phase}", f"{len(answered)} outcomes arrive"):
            self.tenure("outcomes", "import", str(told), "--application", self.plan["application"])

    def improve(self) -> None:
        """Replace the version under load; where the new one needs more, the application's revision goes first."""
        model, application = self.plan["model"], self.plan["application"]
        with self.step("deploy v2", f"deploying {model}/2 warm, beside the champion"):
            self.tenure("deploy", f"{model}/2", "--reason", "to be promoted")
        if len(self.plan["revisions"]) > 1:
            with self.step("refused promotion", f"{model}/2 needs more than the active revision supplies"):
                problem = self.tenure("promote", f"{model}/2", "--reason", "too early", refused=True)
                self.screen.say(self.name, f"   refused: {' '.join(problem['detail'].split())}")
            with self.step("apply 2", f"the application first: revision 2 of {application}"):
                self.apply(1, "supply what the better model needs")
        self.ingest(2)
        self.tell(2)
        failures: list[str] = []
        changed = threading.Event()
        with self.step("switch", f"promoting {model}/2 while requests keep coming"):
            load = threading.Thread(target=self.decide, args=(2, failures, changed))
            load.start()
            time.sleep(0.3)
            try:
                self.tenure("promote", f"{model}/2", "--reason", self.plan["why_better"])
            finally:
                changed.set()
                load.join()
        served = Counter(one["model"]["version"] for one in self.decided[2] if one and one["model"])
        shares = " and ".join(f"{served[number]} by {model}/{number}" for number in (1, 2))
        self.report["failed_during_switch"] = len(failures)
        self.report["served_during_switch"] = {f"{model}/{number}": served[number] for number in (1, 2)}
        self.screen.say(self.name, f"   answered {shares}; {len(failures)} lost or failed")

    def monitor(self) -> None:
        ref = f"{self.plan['model']}/2"
        with self.step("monitor", "comparing live data with the reference, outcomes with scores"):
            self.report["monitoring"] = self.tenure("monitor", "report", ref)
        alerts = self.tenure("alerts", "--model", self.plan["model"])
        self.report["alerts"] = alerts
        for alert in alerts[:3]:
            self.screen.say(self.name, f"   alert: {alert['kind']} {alert['column']} on {alert['ref']}")
        if len(alerts) > 3:
            self.screen.say(self.name, f"   … and {len(alerts) - 3} more")

    def retire(self) -> None:
        model = self.plan["model"]
        with self.step("refused", f"decommissioning {model}/2, which is in use, is refused"):
            problem = self.tenure("decommission", f"{model}/2", "--reason", "a mistake", refused=True)
            self.screen.say(self.name, f"   refused: {' '.join(problem['detail'].split())}")
        with self.step("decommission", f"decommissioning and archiving {model}/1"):
            self.tenure(
                "decommission", f"{model}/1", "--reason", "replaced by a better version", "--successor", f"{model}/2"
            )
            self.tenure("archive", f"{model}/1")

    def replay(self) -> None:
        """Make old decisions of the archived version again, and run it offline."""
        model = self.plan["model"]
        with self.step("replay", f"replaying decisions of the archived {model}/1"):
            replayed = self.tenure("replay", "--sample", str(REPLAYED), "--model", f"{model}/1")
        decisions, verdicts = replayed["decisions"], replayed["verdicts"]
        self.report["replay"] = {"version": f"{model}/1", "decisions": len(decisions), "verdicts": verdicts}
        self.report["replayed_decision"] = decisions[0]
        self.screen.say(self.name, "   " + ", ".join(f"{count} {verdict}" for verdict, count in verdicts.items()))
        with self.step("run", f"running the archived {model}/1 offline"):
            inputs = str(self.work / "v1" / "inputs.csv")
            self.tenure("run", f"{model}/1", "--input", inputs, "--output", str(self.work / "run.json"))

    def summarise(self) -> None:
        """Compare what was answered with what the log holds, and note the versions' stages."""
        answered = [decision for decisions in self.decided.values() for decision in decisions if decision]
        ids = Counter(row["decision_id"] for row in self.server.decisions(self.plan["application"]))
        self.report["answered"] = len(answered)
        self.report["lost"] = sum(ids[decision["decision_id"]] != 1 for decision in answered)
        self.report["decided_by"] = dict(Counter(decision["decided_by"] for decision in answered))
        self.report["versions"] = {row["ref"]: row["stage"] for row in self.tenure("versions", self.plan["model"])}


def prepare(environment: Path, screen: Screen) -> Path:
    """Return the Python of the examples' own environment, made from its hash-locked requirements when missing."""
    python, lock = environment / "bin" / "python", HERE / "requirements.txt"
    stamp = environment / "requirements.txt"
    if not stamp.exists() or stamp.read_text() != lock.read_text():
        screen.say("demo", "making the examples' environment (scikit-learn, XGBoost, the data; about 20 s)")
        uv = str(Path(sys.executable).with_name("uv"))
        subprocess.run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(environment)], check=True)
        subprocess.run(
            [uv, "pip", "sync", "--quiet", "--require-hashes", "--python", str(python), str(lock)], check=True
        )
        shutil.copy(lock, stamp)
    return python


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def live(lives: list[Life], chapter: Callable[[Life], None]) -> None:
    """Let all examples go through one chapter side by side."""
    with concurrent.futures.ThreadPoolExecutor(len(lives)) as pool:
        for done in [pool.submit(chapter, life) for life in lives]:
            done.result()


def story(life: Life) -> None:
    life.begin()
    life.outcomes(1)
    life.improve()
    life.outcomes(2)
    life.ask()
    life.monitor()
    life.retire()
    life.replay()
    life.summarise()


def main() -> int:
    options = arguments()
    screen, start = Screen(), time.monotonic()
    home = options.home.absolute()
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    screen.say("demo", f"three applications live through everything; home: {home}", strong=True)
    python = prepare(options.environment.absolute(), screen)
    server = Server(home / "tenure-home", options.port or free_port())
    up = server.run("up", "--detach", "--port", str(server.port), "--gateways", "2")
    server.token = up["token"]
    server.environ["TENURE_URL"], server.environ["TENURE_TOKEN"] = up["url"], up["token"]
    try:
        report = play(screen, server, home, python)
        report["seconds"]["all"] = round(time.monotonic() - start, 1)
        options.report.write_text(json.dumps(report, indent=2) + "\n")
        close(screen, server, report, options)
    finally:
        if options.once:
            server.run("down")
    return 0 if report["ok"] else 1


def play(screen: Screen, server: Server, home: Path, python: Path) -> dict[str, Any]:
    """Play all three lives and return the report."""
    lives = [Life(name, home / "work" / name, server, screen) for name in EXAMPLES]
    live(lives, lambda life: life.train(python))
    live(lives, lambda life: (life.package("v1"), life.package("v2"))[0])
    live(lives, story)
    screen.say("demo", "checking every byte and the audit chain")
    verified, audited = server.run("verify"), server.run("audit", "verify")
    report: dict[str, Any] = {life.name: life.report for life in lives}
    report |= {"verify": verified, "audit_verify": audited, "seconds": {}}
    report["ok"] = all(sound(life.report) for life in lives) and verified["intact"] and audited["intact"]
    return report


def sound(report: dict[str, Any]) -> bool:
    """Return whether one life went as it must: nothing lost or failed, and every replay the same bits."""
    replay = report["replay"]
    exact = replay["decisions"] >= REPLAYED and replay["verdicts"] == {"BIT": replay["decisions"]}
    switched = all(report["served_during_switch"].values()) and report["failed_during_switch"] == 0
    return exact and switched and report["lost"] == 0


def close(screen: Screen, server: Server, report: dict[str, Any], options: argparse.Namespace) -> None:
    replayed = report["credit"]["replayed_decision"]
    screen.say("demo", f"done in {report['seconds']['all']} s; all of it is in {options.report}", strong=True)
    print(
        f"\n  a decision of the archived credit version, made again: {replayed['decision_id']} → {replayed['verdict']}"
    )
    if not options.once:
        print(f"  look around:   {server.environ['TENURE_URL']}")
        print(f"  from a shell:  export TENURE_URL={server.environ['TENURE_URL']} TENURE_TOKEN={server.token}")
        print(f"  stop it:       TENURE_HOME={server.environ['TENURE_HOME']} {TENURE} down")
    print("  now your own:  docs/first-model.md")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--once", action="store_true", help="bring everything down at the end")
    parser.add_argument("--home", type=Path, default=Path("demo-home"))
    parser.add_argument("--environment", type=Path, default=Path(".build/examples"))
    parser.add_argument("--report", type=Path, default=Path("demo-report.json"))
    parser.add_argument("--port", type=int, default=0, help="default: any free port")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
