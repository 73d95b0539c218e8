"""What the tests of real models share."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.worker.packages import PYTHONS


@pytest.fixture(scope="session")
def numeric_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an interpreter whose environment has scikit-learn, pandas, XGBoost and LightGBM."""
    folder = tmp_path_factory.mktemp("numeric-env")
    base = PYTHONS["3.11.7"] if PYTHONS["3.11.7"].exists() else Path(sys.executable)
    uv = Path(sys.executable).parent / "uv"
    subprocess.run([uv, "venv", "-q", "--python", base, folder / "env"], check=True)
    python = folder / "env" / "bin" / "python"
    wanted = ["scikit-learn==1.5.2", "pandas==2.2.3", "xgboost-cpu==2.1.4", "lightgbm==4.5.0", "numpy==1.26.4"]
    subprocess.run([uv, "pip", "install", "-q", "--compile-bytecode", "--python", python, *wanted], check=True)
    return python
