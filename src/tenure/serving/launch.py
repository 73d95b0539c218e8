"""How a worker is started: its command line, its limits and its environment, built from nothing. Standard library, pure.

`worker` is a `WorkerEntry` or the same as a dict, as the snapshot's JSON has it.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
#: what the machine's owner says about its BLAS: without it old builds compute wrong results on some processors
_PASSED = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
_CONFINE = str(Path(__file__).parent.parent / "worker" / "confine.py")
#: bytes of memory of a worker whose card names none
MEMORY = 4 << 30
#: descriptors of a worker: its connections to gateways are few, the rest is for the model's own files
FILES = 1024


def command(
    worker: Any, descriptor: int, *, way: str = "--listen-fd", alone: Mapping[str, Any] | None = None
) -> list[str]:
    """Return the worker's command line; `descriptor` is a listening socket, or one connection with `--connect-fd`.

    `-s -B` and not `-I`, which would ignore PYTHONHASHSEED. `alone` hides what a restore must not need (`hiding`).
    """
    start = [_told(worker, "python"), "-s", "-B", _told(worker, "worker")]
    return [
        *confining(worker, alone),
        *start,
        "--package",
        _told(worker, "package"),
        "--digest",
        _told(worker, "digest"),
        way,
        str(descriptor),
    ]


def hiding(worker: Any, *, libraries: bool, outer: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """Return the limit `alone` of confine.py for a worker: hide this machine's interpreters, and its libraries if wished.

    A folder in which something lies that the worker is made of stays; so does `/usr` itself.
    """
    home = Path.home()
    known = [Path(outer.get("PYENV_ROOT") or home / ".pyenv"), home / ".local/share/uv", Path(sys.base_prefix)]
    debian = [found for root in ("/usr/lib", "/usr/local/lib") for found in sorted(Path(root).glob("python3*"))]
    needed = [Path(_told(worker, name)).resolve() for name in ("python", "worker", "package")]
    empty = [
        folder
        for path in (*known, *debian)
        if (folder := path.resolve()).is_dir()
        and folder not in {Path("/"), Path("/usr"), home.resolve()}
        and not any(one.is_relative_to(folder) for one in needed)
    ]
    outermost = [one for one in dict.fromkeys(empty) if not any(other in one.parents for other in empty)]
    return {"empty": [str(folder) for folder in outermost], "libraries": libraries}


def confining(worker: Any, alone: Mapping[str, Any] | None = None) -> list[str]:
    """Return what stands before a command that runs a model's code, so that it gets its limits (confine.py)."""
    limits = {
        "memory": _told(worker, "memory", MEMORY),
        "files": FILES,
        "network": bool(_told(worker, "network", 0)),
        "library_path": _told(worker, "library_path", ""),
        **({"alone": dict(alone)} if alone else {}),
    }
    return [sys.executable, "-I", "-S", _CONFINE, json.dumps(limits)]


def environ(worker: Any, outer: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the environment of a command that begins with `confining`; of ours (`outer`) only the choice of BLAS passes.

    LD_LIBRARY_PATH is that of our own interpreter, which comes first; `confining` sets the worker's.
    """
    threads = str(_told(worker, "threads", 1))
    return {
        "PATH": "/usr/bin:/bin",
        "HOME": "/nonexistent",
        "TMPDIR": "/tmp",  # noqa: S108 - the model's libraries want some folder for temporary files
        "LANG": "C.UTF-8",
        "PYTHONHASHSEED": "0",
        "PYTHONUNBUFFERED": "1",
        **dict.fromkeys(_THREADS, threads),
        **{name: outer[name] for name in (*_PASSED, "LD_LIBRARY_PATH") if outer.get(name)},
    }


def _told(worker: Any, name: str, default: Any = None) -> Any:
    if isinstance(worker, dict):
        return worker[name] if default is None else worker.get(name, default)
    return getattr(worker, name) if default is None else getattr(worker, name, default)
