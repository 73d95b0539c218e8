"""Small real packages: a class without requirements, its versions told apart by a weight."""

from pathlib import Path

from tenure.app import packaging
from tenure.app.packaging import PackageSource
from tenure.settings import Workshop
from tests.sharing import made_once

CREATED = 1_790_000_000_000_000

_CODE = """
import os

class Plain:
    def load(self, folder):
        with open(os.path.join(folder, "weight.txt")) as file:
            self.weight = float(file.read())

    def predict(self, rows):
        return [{"score": sum(row.values()) * self.weight} for row in rows]
"""


def packaged(workshop: Workshop, weight: float, columns: str = "a,b") -> Path:
    """Return the folder of a package of the model `plain`, sealed by whichever test needs it first. Nobody may change it."""
    source = workshop.cache.parent / "plain" / f"{weight:g}-{columns.replace(',', '')}"
    made_once(source, lambda folder: _sealed(workshop, folder, weight, columns))
    return Path((source / "sealed").read_text())


def _sealed(workshop: Workshop, folder: Path, weight: float, columns: str) -> None:
    (folder / "code").mkdir()
    (folder / "model").mkdir()
    (folder / "code/plain.py").write_text(_CODE)
    (folder / "model/weight.txt").write_text(str(weight))
    rows = "\n".join(",".join([f"{row}.5"] * (columns.count(",") + 1)) for row in range(5))
    (folder / "inputs.csv").write_text(f"{columns}\n{rows}\n")
    (folder / "model.toml").write_text('name = "plain"\nentry = "code/plain.py:Plain"\ninputs = "inputs.csv"\n')
    source = PackageSource(folder, python="3.11", created=CREATED, author="ada", metrics={"auc": 0.5 + weight / 10})
    (folder / "sealed").write_text(str(packaging.package(source, workshop=workshop).folder))


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
