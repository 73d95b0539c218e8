"""The example of continuous integration: the commands of its workflow's own file, run in their order against a real server."""

from __future__ import annotations

import csv
import http.client
import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tenure.app.table_files import source_of
from tenure.application.revisions.definition import parse

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
CI = ROOT / "examples" / "ci"
STEPS = yaml.safe_load((CI / "release-model.yml").read_text())["jobs"]["release"]["steps"]
BIN = Path(sys.executable).parent


class GitHub:
    """Stands in for GitHub's comments."""

    def __init__(self) -> None:
        self.comments: list[dict[str, Any]] = [{"id": 1, "body": "looks good", "html_url": "u/1"}]
        self.asked: list[str] = []
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self, found: Any) -> None:
                hub.asked.append(f"{self.command} {self.path} {self.headers['Authorization']}")
                content = json.dumps(found).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def _body(self) -> str:
                return str(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["body"])

            def do_GET(self) -> None:
                self._answer(hub.comments if self.path.endswith("page=1") else [])

            def do_POST(self) -> None:
                number = len(hub.comments) + 1
                hub.comments.append({"id": number, "body": self._body(), "html_url": f"u/{number}"})
                self._answer(hub.comments[-1])

            def do_PATCH(self) -> None:
                found = hub.comments[int(self.path.rpartition("/")[2]) - 1]
                found["body"] = self._body()
                self._answer(found)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def environ(self) -> dict[str, str]:
        """Return what a runner tells its steps."""
        url = f"http://127.0.0.1:{self.server.server_address[1]}"
        return {"GITHUB_API_URL": url, "GITHUB_REPOSITORY": "we/models", "GITHUB_TOKEN": "hub"}


@pytest.fixture
def hub() -> Iterator[GitHub]:
    made = GitHub()
    yield made
    made.server.shutdown()
    made.server.server_close()


def test_every_file_that_a_step_runs_is_there_and_the_application_can_be_read() -> None:
    commands = "\n".join(step.get("run", "") for step in STEPS)
    named = {word for word in commands.split() if word.startswith("examples/")}
    assert {ROOT / name for name in named} == {CI / name for name in ("train.py", "evidence.py", "comment.py")}
    assert [step["name"] for step in STEPS if "name" in step] == [
        "install", "train", "package", "register", "shadow", "evidence", "comment",
    ]  # fmt: skip
    sent = source_of(CI / "delivery.yaml")
    assert parse(sent["text"], sent["files"]).tests


def test_a_comment_takes_the_place_of_the_one_before(hub: GitHub, tmp_path: Path) -> None:
    file = tmp_path / "comment.md"
    for text in ("first", "second"):
        file.write_text(text)
        _ran([sys.executable, str(CI / "comment.py"), str(file), "--pull-request", "7"], os.environ | hub.environ)
    assert [one["body"].rpartition("\n")[2] for one in hub.comments] == ["looks good", "second"]
    assert all(one.endswith("Bearer hub") and "/repos/we/models/issues/" in one for one in hub.asked)


def _ran(command: list[str], environ: dict[str, str], *, code: int = 0) -> str:
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=300, check=False, cwd=ROOT)
    assert done.returncode == code, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


# ---- the whole way


class Runner:
    """Runs steps as GitHub's runner does: bash -e, one folder, and what a step writes into GITHUB_ENV for later ones."""

    def __init__(self, folder: Path, environ: dict[str, str], secrets: dict[str, str]) -> None:
        self.folder, self.secrets = folder, secrets
        self._file = folder / "github.env"
        self._file.touch()
        (folder / "examples").symlink_to(ROOT / "examples")
        self.environ = environ | {"GITHUB_ENV": str(self._file), "GITHUB_SHA": "0" * 40, "PULL_REQUEST": "7"}

    def run(self, name: str) -> subprocess.CompletedProcess[str]:
        (step,) = (one for one in STEPS if one.get("name") == name)
        given = {key: self._filled(value) for key, value in step.get("env", {}).items()}
        lines = dict(line.split("=", 1) for line in self._file.read_text().splitlines())
        return subprocess.run(
            ["bash", "-e", "-c", step["run"]], cwd=self.folder, env=self.environ | lines | given,
            capture_output=True, text=True, timeout=600, check=False,
        )  # fmt: skip

    def _filled(self, value: str) -> str:
        return self.secrets[value.removeprefix("${{ secrets.").removesuffix(" }}")]


