"""How a worker is started: its command line and its environment, built from nothing. Standard library, pure.

`worker` is a `WorkerEntry` or the same as a dict, as the snapshot's JSON has it.
"""

from __future__ import annotations

import os
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


def command(worker: Any, descriptor: int, *, way: str = "--listen-fd") -> list[str]:
    """Return the worker's command line; `descriptor` is a listening socket, or one connection with `--connect-fd`.

    `-s -B` and not `-I`, which would ignore PYTHONHASHSEED.
    """
    start = [_told(worker, "python"), "-s", "-B", _told(worker, "worker")]
    return [*start, "--package", _told(worker, "package"), "--digest", _told(worker, "digest"), way, str(descriptor)]


def environ(worker: Any, outer: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the worker's whole environment; of ours (`outer`) only the choice of BLAS kernels passes."""
    threads, libraries = str(_told(worker, "threads", 1)), _told(worker, "library_path", "")
    return {
        "PATH": "/usr/bin:/bin",
        "HOME": "/nonexistent",
        "TMPDIR": "/tmp",  # noqa: S108 - the model's libraries want some folder for temporary files
        "LANG": "C.UTF-8",
        "PYTHONHASHSEED": "0",
        "PYTHONUNBUFFERED": "1",
        # An empty path would mean the working directory.
        **({"LD_LIBRARY_PATH": libraries} if libraries else {}),
        **dict.fromkeys(_THREADS, threads),
        **{name: outer[name] for name in _PASSED if name in outer},
    }


def _told(worker: Any, name: str, default: Any = None) -> Any:
    if isinstance(worker, dict):
        return worker[name] if default is None else worker.get(name, default)
    return getattr(worker, name)
