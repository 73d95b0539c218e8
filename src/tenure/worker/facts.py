"""What this process runs on: interpreter, CPU, BLAS, threads. It goes into the WELCOME and onto the golden rows."""

from __future__ import annotations

import importlib
import json
import os
import platform
import sys
from typing import Any

#: instruction sets that numeric libraries choose their kernels by
_SETS = ("avx512f", "avx2", "fma", "avx", "sse4_2", "asimd", "sve")
_PACKAGES = ("numpy", "scipy", "pandas", "sklearn", "xgboost", "lightgbm", "statsmodels", "onnxruntime", "joblib")
#: worker/confine.py writes it
_LIMITS = "TENURE_LIMITS"
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def gather() -> dict[str, Any]:
    """Return the facts as JSON-ready values. `cpu` is equal on machines that may be expected to give the same bits."""
    model, sets = _cpu()
    blas = _blas()
    return {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "machine": platform.machine(),
        "cpu": " ".join([platform.machine(), *sets, *_kernels(blas)]),
        "cpu_model": model,
        "blas": blas,
        "threads": {name: os.environ[name] for name in _THREADS if name in os.environ},
        "limits": _limits(),
        "packages": {name: _version(name) for name in _PACKAGES if name in sys.modules},
        "pid": os.getpid(),
    }


def _limits() -> dict[str, Any]:
    """Return what this process may take, as whoever started it says; empty where it took no limits."""
    try:
        limits = json.loads(os.environ.get(_LIMITS, "{}"))
    except ValueError:
        return {}
    return limits if isinstance(limits, dict) else {}


def _version(name: str) -> str:
    return str(getattr(sys.modules[name], "__version__", ""))


def _cpu() -> tuple[str, list[str]]:
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            told = dict(_pair(line) for line in file.read().split("\n\n")[0].splitlines())
    except OSError:
        return platform.processor(), []
    flags = (told.get("flags") or told.get("Features") or "").split()
    return told.get("model name", platform.processor()), [name for name in _SETS if name in flags]


def _pair(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name.strip(), value.strip()


def _blas() -> list[dict[str, Any]]:
    """Return the loaded BLAS and OpenMP libraries: by threadpoolctl if the model's environment has it, else by name."""
    try:
        told = importlib.import_module("threadpoolctl").threadpool_info()
    except ImportError:
        return [{"library": name} for name in _mapped()]
    kept = ("user_api", "internal_api", "version", "architecture", "num_threads")
    return [{name: info[name] for name in kept if name in info} for info in told]


def _mapped() -> list[str]:
    try:
        with open("/proc/self/maps", encoding="utf-8", errors="replace") as file:
            paths = {os.path.basename(line.split()[-1]) for line in file}
    except OSError:
        return []
    return sorted(path for path in paths if any(word in path.lower() for word in ("blas", "mkl_", "libgomp", "libomp")))


def _kernels(blas: list[dict[str, Any]]) -> list[str]:
    """Return the BLAS kernels in use, or what the environment asks OpenBLAS to use."""
    found = sorted({str(library["architecture"]) for library in blas if library.get("architecture")})
    asked = os.environ.get("OPENBLAS_CORETYPE")
    return found or ([asked] if asked and blas else [])
