"""What the build of the wheel asks of the console: that a release has it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PLACE = "tenure/console"


class NoConsole(Exception):
    """The console was not built, and what is published without it would serve a plain page."""


class ConsoleHook(BuildHookInterface):  # type: ignore[type-arg]
    """Puts `console/dist` into the wheel; an editable install finds it where it stands and does not need it."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Refuse a release without the console; what is installed from a checkout then keeps the plain page."""
        built = Path(self.root) / "console" / "dist"
        if version == "editable":
            return
        if (built / "index.html").is_file():
            if self.target_name == "wheel":
                build_data["force_include"][str(built)] = PLACE
            return
        # Only a source distribution has PKG-INFO, and only releases are made of one: `pip install .` in a fresh clone is
        # how somebody tries this, and the author's side needs no console.
        if self.target_name == "sdist" or (Path(self.root) / "PKG-INFO").is_file():
            raise NoConsole("console/dist is missing: `make console` builds it (it needs Node 20.19 or newer)")
        print("tenure: without the console, `/` stays a plain page: run `make console` first", file=sys.stderr)
