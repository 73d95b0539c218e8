"""What must hold of the repository itself: locks without addresses, contracts that bite, an honest gate."""

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def lines_of(name: str) -> set[str]:
    return {line for line in (ROOT / "requirements" / name).read_text().splitlines() if line and line[0] not in "#-"}


def test_the_requirements_are_those_of_the_project() -> None:
    project = PROJECT["project"]
    assert lines_of("server.in") == set(project["dependencies"]) | set(project["optional-dependencies"]["server"])
    assert lines_of("dev.in") == set(PROJECT["dependency-groups"]["dev"])


LOCKS = ("*/*requirements*.txt", "requirements/*.txt", "benchmarks/peer_servers/*.txt")


@pytest.mark.parametrize("lock", sorted(path for pattern in LOCKS for path in ROOT.glob(pattern)))
def test_every_lock_has_hashes_and_names_no_address(lock: Path) -> None:
    text = lock.read_text()
    pins = re.findall(r"(?m)^[a-z0-9].*==", text)
    assert pins
    assert text.count("--hash=sha256:") >= len(pins)
    assert "://" not in text
    assert "--index-url" not in text


def test_the_gate_is_make_test() -> None:
    assert "make test" in (ROOT / ".ci" / "run").read_text()
    (recipe,) = re.findall(r"(?m)^test: .*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text())
    assert {"check", "programs", "console"} <= set(recipe.splitlines()[0].split()), "make test runs the contracts too"
    assert "pytest" in recipe.splitlines()[1]


def test_the_demo_drives_only_the_command_and_http() -> None:
    tree = ast.parse((ROOT / "examples" / "demo.py").read_text())
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not [name for name in imported if name.split(".")[0] == "tenure"]


#: a file, a line that must not stand there, and how the linter names the two
VIOLATIONS = {
    "a rule reaches into a model": (
        "application/rules/__init__.py", "import tenure.model.version", "tenure.application.rules -> tenure.model.version"
    ),
    "a model knows an application": (
        "model/version.py", "import tenure.application", "tenure.model.version -> tenure.application"
    ),
    "kit looks up": ("kit/clock.py", "import tenure.contract.schema", "tenure.kit.clock -> tenure.contract.schema"),
    "a stage imports its neighbour": (
        "model/registry/__init__.py", "import tenure.model.deployment", "tenure.model.registry -> tenure.model.deployment"
    ),
    "the gateway loads SQLAlchemy": (
        "entrypoints/gateway/__init__.py", "import sqlalchemy", "tenure.entrypoints.gateway -> sqlalchemy"
    ),
    "the worker uses msgspec": ("worker/__init__.py", "import msgspec", "tenure.worker -> msgspec"),
    "an entry point names an adapter": (
        "entrypoints/api/__init__.py", "import tenure.adapters.blobs", "tenure.entrypoints.api -> tenure.adapters.blobs"
    ),
    "a package stands outside the house": (
        "cellar/__init__.py", '"""Nowhere to be found in the layers."""', "not listed as layers:\n\n- tenure.cellar"
    ),
}  # fmt: skip


def test_every_broken_import_contract_is_caught_and_the_line_named(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for where, line, _ in VIOLATIONS.values():
        file = tmp_path / "src" / "tenure" / where
        file.parent.mkdir(exist_ok=True)
        file.write_text((file.read_text() if file.exists() else "") + f"\n{line}\n")
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(command, cwd=tmp_path, env={"PYTHONPATH": "src"}, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout
    assert [name for name, (_, _, named) in VIOLATIONS.items() if named not in done.stdout] == [], done.stdout


def imported_at_once(file: Path, module: str, modules: set[str]) -> set[str]:
    """Return which of the modules this one imports when it is imported itself, and not first when it is used."""
    found: set[str] = set()
    package = module if file.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.parse(file.read_text()).body:
        match node:
            case ast.Import(names=names):
                found |= {alias.name for alias in names}
            case ast.ImportFrom(module=origin, names=names, level=level):
                above = ".".join(package.split(".")[: len(package.split(".")) + 1 - level]) if level else ""
                whole = ".".join(part for part in (above, origin) if part)
                found |= {inner if (inner := f"{whole}.{alias.name}") in modules else whole for alias in names}
    return found & modules - {module}


def circle_in(source: Path) -> list[str]:
    """Return modules each of which imports the next when it is imported, and the last the first; empty: there are none."""
    files = {}
    for file in source.rglob("*.py"):
        parts = file.relative_to(source).with_suffix("").parts
        files[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    graph = {module: imported_at_once(file, module, set(files)) for module, file in files.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(reversed(error.args[1]))
    return []


def test_no_module_is_imported_while_it_is_being_imported(tmp_path: Path) -> None:
    assert circle_in(ROOT / "src") == []
    (tmp_path / "house").mkdir()
    for name, line in (("__init__", ""), ("cellar", "from house import attic"), ("attic", "from .roof import tiles")):
        (tmp_path / "house" / f"{name}.py").write_text(line)
    (tmp_path / "house/roof.py").write_text("import house.cellar\ntiles = 1")
    circle = ["house.attic", "house.roof", "house.cellar"]
    found = circle_in(tmp_path)
    assert found[0] == found[-1]
    assert set(found) == set(circle)
    assert circle[(circle.index(found[0]) + 1) % 3] == found[1]


UNPICKLING = {"pickle", "joblib", "cloudpickle", "dill", "marshal", "shelve", "skops", "torch"}


#: what runs in the model's own process: the worker, and the script that the packager sends there
MODELS_OWN = ("worker/", "adapters/environments/question.py")
WRITING = {"dump", "dumps", "PicklingError"}


def test_nothing_outside_the_models_own_process_can_unpickle() -> None:
    """A pickle runs code when it is loaded. The author's own process may write one, and nothing but write."""
    found = []
    source = ROOT / "src" / "tenure"
    for file in sorted(source.rglob("*.py")):
        place = file.relative_to(source).as_posix()
        if place.startswith(MODELS_OWN):
            continue
        for node in ast.walk(ast.parse(file.read_text())):
            match node:
                case ast.Attribute(value=ast.Name(id=module), attr=name) if module in UNPICKLING:
                    found += [] if name in WRITING else [f"{place}: {module}.{name}"]
                case ast.ImportFrom(module=str(module)) if module.split(".")[0] in UNPICKLING:
                    found.append(f"{place}: from {module}")
                case ast.Call(func=ast.Attribute(attr="import_module"), args=[ast.Constant(value=str(module))]):
                    found += [f"{place}: imports {module}"] if module.split(".")[0] in UNPICKLING else []
    assert not found


def test_a_fresh_clone_is_installed_without_the_console_and_a_release_without_it_is_refused(tmp_path: Path) -> None:
    for name in ("src", "examples", "console/wheel.py", "pyproject.toml", "README.md", "LICENSE"):
        place = tmp_path / "clone" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, place)
    built = hatchling(tmp_path / "clone", "wheel")
    assert (built.returncode, "make console" in built.stderr) == (0, True), built.stderr
    assert "make console" in hatchling(tmp_path / "clone", "sdist").stderr
    (tmp_path / "clone" / "PKG-INFO").write_text("Metadata-Version: 2.4\nName: tenure\nVersion: 0.1.0\n")
    refused = hatchling(tmp_path / "clone", "wheel")
    assert (refused.returncode, "make console" in refused.stderr) == (1, True), refused.stderr


def hatchling(clone: Path, target: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", "dist"]
    return subprocess.run(command, cwd=clone, capture_output=True, text=True, check=False)
