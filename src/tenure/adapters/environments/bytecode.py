"""What environments compiled, kept when they themselves are thrown away: compiling is the longest part of a cold run.

A cache like the environments beside it: without it everything runs, only later. Bytecode fits its source by the source's
size and moment, and the installer gives every file the same moment (`install.CHANGED`).
"""

from __future__ import annotations

import os
import tarfile
import tempfile
from pathlib import Path

from tenure.kit.digests import digest_of_file
from tenure.worker import install

#: quick, and a quarter of the size
_LEVEL = 1


def folder_beside(environments: Path) -> Path:
    """Return where the bytecode of the environments in a folder is kept: a file for each, named after it and its own sha256."""
    return environments.with_name("bytecode")


def find(environment: Path) -> str:
    """Return the path of what the environment compiled when it was there before; empty where nothing is kept, or not whole."""
    for path in _kept(environment):
        if digest_of_file(path) == f"sha256:{path.name.split('.')[1]}":
            return str(path)
        path.unlink(missing_ok=True)
    return ""


def keep(environment: Path) -> None:
    """Keep what the environment compiled, unless that was done before."""
    if _kept(environment) or not _fits_again(environment):
        return
    place = folder_beside(environment.parent)
    place.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=place, prefix=".keeping-")
    draft = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file, tarfile.open(fileobj=file, mode="w:gz", compresslevel=_LEVEL) as tar:
            for path in sorted(environment.rglob("__pycache__/*.pyc")):
                tar.add(path, path.relative_to(environment), recursive=False)
        digest = digest_of_file(draft).removeprefix("sha256:")
        draft.rename(place / f"{environment.name}.{digest}.tar.gz")
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def _kept(environment: Path) -> list[Path]:
    return sorted(folder_beside(environment.parent).glob(f"{environment.name}.*.tar.gz"))


def _fits_again(environment: Path) -> bool:
    """Return whether its sources have the moment that they will have the next time: those of an older Tenure have not."""
    python, _ = install.paths_of(str(environment))
    return int(Path(python).stat().st_mtime) == install.CHANGED
