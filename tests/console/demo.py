"""The home that `make demo` leaves: three applications on real data that have lived through everything.

TENURE_DEMO=FOLDER (as `make demo` was given) looks at one that runs; else it is played first, which takes some minutes.
"""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tenure.client.client import Client
from tenure.client.connection import Connection
from tenure.serving import announce
from tenure.settings import Home
from tests.console.lived_in import LivedIn

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Demo(LivedIn):
    """The running home of the demo, with what its three applications were asked."""

    work: Path = Path()

    def asked(self, example: str, phase: int) -> list[dict[str, Any]]:
        """Return the requests of a phase, in their order."""
        lines = (self.work / example / f"requests-{phase}.jsonl").read_text().splitlines()
        return [json.loads(line) for line in lines]


@contextlib.contextmanager
def demo_home(folder: Path) -> Iterator[Demo]:
    """Give the demo's home: the one that runs in TENURE_DEMO, or a new one in `folder`, which is ended."""
    running = os.environ.get("TENURE_DEMO", "")
    if not running:
        play(folder)
    root = Path(running or folder).absolute()
    home = Home(root / "tenure-home")
    try:
        with Client(connection=Connection("http://localhost", unix_socket=home.control_socket)) as client:
            url = f"http://127.0.0.1:{announce.status(home.supervisor_socket)['port']}"
            token = client.call("tokens:create", role="admin", reason="to look at everything")["token"]
            yield Demo(home, url, token, client, root / "work")
    finally:
        if not running:
            announce.down(home.supervisor_socket, 60)


def play(folder: Path) -> None:
    """Play the demo into a folder and leave it running."""
    environment = ROOT / ".build" / "examples"
    places = [f"--home={folder}", f"--environment={environment}", f"--report={folder.with_suffix('.json')}"]
    subprocess.run([sys.executable, ROOT / "examples" / "demo.py", *places], check=True)
