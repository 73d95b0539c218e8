"""The kinds of model that are known, in their own environments, from file to registered."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tenure.adapters.environments.asking import DoesNotLoad
from tenure.app import packaging
from tenure.serving import oneshot
from tests.namespaces import WHOLE, may_unshare
from tests.packaging.conftest import environ_without_network, plain_source, sealed

if TYPE_CHECKING:
    from tenure.app.packaging import PackageSource
    from tenure.settings import Home, Workshop

pytestmark = pytest.mark.processes

SYSTEM_PYTHONS = ("/usr/bin/python3", "/usr/local/bin/python3")


@pytest.mark.parametrize("kind", ["sklearn_311", "sklearn_38", "xgboost_311"])
def test_a_saved_model_is_sealed_registered_and_answers_with_its_golden_bits(
    kind: str, request: pytest.FixtureRequest, workshop: Workshop, home: Home
) -> None:
    source: PackageSource = request.getfixturevalue(kind)
    made = sealed(source, workshop)
    registered = packaging.register(home, made.folder)
    assert (registered.digest, registered.verdict) == (made.digest, "BIT")
    assert registered.seal.level == WHOLE, registered.seal
    environment, golden = made.manifest.environment, made.manifest.golden
    assert environment is not None
    assert environment.interpreter.version.startswith(source.python)
    assert golden is not None
    assert golden.rows == 50
    assert [field.name for field in made.manifest.outputs] == ["score"]
    with oneshot.started(registered.worker, registered.version, "m", 1) as worker:
        scores = [one.output for one in worker.predict([{f"x{n}": 0.25 * n for n in range(17)}] * 3)]
    assert scores[0] is not None
    assert 0 < scores[0]["score"] < 1
    assert scores[0] == scores[1] == scores[2]


def test_the_same_bytes_twice_are_the_same_version(sklearn_311: PackageSource, workshop: Workshop, home: Home) -> None:
    heard: list[str] = []
    first = sealed(sklearn_311, workshop)
    again = packaging.package(sklearn_311, workshop=workshop, progress=heard.append)
    assert first.digest == again.digest
    assert packaging.register(home, first.folder).digest == packaging.register(home, again.folder).digest
    assert "predict: predict_proba, given a matrix; column 1 of its answer is `score`" in heard
    for file in ("manifest.json", "env/lock.json", "env/requirements.txt"):
        assert "://" not in (first.folder / file).read_text(), f"{file} keeps a download address"


@pytest.mark.parametrize("python", ["3.8", "3.11"])
def test_a_class_of_ones_own_needs_no_requirements(
    python: str, plain_folder: Path, workshop: Workshop, home: Home
) -> None:
    made = packaging.package(plain_source(plain_folder, python), workshop=workshop)
    registered = packaging.register(home, made.folder)
    with oneshot.started(registered.worker, registered.version, "popular", 1) as worker:
        (answer,) = worker.predict([{"genre": "drama", "age": 10}])
    assert answer.output == {"film": "Casablanca", "weight": 5.0}
    assert worker.hello["python"].startswith(python)
    assert made.manifest.card == {"purpose": "fallback"}


def test_an_environment_is_rebuilt_and_proven_without_any_network(
    sklearn_38: PackageSource, workshop: Workshop, tmp_path: Path
) -> None:
    made = sealed(sklearn_38, workshop)
    cut = ["unshare", "-n"] if may_unshare("-n") else []
    script = (
        "import sys; from pathlib import Path; from tenure.app.packaging import register; from tenure.settings import Home;"
        "print(register(Home(Path(sys.argv[1])), Path(sys.argv[2])).verdict)"
    )
    command = [*cut, sys.executable, "-c", script, str(tmp_path / "home"), str(made.folder)]
    run = subprocess.run(command, env=environ_without_network(), capture_output=True, text=True, check=False)
    assert run.stdout.strip() == "BIT", run.stderr


def test_a_package_restores_itself_with_a_foreign_python_and_nothing_of_ours(
    plain: packaging.Packaged, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(plain.folder, tmp_path / "package"))
    rows = tmp_path / "rows.csv"
    rows.write_text("genre,age\ndrama,10\nwestern,\n")
    old = Path.home() / ".pyenv/versions/3.7.16/bin/python"
    python = str(old) if old.exists() else sys.executable
    command = [python, "-I", str(folder / "restore.py"), str(tmp_path / "restored")]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "popular: 3 golden outputs came out bit for bit" in run.stdout, run.stderr
    assert "network none" in run.stdout, "it has the limits of a worker"
    bad = subprocess.run([*command, "--input", str(rows)], capture_output=True, text=True, check=False)
    assert (bad.returncode, bad.stdout) == (1, "")
    assert "refused: rows 0 to 1: field 'age' has no value" in bad.stderr
    rows.write_text("genre,age\ndrama,10\nwestern,8\n")
    again = subprocess.run([*command, "--input", str(rows)], capture_output=True, text=True, check=False)
    assert json.loads(again.stdout) == [{"film": "Casablanca", "weight": 5.0}, {"film": "none", "weight": 4.0}]


def test_a_package_restores_itself_where_there_is_no_network_and_no_python_that_it_came_from(
    plain: packaging.Packaged, tmp_path: Path
) -> None:
    assert restored_alone(plain.folder, tmp_path) == "popular: 3 golden outputs came out bit for bit"


def restored_alone(package: Path, place: Path) -> str:
    """Run a package's restore.py with the system's Python, without network and pyenv's, uv's and this Python's folders."""
    system = next((path for path in map(Path, SYSTEM_PYTHONS) if path.is_file()), None)
    if system is None or not may_unshare("-m", "-n"):
        pytest.skip("this machine has no Python of its own beside the hidden ones, or allows no namespaces")
    folder = Path(shutil.copytree(package, place / "alone"))
    # The folder of the running Python first: it may lie within one of the others.
    hidden = [Path(sys.base_prefix), Path.home() / ".pyenv", Path.home() / ".local/share/uv"]
    mounts = " && ".join(
        f"mount -t tmpfs none {path}" for path in hidden if path.is_dir() and not system.resolve().is_relative_to(path)
    )
    script = f"{mounts or 'true'} && exec {system} -I {folder}/restore.py {place}/restored"
    run = subprocess.run(
        ["unshare", "-m", "-n", "sh", "-c", script],
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout.splitlines()[0]


def test_requirements_that_do_not_fit_the_model_show_before_sealing(
    sklearn_311: PackageSource, workshop: Workshop
) -> None:
    with pytest.raises(DoesNotLoad, match="rebuilt environment"):
        packaging.package(replace(sklearn_311, requirements=("joblib",)), workshop=workshop)
