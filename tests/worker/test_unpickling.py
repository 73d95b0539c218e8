"""What a pickle may look up: what it looked up when it was sealed, wherever in a library the unpickling happens."""

from __future__ import annotations

import base64
import pickle
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from tests.worker.packages import PYTHONS

SOURCE = Path(__file__).parents[2] / "src"

SCRIPT = """
import base64, importlib, io, pickle, sys, types
top = types.ModuleType("tenure_worker"); top.__path__ = [sys.argv[1]]; sys.modules["tenure_worker"] = top
unpickling = importlib.import_module("tenure_worker.unpickling")
content, allowed = base64.b64decode(sys.argv[2]), sys.argv[3].split() if sys.argv[3] != "-" else None
ways = {
    "loads": lambda: pickle.loads(content),
    "load": lambda: pickle.load(io.BytesIO(content)),
    "fast": lambda: pickle.Unpickler(io.BytesIO(content)).load(),
    "slow": lambda: pickle._Unpickler(io.BytesIO(content)).load(),
}
try:
    with unpickling.watched(allowed) as watch:
        ways[sys.argv[4]]()
    print("seen", " ".join(sorted(watch.seen)))
except Exception as error:
    print(type(error).__name__, error)
pickle.loads(content)
print("afterwards anything goes")
"""


class Payload:
    """Prints when it is unpickled: harmless, and caught all the same."""

    def __reduce__(self) -> Any:
        return (print, ("it ran",))


def asked(python: str, content: bytes, allowed: str, way: str) -> list[str]:
    arguments = [str(SOURCE / "tenure/worker"), base64.b64encode(content).decode(), allowed, way]
    run = subprocess.run(
        [python, "-I", "-c", textwrap.dedent(SCRIPT), *arguments], capture_output=True, text=True, check=True
    )
    return run.stdout.splitlines()


@pytest.mark.parametrize("way", ["loads", "load", "fast", "slow"])
@pytest.mark.parametrize("version", ["3.7.16", "3.8.18", "running"])
def test_every_way_of_unpickling_is_watched(version: str, way: str) -> None:
    python = sys.executable if version == "running" else str(PYTHONS[version])
    if not Path(python).exists():
        pytest.skip(f"no Python {version} here")
    content = pickle.dumps(Payload(), protocol=2)
    first = asked(python, content, "-", way)
    assert first == ["it ran", "seen __builtin__:print", "it ran", "afterwards anything goes"]
    again = asked(python, content, "__builtin__:print", way)
    assert again == first
    refused = asked(python, content, "collections:OrderedDict", way)
    assert refused[0] == "Refused the model's pickle asks for __builtin__:print, which it did not when it was sealed"
    assert "it ran" not in refused[:1]
