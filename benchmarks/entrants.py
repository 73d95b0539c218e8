"""Who takes part wherever this product is measured: an installation with everything on, and FastAPI by hand."""

from __future__ import annotations

import json
import os
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from contest import BIN, CHECKED_ROWS, HERE, MODELS, Contestant, free_port, rows_of, write_bodies
from processes import end, own_memory_mb

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

ENTITIES = 1000

APPLICATION = """
application: {name}
owner: bench@example.com
entity: customer_id
request:
{fields}
features:
  - {{view: customer, key: customer_id, on_missing: error}}
model: {model}@champion
{more}deadline: 2s
fallback: {{answer: {{band: none}}, reason: R90}}
rules:
  - {{id: tiny, before: model, when: "annual_inc < 100.0", answer: {{band: refused}}, reason: R01}}
  - {{id: high, after: model, when: "output.score >= 0.2 && past_loans < 5", answer: {{band: high}}, reason: R02}}
  - {{id: low, after: model, when: "output.score < 0.02", answer: {{band: low}}, reason: R03}}
default: {{answer: {{band: middle}}, reason: R00}}
reasons: {{R00: in between, R01: hardly any income, R02: likely to fail, R03: safe, R90: model not available}}
"""


def band(row: dict[str, Any], score: float, past_loans: int) -> str:
    """Return what the application above answers."""
    if row["annual_inc"] < 100:
        return "refused"
    if score >= 0.2 and past_loans < 5:
        return "high"
    return "low" if score < 0.02 else "middle"


def _explained_band(answer: Any) -> Any:
    """Return the band of an answer that gives the model's reasons, else the whole answer."""
    return answer["answer"]["band"] if any(one["source"] == "model" for one in answer["reasons"]) else answer


@contextmanager
def tenure(work: Path, models: Sequence[str] = MODELS) -> Iterator[Installation]:
    """Bring an installation up with some models and their applications, and down again."""
    installation = Installation(work, models)
    try:
        installation.start()
        yield installation
    finally:
        installation.run("down")


