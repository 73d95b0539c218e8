"""A running home for fault tests: a snapshot written by hand, real processes, and clients that keep asking."""

import contextlib
import hashlib
import http.client
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from tenure.adapters.decision_log.streams import UnsealedLog, stream_folders
from tenure.application.revisions import definition
from tenure.application.revisions.terms import plain
from tenure.model.package import BatchForm
from tenure.serving import announce, snapshot
from tenure.serving.snapshot import (
    ApplicationEntry,
    CanaryEntry,
    Limits,
    ModelEntry,
    Snapshot,
    TokenEntry,
    TrialEntry,
)
from tenure.settings import Home
from tests.worker.packages import PLAIN, Made, Maker

TOKEN = "a-caller"
VIEWER = "a-viewer"
_TOKENS = {
    hashlib.sha256(TOKEN.encode()).hexdigest(): TokenEntry("t1", "caller"),
    hashlib.sha256(VIEWER.encode()).hexdigest(): TokenEntry("t2", "viewer"),
}
_STAND_IN = Path(__file__).parent / "stand_in"
APPLICATION = """
application: offers
entity: customer
request:
  customer: string
  a: float
  b: float
model: plain@champion
deadline: 500ms
fallback: {answer: {offer: none}, reason: R90}
rules:
  - {id: small, before: model, when: "a < 0.0", answer: {offer: small}, reason: R01}
  - {id: large, after: model, when: "output.score >= 100.0", answer: {offer: large}, reason: R02}
default: {answer: {offer: middle}, reason: R00}
reasons: {R00: neither, R01: too small, R02: large, R90: no model}
outcome: {name: left, type: bool}
"""


class House:
    """One home with its supervisor."""

    def __init__(
        self,
        root: Path,
        *,
        versions: int = 2,
        python: str = sys.executable,
        source: str = PLAIN,
        batch: BatchForm | None = None,
    ) -> None:
        self.home = Home(root)
        self.maker = Maker(root / "made", Path(python))
        form = batch or BatchForm("multiple", 8)
        self.made = [self._version(number, source, form) for number in range(1, versions + 1)]
        self.generation = 0
        self.process: subprocess.Popen[bytes] | None = None
        self.limits = Limits(drain_seconds=3.0, header_seconds=1.0)

    def _version(self, number: int, source: str, batch: BatchForm) -> Made:
        return self.maker.package(
            {"code/plain_model.py": source.encode(), "model/weight.txt": f"{number}.0".encode()},
            _loader(),
            batch=batch,
        )

    def publish(
        self,
        champion: int,
        *,
        running: tuple[int, ...] | None = None,
        tokens: bool = True,
        shadows: tuple[int, ...] = (),
        canary: CanaryEntry | None = None,
        challenger: int | None = None,
        trial: TrialEntry | None = None,
        revision: int = 1,
        application: str = APPLICATION,
    ) -> int:
        """Write the next generation, with `champion` in service and `running` versions kept up."""
        self.generation += 1
        kept = (champion,) if running is None else running
        entries = {f"plain/{number}": self.made[number - 1] for number in kept}
        snapshot.write(
            self.home.snapshots,
            Snapshot(
                format=1,
                generation=self.generation,
                created=time.time_ns() // 1000,
                tokens=_TOKENS if tokens else {},
                workers={key: made.worker for key, made in entries.items()},
                models={
                    "plain": ModelEntry(
                        {"champion": champion} | ({} if challenger is None else {"challenger": challenger}),
                        {int(k[6:]): _of(m, k) for k, m in entries.items()},
                        shadows=shadows,
                        canary=canary,
                    )
                },
                applications={"offers": ApplicationEntry(revision, plain(definition.parse(application)), trial)},
                limits=self.limits,
            ),
        )
        return self.generation

    def start(self, *options: str, control: bool = False, stand_in: bool = False) -> None:
        """Start the supervisor and wait until decisions are answered; `stand_in` runs in control's place."""
        command = [sys.executable, "-m", "tenure.serving.supervisor", "--home", str(self.home.root), "--port", "0"]
        self.home.logs.mkdir(parents=True, exist_ok=True)
        with (self.home.logs / "supervisor.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*command, *(() if control or stand_in else ("--no-control",)), *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env={**os.environ, "PYTHONPATH": str(_STAND_IN)} if stand_in else None,
            )
        self.wait_until(self.is_whole, 120)

    def status(self) -> dict[str, Any]:
        """Return what the supervisor says is running."""
        return announce.status(self.home.supervisor_socket)

    def is_whole(self) -> bool:
        """Return whether everything that should run is ready."""
        try:
            now = self.status()
        except Exception:
            return False
        places = [*now["workers"].values(), *now["gateways"].values()] + ([now["control"]] if now["control"] else [])
        return (
            len(now["gateways"]) == 2 and all(place["state"] == "ready" for place in places) and now["successors"] == 1
        )

    def announce(self) -> announce.Announced:
        """Have the newest generation served."""
        return announce.announce(self.home.supervisor_socket, self.generation, 30)

    @property
    def port(self) -> int:
        """Return the port that is listened on."""
        number: int = self.status()["port"]
        return number

    def supervisor_pid(self) -> int:
        """Return the pid of whoever is the supervisor now."""
        pid: int = self.status()["supervisor"]["pid"]
        return pid

    def gateway_pids(self) -> list[int]:
        """Return the gateways' pids."""
        return [gateway["pid"] for gateway in self.status()["gateways"].values()]

    def worker_pid(self, key: str) -> int:
        """Return a worker's pid."""
        pid: int = self.status()["workers"][key]["pid"]
        return pid

    def stop(self) -> list[int]:
        """End everything, whatever state it is in, and return the pids that did not end by themselves."""
        with contextlib.suppress(announce.NoSupervisor):
            announce.down(self.home.supervisor_socket, 30)
        with contextlib.suppress(AssertionError):
            self.wait_until(lambda: not self.left_behind(), 90)
        strays = self.left_behind()
        for pid in strays:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if self.process is not None:
            self.process.wait(60)
        return strays

    def left_behind(self) -> list[int]:
        """Return the pids of living processes that belong to this home."""
        root = str(self.home.root).encode()
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if root in (entry / "cmdline").read_bytes() and int(entry.name) != os.getpid():
                    found.append(int(entry.name))
        return found

    def logged(self) -> list[dict[str, Any]]:
        """Return every record of the decision log."""
        log = UnsealedLog(self.home.decisions)
        return [json.loads(one) for folder in stream_folders(self.home.decisions) for one in log.records(folder)]

    @staticmethod
    def wait_until(holds: Callable[[], bool], seconds: float) -> None:
        """Wait for a fact, or fail."""
        until = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < until, f"not within {seconds} s"
            time.sleep(0.02)


