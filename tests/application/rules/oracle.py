"""The Rust CEL engine, by its compiled module alone: `import cel` would bring a command line and 42 MB with it."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any


def _engine() -> Any:
    package = importlib.util.find_spec("cel")
    assert package is not None
    assert package.origin is not None
    file = next(Path(package.origin).parent.glob("cel.*.so"))
    spec = importlib.util.spec_from_file_location("cel.cel", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


ENGINE = _engine()
