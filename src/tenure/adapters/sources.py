"""What lies on an author's disk: a saved model, a folder with model.toml, code, requirements, metrics."""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tenure.adapters import mlflow_folders
from tenure.adapters.folders import files_in
from tenure.model.packaging.source import BadSource

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tenure.model.packaging.source import PackageSource

DESCRIPTION = "model.toml"
_KEYS = {
    "name", "file", "entry", "format", "python", "requirements", "predict", "inputs", "reference", "target", "metrics",
    "network", "memory", "code", "threads", "tolerance", "data", "card", "explain",
}  # fmt: skip
_PASSED_OVER = {"__pycache__"}


def completed(source: PackageSource) -> PackageSource:
    """Return the source with what its model.toml says where nothing else was said; paths in it are beside it."""
    if not source.source.is_dir():
        return source
    folder = source.source
    if (folder / mlflow_folders.DESCRIPTION).is_file() and not (folder / DESCRIPTION).is_file():
        return mlflow_folders.completed(source)
    told = _told(folder)
    entry = source.entry or str(told.get("entry", ""))
    code = source.code or tuple(folder / name for name in _texts(told.get("code", ())))
    own = (folder / "code",) if (folder / "code").is_dir() and not source.code else ()
    _check_packaged(folder, entry.partition(":")[0], (*own, *code))
    return replace(
        source,
        source=folder / told["file"] if "file" in told else folder,
        name=source.name or told.get("name", ""),
        entry=_entry(entry),
        format=source.format or told.get("format", ""),
        python=source.python or str(told.get("python", "")),
        requirements=source.requirements or _requirements(folder, told.get("requirements", ())),
        predict=source.predict or told.get("predict", ""),
        inputs=source.inputs if source.inputs is not None else _beside(folder, told.get("inputs")),
        reference=source.reference if source.reference is not None else _beside(folder, told.get("reference")),
        target=source.target or told.get("target", ""),
        metrics=source.metrics if source.metrics is not None else _metrics_told(folder, told.get("metrics")),
        network=source.network or bool(told.get("network", False)),
        memory=_bytes(folder, told["memory"]) if "memory" in told else source.memory,
        threads=int(told.get("threads", source.threads)),
        tolerance=float(told.get("tolerance", source.tolerance)),
        explain=source.explain or str(told.get("explain", "")),
        data=source.data or told.get("data", ""),
        code=(*own, *code),
        card={**told.get("card", {}), **source.card},
    )


def _told(folder: Path) -> dict[str, Any]:
    path = folder / DESCRIPTION
    if not path.is_file():
        raise BadSource(
            what=f"{folder} has neither {DESCRIPTION} nor {mlflow_folders.DESCRIPTION}",
            cure="give a saved model file or an MLflow model folder, or write model.toml beside the model",
        )
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadSource(what=f"{path} cannot be read: {error}", cure="correct the file") from error
    strange = sorted(told.keys() - _KEYS)
    if strange:
        raise BadSource(
            what=f"{path} has unknown keys: {', '.join(strange)}", cure=f"known keys: {', '.join(sorted(_KEYS))}"
        )
    return told


def _entry(entry: str) -> str:
    """Return `code/x.py:Class` as `x:Class`; a module path stays as it is."""
    place, colon, name = entry.partition(":")
    if not entry:
        return ""
    if not colon:
        raise BadSource(what=f"the entry {entry!r} names no class", cure='write it as "code/x.py:Class"')
    return f"{place.removeprefix('code/').removesuffix('.py').replace('/', '.')}:{name}"


def _check_packaged(folder: Path, place: str, code: Sequence[Path]) -> None:
    """Raise `BadSource` where the entry's file stands in the folder, but nothing says that it is packaged."""
    if place.endswith(".py") and (folder / place).is_file() and not code:
        raise BadSource(
            what=f"the entry's {place} stands beside {DESCRIPTION}, from where no code is packaged",
            cure=f'put it into the folder code/ and write entry = "code/{place}:…", or name it: code = ["{place}"]',
        )


def _beside(folder: Path, name: str | None) -> Path | None:
    return None if name is None else folder / name


def _bytes(folder: Path, told: Any) -> int:
    """Return a number of bytes, as it is or with a unit: 2GB is 2 x 1000^3, 2GiB is 2 x 1024^3."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(?:([kMGT])(i?))?B?", str(told))
    if found is None:
        raise BadSource(what=f"{folder / DESCRIPTION} has memory = {told!r}", cure='write it as memory = "2GiB"')
    number, unit, binary = found.groups()
    base = 1024 if binary else 1000
    return int(float(number) * base ** (" kMGT".index(unit) if unit else 0))


def _texts(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def _requirements(folder: Path, told: Any) -> Path | tuple[str, ...]:
    return folder / told if isinstance(told, str) else tuple(told)


def _metrics_told(folder: Path, told: Any) -> Any:
    return folder / told if isinstance(told, str) else told


def requirements(source: PackageSource) -> tuple[str, ...]:
    """Return the requirements as lines, without comments; a wheel or folder beside the file is named by its full path."""
    if not isinstance(source.requirements, Path):
        return tuple(source.requirements)
    try:
        text = source.requirements.read_text(encoding="utf-8")
    except OSError as error:
        raise BadSource(what=f"the requirements cannot be read: {error}", cure="check --requirements") from error
    kept = [line.split(" #")[0].strip() for line in text.splitlines()]
    return tuple(_anchored(line, source.requirements.parent) for line in kept if line and not line.startswith("#"))


def _anchored(line: str, folder: Path) -> str:
    path = folder / line
    return str(path.absolute()) if line.endswith(".whl") or (line.startswith(".") and path.exists()) else line


def metrics(source: PackageSource) -> Mapping[str, float]:
    """Return the metrics, from a JSON file where a path was given."""
    if source.metrics is None:
        return {}
    if not isinstance(source.metrics, Path):
        return source.metrics
    try:
        found = json.loads(source.metrics.read_text(encoding="utf-8"))
        return {str(name): float(value) for name, value in found.items()}
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise BadSource(what=f"{source.metrics} holds no metrics: {error}", cure='write {"auc": 0.81}') from error


def code_files(code: tuple[Path, ...]) -> dict[str, Path]:
    """Return path below `code/` -> file. A folder called code gives its content, another one itself."""
    found: dict[str, Path] = {}
    for path in code:
        if not path.exists():
            raise BadSource(what=f"there is no code at {path}", cure="check --code")
        base = path if path.is_dir() and path.name == "code" else path.parent
        for file in _files(path):
            found[file.relative_to(base).as_posix()] = file
    return found


def model_files(folder: Path) -> dict[str, Path]:
    """Return path below `model/` -> file of a source folder's `model/`, which its class loads from."""
    place = folder / "model"
    return {file.relative_to(place).as_posix(): file for file in _files(place)} if place.is_dir() else {}


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
    for file in files_in(path) if path.is_dir() else ():
        inner = file.relative_to(path).parts
        if not any(part in _PASSED_OVER or part.startswith(".") for part in inner):
            yield file


def commit_of(folder: Path) -> str:
    """Return the git commit of the folder the code lies in, with `-dirty` when it has changes; empty where there is none."""
    command = ["git", "-C", str(folder), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.SubprocessError):
        return ""
    return answer.stdout.strip() if answer.returncode == 0 else ""
