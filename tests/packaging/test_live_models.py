"""`tenure.package(model)`: live objects, saved by their own means and loaded again elsewhere before they are sealed."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

import tenure
from tenure.adapters.environments.asking import DoesNotLoad
from tenure.client.packaging import CannotBeSaved
from tenure.model.packaging.golden import AuthorDiffers
from tenure.model.packaging.source import InMain

if TYPE_CHECKING:
    from pathlib import Path

    from tenure.settings import Workshop

MODULE = """
import os

class Doubling:
    scale = 2.0

    def predict(self, rows):
        return [row["x"] * self.scale * float(os.environ.get("TENURE_TEST_BIAS", "1")) for row in rows]
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    path = tmp_path / "doubling_model.py"
    path.write_text(MODULE)
    spec = importlib.util.spec_from_file_location("doubling_model", path)
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "doubling_model", found)
    spec.loader.exec_module(found)
    return found


@pytest.fixture(autouse=True)
def in_the_workshop(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TENURE_CACHE", str(workshop.cache))
    monkeypatch.setenv("TENURE_KEYS", str(workshop.keys))


def test_a_live_object_with_its_code_is_sealed_and_compared_with_its_author(module: Any, tmp_path: Path) -> None:
    rows = [{"x": float(n)} for n in range(5)]
    made = tenure.package(module.Doubling(), name="doubling", inputs=rows, code=[tmp_path / "doubling_model.py"])
    assert made.sealed
    assert made.manifest.golden is not None
    assert made.manifest.golden.author_difference == 0.0
    assert made.manifest.loader.form == "records"


def test_a_model_that_answers_otherwise_when_sealed_is_refused(
    module: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TENURE_TEST_BIAS", "1.001")
    with pytest.raises(AuthorDiffers):
        tenure.package(module.Doubling(), name="d", inputs=[{"x": 1.0}], code=[tmp_path / "doubling_model.py"])


def test_code_that_was_forgotten_is_missed_before_sealing(module: Any) -> None:
    with pytest.raises(DoesNotLoad, match="doubling_model"):
        tenure.package(module.Doubling(), name="d", inputs=[{"x": 1.0}])


def test_an_object_without_predict_and_a_class_are_refused_with_the_cure() -> None:
    with pytest.raises(CannotBeSaved) as refusal:
        tenure.package(object(), name="d", inputs=[{"x": 1.0}])
    assert "entry" in refusal.value.hint
    with pytest.raises(CannotBeSaved, match="it is a class"):
        tenure.package(dict, name="d", inputs=[{"x": 1.0}])


def test_a_class_that_lives_in_main_is_refused_by_name_with_the_cure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "notebook.py"
    script.write_text(
        "import pickle, sys\nclass Mine:\n    def predict(self, rows): return rows\n"
        "pickle.dump([Mine()], open(sys.argv[1], 'wb'))\n"
    )
    subprocess.run([sys.executable, script, tmp_path / "mine.pkl"], check=True)
    # As it is typed where it lies; what loads it starts elsewhere.
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InMain, match="Mine") as refusal:
        tenure.package("mine.pkl", name="mine", inputs=[{"x": 1.0}])
    assert 'code=["features.py"]' in refusal.value.hint


def test_importing_tenure_imports_nothing_heavy() -> None:
    script = "import sys, tenure; tenure.package; print([m for m in ('numpy','pandas','pyarrow','sqlalchemy','litestar') if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
