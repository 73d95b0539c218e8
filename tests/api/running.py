"""A whole home that runs: gateways, control, and the command line of its owner."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tests.commands import ran

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_APART = frozenset({"up", "down", "restart"})


@dataclass
class Running:
    url: str
    token: str
    link: str
    environ: dict[str, str]
    printed: str

    def command(self, *arguments: str, said: str = "", **environ: str) -> Any:
        """Run a command as the home's owner and return what it answers in JSON."""
        done = self.run(*arguments, "--json", said=said, **environ)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def run(self, *arguments: str, said: str = "", **environ: str) -> subprocess.CompletedProcess[str]:
        """Run a command: in a process of its own where it starts or ends others, or is spoken to."""
        if arguments[0] not in _APART and not said:
            return ran(arguments, self.environ | environ)
        command = [sys.executable, "-c", "from tenure.entrypoints.cli.main import main; main()", *arguments]
        found = self.environ | environ
        return subprocess.run(command, input=said, capture_output=True, text=True, timeout=300, env=found, check=False)

    def ask(
        self, verb: str, path: str, document: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        """Return status, headers and body of one request to the gateways."""
        parts = urlsplit(self.url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
        body = document if isinstance(document, bytes) else None if document is None else json.dumps(document)
        connection.request(verb, path, body, {"Content-Type": "application/json"} | (headers or {}))
        answer = connection.getresponse()
        found = answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        connection.close()
        return found


@contextlib.contextmanager
def brought_up(folder: Path, *more: str, **variables: str) -> Iterator[Running]:
    """Give a home that is up, as its owner's shell sees it; `variables` are those of its environment."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("TENURE_")}
    environ = clean | {"TENURE_HOME": str(folder / "home"), "HOME": str(folder), "XDG_CONFIG_HOME": str(folder / "c")}
    # The plain pages, whether a console was built or not: tests/console looks at that.
    environ |= {"TENURE_CONSOLE": "off"} | variables
    made = Running("", "", "", environ, "")
    printed = made.run("up", "--detach", "--port", "0", "--gateways", "1", *more)
    assert printed.returncode == 0, printed.stderr
    made.printed = printed.stdout
    exports = dict(re.findall(r"^export (\w+)=(\S+)$", printed.stdout, re.MULTILINE))
    made.url, made.token = exports["TENURE_URL"], exports["TENURE_TOKEN"]
    made.link = re.findall(r"^(https?://\S+/sign-in\?code=\S+)$", printed.stdout, re.MULTILINE)[0]
    yield made
    made.command("down")