@pytest.fixture
def environ(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A home that serves, with the first version as champion and the application in force."""
    made = {name: value for name, value in os.environ.items() if not name.startswith("TENURE_")}
    made |= {"PATH": f"{BIN}:{os.environ['PATH']}", "TENURE_HOME": str(tmp_path / "home"), "TENURE_PORT": "0"}
    made |= {"TENURE_CACHE": str(tmp_path / "cache"), "TENURE_KEYS": str(tmp_path / "keys")}
    yield made
    _ran(["tenure", "down"], made)


def _told(environ: dict[str, str], *words: str) -> Any:
    return json.loads(_ran(["tenure", *words, "--json"], environ))


def _first_version(environ: dict[str, str], work: Path) -> None:
    rides = (CI / "rides.csv").read_text().splitlines()
    work.mkdir()
    older = work / "older.csv"
    older.write_text("\n".join(rides[:201]) + "\n")
    _ran([sys.executable, str(CI / "train.py"), str(work), "--rides", str(older)], environ)
    _ran(["tenure", "package", str(work / "model"), "--output", str(work / "package")], environ)
    _ran(["tenure", "register", str(work / "package")], environ)
    _ran(["tenure", "deploy", "delivery/1", "--reason", "first", "--wait"], environ)
    _ran(["tenure", "apply", str(CI / "delivery.yaml"), "--reason", "first"], environ)


def _asking(port: int, token: str, until: threading.Event) -> None:
    """Ask for decisions as the world does, until told to stop."""
    with (CI / "rides.csv").open() as file:
        rides = list(csv.DictReader(file))
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    for number in range(10_000):
        body = {"order": f"o{number}", "distance": float(rides[number % len(rides)]["distance"])}
        path, headers = "/api/v1/applications/deliveries/decisions", {"Authorization": f"Bearer {token}"}
        connection.request("POST", path, json.dumps(body), headers)
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()
        answer.read()
        if until.wait(0.02):
            break
    connection.close()


@pytest.mark.soak
@pytest.mark.processes
def test_the_workflow_brings_a_version_from_training_to_a_comment(
    environ: dict[str, str], hub: GitHub, tmp_path: Path
) -> None:
    up = _told(environ, "up", "--detach")
    _first_version(environ, tmp_path / "first")
    tokens = {role: _told(environ, "token", "create", "--role", role)["token"] for role in ("builder", "operator")}
    secrets = {f"TENURE_{role.upper()}_TOKEN": token for role, token in tokens.items()} | {"GITHUB_TOKEN": "hub"}
    (tmp_path / "runner").mkdir()
    theirs = {name: value for name, value in environ.items() if name != "TENURE_HOME"}
    given = {"TENURE_URL": up["url"], "PAIRS": "20", "WITHIN": "240"}
    runner = Runner(tmp_path / "runner", theirs | hub.environ | given, secrets)
    stop = threading.Event()
    world = threading.Thread(target=_asking, args=(int(up["url"].rpartition(":")[2]), tokens["builder"], stop))
    world.start()
    try:
        for step in ("train", "package", "register", "shadow", "evidence", "comment"):
            done = runner.run(step)
            assert done.returncode == 0, f"{step}\n{done.stdout}\n{done.stderr}"
    finally:
        stop.set()
        world.join()
    (comment,) = (one["body"] for one in hub.comments if "delivery/2" in one["body"])
    assert "delivery/2 beside delivery/1: within bounds" in comment
    shown = _told(environ, "show", "delivery/2")
    assert (shown["role"], shown["stage"]) == ("shadow", "deployed")
    assert [one["kind"] for one in shown["papers"]] == ["validation"]
    assert _told(environ, "show", "delivery@champion")["ref"] == "delivery/1", "nothing is promoted by itself"

    # Nobody asks any more: a second run with another bound waits in vain, says so, and ends red, its comment in place.
    runner.environ |= {"PAIRS": "1000000", "WITHIN": "0"}
    assert runner.run("evidence").returncode == 1
    assert runner.run("comment").returncode == 0
    (comment,) = (one["body"] for one in hub.comments if "delivery/2" in one["body"])
    assert "LOOK CLOSER" in comment
    assert "live requests seen by both" in comment
