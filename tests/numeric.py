"""One environment with the usual numeric libraries, for tests of workers that need no package of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_WANTED = ("scikit-learn==1.5.2", "pandas==2.2.3", "xgboost-cpu==2.1.4", "lightgbm==4.5.0", "numpy==1.26.4")
_IMPORTS = "import joblib, lightgbm, pandas, xgboost, sklearn.compose, sklearn.ensemble, sklearn.neural_network"


def numeric_environment(folder: Path) -> None:
    """Make `env` in a folder, with its bytecode: workers write none, so that each would compile everything anew."""
    from tenure.adapters.environments.lock import find_uv

    uv, python = find_uv(), folder / "env" / "bin" / "python"
    subprocess.run([uv, "venv", "-q", "--python", sys.executable, folder / "env"], check=True)
    subprocess.run([uv, "pip", "install", "-q", "--python", python, *_WANTED], check=True)
    writing = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run([python, "-W", "ignore", "-c", _IMPORTS], env=writing, check=True)