@dataclass
class Answers:
    """What the clients got: decisions by id and when each was asked for, other answers, and broken connections."""

    decisions: dict[str, dict[str, Any]] = field(default_factory=dict)
    #: the monotonic seconds at which a decision was asked for and answered
    times: dict[str, tuple[float, float]] = field(default_factory=dict)
    refused: list[tuple[int, bytes]] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)

    def by(self, decided_by: str) -> int:
        """Return how many decisions somebody made."""
        # Copied in one step, since the clients go on adding.
        return sum(1 for one in list(self.decisions.values()) if one["decided_by"] == decided_by)

    def versions(self) -> set[int]:
        """Return the versions that were asked."""
        return {one["model"]["version"] for one in list(self.decisions.values()) if one["model"]}


class Load:
    """Clients with keep-alive connections that ask one after the other until told to stop."""

    def __init__(self, port: int, clients: int, pause: float = 0.004) -> None:
        self.answers = Answers()
        self._port, self._pause = port, pause
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._client, args=(n,), daemon=True) for n in range(clients)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(60)

    def _client(self, number: int) -> None:
        dice = random.Random(number)
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        while not self._stop.is_set():
            body = {"customer": f"c{number}-{dice.randrange(50)}", "a": dice.uniform(-5, 100), "b": dice.uniform(0, 10)}
            asked = time.monotonic()
            try:
                status, content = ask(connection, body)
            except (OSError, http.client.HTTPException) as error:
                with self._lock:
                    self.answers.broken.append(repr(error))
                connection.close()
                time.sleep(0.01)
                continue
            self._note(status, content, asked)
            time.sleep(self._pause)
        connection.close()

    def _note(self, status: int, content: bytes, asked: float) -> None:
        answered = time.monotonic()
        with self._lock:
            if status != 200:
                self.answers.refused.append((status, content))
                return
            answer = json.loads(content)
            if answer["decision_id"] in self.answers.decisions:
                self.answers.doubled.append(answer["decision_id"])
            self.answers.decisions[answer["decision_id"]] = answer
            self.answers.times[answer["decision_id"]] = asked, answered


def ask(
    connection: http.client.HTTPConnection, body: dict[str, Any], key: str | None = None, token: str = TOKEN
) -> tuple[int, bytes]:
    """Ask for one decision and return status and content."""
    headers = {"Authorization": f"Bearer {token}", **({"Idempotency-Key": key} if key else {})}
    connection.request("POST", "/api/v1/applications/offers/decisions", json.dumps(body), headers)
    response = connection.getresponse()
    return response.status, response.read()


@contextlib.contextmanager
def running(root: Path, *, stand_in: bool = False, **options: Any) -> Iterator[House]:
    """Give a running house with version 1 in service, and end it."""
    house = House(root, **options)
    house.publish(1)
    with started(house, stand_in=stand_in):
        yield house


@contextlib.contextmanager
def started(house: House, *, stand_in: bool = False) -> Iterator[None]:
    """Run a house whose snapshot is published, and end it; nothing of it may be left."""
    try:
        house.start(stand_in=stand_in)
        yield
    finally:
        strays = house.stop()
    assert not strays


def _loader() -> Any:
    from tenure.model.package import Loader

    return Loader("python", "predict", "records", entry="plain_model:Plain")


def _of(made: Made, key: str) -> Any:
    import msgspec

    return msgspec.structs.replace(made.version, worker=key)