class Installation:
    """A home of this product, driven by its command as a user does."""

    def __init__(self, work: Path, models: Sequence[str]) -> None:
        self.work = work
        self.models = models
        self.home = work / "home"
        self.url = self.token = ""
        self._environ = os.environ | {"TENURE_HOME": str(self.home)}

    def run(self, *words: str) -> Any:
        """Return what a command says in JSON."""
        command = [str(BIN / "tenure"), *words, "--json"]
        done = subprocess.run(command, env=self._environ, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"tenure {' '.join(words)}: {done.stdout}{done.stderr}")
        return json.loads(done.stdout)

    def run_to_peak(self, *words: str) -> tuple[Any, float]:
        """Return what a long command says in JSON, and the most megabytes that it ever had resident."""
        command = [str(BIN / "tenure"), *words, "--json"]
        with subprocess.Popen(command, env=self._environ, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            said = process.stdout.read()
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"tenure {' '.join(words)}: {said.decode()}")
        return json.loads(said), used.ru_maxrss / 1024

    def start(self) -> None:
        """Start it and bring the models and their applications into service."""
        up = self.run("up", "--detach", "--port", str(free_port()))
        self.url, self.token = up["url"], up["token"]
        self._environ |= {"TENURE_URL": self.url, "TENURE_TOKEN": self.token}
        for model in self.models:
            print(f"— packaging, registering and deploying {model}", flush=True)
            self._publish(model)

    def entrant(self, model: str) -> Contestant:
        """Return the contestant that decides with this model."""
        return self._asking("tenure", f"bench-{model}", model, lambda answer: answer["answer"]["band"])

    def with_reasons(self, model: str, failed: dict[str, str]) -> list[Contestant]:
        """Return the contestant whose answers also give the model's own reasons; none, told in `failed`, where refused."""
        try:
            self._apply(f"bench-{model}-reasons", model, key="customer_id", more="explain: top_k\n")
        except SystemExit as refusal:
            failed[f"tenure, reasons with {model}"] = str(refusal)
            return []
        return [self._asking("tenure, reasons", f"bench-{model}-reasons", model, _explained_band)]

    def _asking(self, who: str, application: str, model: str, read: Callable[[Any], Any]) -> Contestant:
        rows, scores = rows_of(self.work, model)
        given = [{"customer_id": f"c{nth % ENTITIES}"} | row for nth, row in enumerate(rows)]
        bands = [band(row, scores[nth], nth % ENTITIES % 7) for nth, row in enumerate(rows[:CHECKED_ROWS])]
        return Contestant(
            who,
            f"{self.url}/api/v1/applications/{application}/decisions",
            write_bodies(self.work / model / "bodies-tenure.jsonl", given),
            lambda answer: read(answer) if answer["decided_by"] == "model" else answer,
            bands,
            token=self.token,
        )

    def crowd(self, model: str) -> Contestant:
        """Return a contestant that asks about a new person each time, in households whose features are known."""
        self._apply("bench-crowd", model, key="household")
        rows, _ = rows_of(self.work, model)
        given = [{"customer_id": "@PERSON@", "household": f"c{nth % ENTITIES}"} | row for nth, row in enumerate(rows)]
        return Contestant(
            "tenure",
            f"{self.url}/api/v1/applications/bench-crowd/decisions",
            write_bodies(self.work / "bodies-crowd.jsonl", given),
            lambda answer: answer["decided_by"],
            [],
            token=self.token,
            environ={"FIRST_PERSON": "0"},
        )

    def _publish(self, model: str) -> None:
        folder = self.work / model
        (folder / "requirements.txt").write_text("scikit-learn\n" if model == "light" else "scikit-learn\npandas\n")
        packaged = self.run(
            "package", str(folder / "model.joblib"), "--name", model, "--inputs", str(folder / "inputs.csv"),
            "--reference", str(folder / "reference.csv"), "--requirements", str(folder / "requirements.txt"),
            "--output", str(self.work / "packages"),
        )  # fmt: skip
        self.run("register", packaged["folder"])
        self.run("deploy", f"{model}/1", "--reason", "bench")
        feed = ["customer_id,known_at,past_loans"] + [f"c{n},2026-01-01T00:00:00Z,{n % 7}" for n in range(ENTITIES)]
        (folder / "customers.csv").write_text("\n".join(feed) + "\n")
        self.run(
            "features", "ingest", "customer", str(folder / "customers.csv"), "--key", "customer_id",
            "--at-column", "known_at",
        )  # fmt: skip
        self._apply(f"bench-{model}", model, key="customer_id")

    def _apply(self, name: str, model: str, key: str, more: str = "") -> None:
        """Bring an application into service that asks the model and reads its features by a field of the request."""
        kinds = {str: "string", int: "int", float: "float"}
        row = {"customer_id": "", key: ""} | rows_of(self.work, model)[0][0]
        fields = "\n".join(f"  {field}: {kinds[type(value)]}" for field, value in row.items())
        file = self.work / f"{name}.yaml"
        file.write_text(APPLICATION.format(name=name, model=model, fields=fields, key=key, more=more))
        self.run("apply", str(file), "--reason", "bench")


@contextmanager
def fastapi(python: Path, work: Path, model: str) -> Iterator[list[Contestant]]:
    """Start the hand-written endpoint in one process of uvicorn; its two forms are two contestants."""
    port = free_port()
    environ = os.environ | {"MODEL": model, "FOLDER": str(work)}
    command = [str(python), "-m", "uvicorn", "fastapi_endpoint:app", "--port", str(port), "--log-level", "warning"]
    server = subprocess.Popen(command, cwd=HERE, env=environ)
    rows, scores = rows_of(work, model)
    bodies = write_bodies(work / model / "bodies-fastapi.jsonl", rows)
    try:
        forms = [
            Contestant(
                f"fastapi {form}", f"http://127.0.0.1:{port}/{form}", bodies, lambda answer: answer["score"],
                scores[:CHECKED_ROWS],
            )
            for form in ("def", "async")
        ]  # fmt: skip
        for one in forms:
            one.wait(lambda: server.poll() is None)
            one.facts["memory_mb"] = round(own_memory_mb([server.pid]))
        yield forms
    finally:
        end(server.pid)
        server.wait()
