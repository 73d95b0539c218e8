"""Packages made by hand for tests: a folder with a manifest, and what is needed to start its worker."""

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tenure.contract.predictor import Batch, Prediction
from tenure.contract.schema import Field
from tenure.kit.digests import digest_of, digest_of_file
from tenure.model.package import BatchForm, File, Loader, Manifest, Provenance
from tenure.serving.snapshot import VersionEntry, WorkerEntry
from tenure.serving.worker_zip import build

PYENV = Path.home() / ".pyenv" / "versions"
PYTHONS = {name: PYENV / name / "bin" / "python" for name in ("3.7.16", "3.8.18", "3.11.7", "3.13.0")}

#: a model in plain Python: score = a + 2b, and a few ways to misbehave
PLAIN = """
import os, sys, time

class Plain:
    def load(self, folder):
        with open(os.path.join(folder, "weight.txt")) as file:
            self.weight = float(file.read())

    def predict(self, rows):
        print("the model prints this", len(rows))
        return [self.score(row) for row in rows]

    def score(self, row):
        if row["a"] == 666.0:
            raise ValueError("the devil is in row")
        if row["a"] == 911.0:
            os._exit(1)
        if row["a"] >= 10000.0:
            time.sleep(row["a"] / 100000.0)
        return row["a"] + self.weight * row["b"]
"""
AB = (Field("a", "float"), Field("b", "float"))
SCORE = (Field("score", "float"),)


def output(prediction: Prediction) -> dict[str, Any]:
    """Return the output of a prediction that must have one."""
    assert prediction.output is not None, prediction.error
    return prediction.output


def batch(prediction: Prediction) -> Batch:
    """Return how a prediction was computed."""
    assert prediction.batch is not None, prediction.error
    return prediction.batch


@dataclass
class Made:
    """A package folder and the entries that start and ask its worker."""

    folder: Path
    manifest: Manifest
    worker: WorkerEntry
    version: VersionEntry


@dataclass
class Maker:
    """Writes packages below one folder."""

    root: Path
    python: Path
    made: int = field(default=0)

    def package(
        self,
        files: dict[str, bytes],
        loader: Loader,
        inputs: tuple[Field, ...] = AB,
        outputs: tuple[Field, ...] = SCORE,
        batch: BatchForm | None = None,
        **more: Any,
    ) -> Made:
        """Write a package and return it; `files` are those of the model and its code."""
        self.made += 1
        folder = self.root / f"package-{self.made}"
        for name, content in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        manifest = Manifest(
            format=1,
            name="plain",
            loader=loader,
            inputs=inputs,
            outputs=outputs,
            files={name: File(digest_of_file(folder / name), len(content)) for name, content in files.items()},
            python="3",
            batch=batch,
            provenance=Provenance(created=1, author="test"),
            **more,
        )
        content = msgspec.json.encode(manifest)
        (folder / "manifest.json").write_bytes(content)
        return self._entries(folder, manifest, digest_of(content))

    def plain(self, source: str = PLAIN, batch: BatchForm | None = None, **more: Any) -> Made:
        """Write a package of a plain Python class."""
        files = {"code/plain_model.py": source.encode(), "model/weight.txt": b"2.0"}
        return self.package(
            files, Loader("python", "predict", "records", entry="plain_model:Plain"), batch=batch, **more
        )

    def _entries(self, folder: Path, manifest: Manifest, digest: str) -> Made:
        worker = self.root / "worker.pyz"
        if not worker.exists():
            worker.write_bytes(build())
        form = manifest.batch or BatchForm("single", 1)
        return Made(
            folder,
            manifest,
            WorkerEntry(digest, str(self.python), os.environ.get("LD_LIBRARY_PATH", ""), str(worker), str(folder)),
            VersionEntry(digest, "plain/1", manifest.inputs, manifest.outputs, form.kind, form.rows),
        )


def interpreters() -> list[Any]:
    """Return every old and new interpreter of this machine as pytest parameters; where there is none, this one."""
    found = {name: path for name, path in PYTHONS.items() if path.exists()} or {"this": Path(sys.executable)}
    return [pytest.param(path, id=name) for name, path in found.items()]
